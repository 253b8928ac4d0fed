"""The audit log: who did what to the account itself, read by those who manage it."""

import pytest

from tests.support.browser import Browser
from tests.support.http import World

ADAPTERS = ("memory", "postgres")

pytestmark = pytest.mark.anyio


async def test_what_is_done_to_an_account_is_on_record_with_who_did_it(world: World) -> None:
    """A37: people, policies, webhooks and how the account works; the newest first, each with what is different."""
    new = await world.owner.client.post("/users", json={"email": "nora@acme.test", "name": "Nora", "role": "engineer"})
    path = f"/users/{new.json()['id']}"
    await world.admin.client.post(f"{path}/deactivate")
    await world.admin.client.patch("/account", json={"mails_a_minute": 9}, headers={"X-Request-Id": "a-request"})
    await world.owner.client.put("/escalation-policy", json={"steps": [], "claim_quiet_minutes": 30})
    await world.owner.client.post("/teams", json={"name": "Night"})

    log = (await world.admin.seen("/audit-log"))["items"]

    told = [(entry["kind"], entry["by"]["name"]) for entry in log if entry["by"] != "system"]
    owner, admin = world.owner.user.name, world.admin.user.name
    assert [
        ("team.added", owner),
        ("escalation_policy.set", owner),
        ("account.changed", admin),
        ("user.deactivated", admin),
        ("user.invited", owner),
    ] == told
    assert ({"redacts_personal": False, "mails_a_minute": 9, "time_zone": "UTC"}, "a-request") == (log[2]["changed"], log[2]["request_id"])
    assert [*range(len(log), 0, -1)] == [entry["number"] for entry in log]
    assert new.json()["id"] == log[4]["thing_id"]


async def test_what_opens_a_way_in_is_on_record_with_who_opened_it(world: World) -> None:
    """A37: a link that the operator prints, and the address that a PSA calls; closing what is closed is nothing that was done."""
    await world.flowpilot.signing_in.link(world.junior.account_id, world.junior.user.id)
    new = {"system": "memory", "name": "Desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
    connection = await world.admin.made("/psa-connections", new)
    address = f"/psa-connections/{connection['id']}/webhook"
    await world.admin.made(address)
    for _ in range(2):
        await world.owner.client.delete(address)

    removed, renewed, _, link, *_ = (await world.owner.seen("/audit-log"))["items"]

    assert ("psa_webhook.removed", world.owner.by, connection["id"]) == (removed["kind"], removed["by"], removed["thing_id"])
    assert ("psa_webhook.renewed", world.admin.by, connection["id"]) == (renewed["kind"], renewed["by"], renewed["thing_id"])
    assert ("sign_in_link.made", "command line", world.junior.id) == (link["kind"], link["cause"], link["thing_id"])


async def test_a_sign_in_link_of_the_operator_shows_in_what_is_done_with_it(world: World) -> None:
    """A45"""
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.owner.account_id, world.owner.user.id)}")
    await browser.send()

    headers = {"x-csrf-token": browser.csrf_token}
    assert 200 == (await browser.client.patch("/account", json={"mails_a_minute": 9}, headers=headers)).status_code

    changed, made, *_ = (await world.owner.seen("/audit-log"))["items"]
    assert (world.owner.by, {"way": "link", "id": None}) == (changed["by"], changed["way_in"])
    assert ("system", None) == (made["by"], made["way_in"])


async def test_it_comes_in_pages(world: World) -> None:
    for minutes in (5, 6, 7):
        await world.owner.client.patch("/account", json={"mails_a_minute": minutes})

    whole = (await world.owner.seen("/audit-log"))["items"]
    first = await world.owner.seen("/audit-log?limit=2")
    rest = await world.owner.seen(f"/audit-log?cursor={first['next_cursor']}")

    assert whole == first["items"] + rest["items"]


async def test_neither_addresses_nor_secrets_are_in_it(world: World) -> None:
    """A42."""
    await world.owner.client.post("/users", json={"email": "nora@acme.test", "name": "Nora", "role": "engineer"})
    url = "https://hooks.example.test/services/very-secret"
    made = await world.owner.client.post("/webhooks", json={"url": url, "name": "Chat", "kinds": ["handoff.escalated"]})

    new = {"system": "memory", "name": "Desk", "base_url": "https://psa.example", "credentials": {"key": "very-good"}}
    connection = await world.owner.made("/psa-connections", new)
    called = await world.owner.made(f"/psa-connections/{connection['id']}/webhook")
    link = await world.flowpilot.signing_in.link(world.junior.account_id, world.junior.user.id)
    secrets = (
        "very-secret",
        "nora@acme.test",
        made.json()["secret"],
        "very-good",
        called["url"].rpartition("/")[2],
        called["secret"],
        link,
    )

    log = await world.owner.client.get("/audit-log")

    assert 201 == made.status_code, made.text
    told = {entry["kind"] for entry in log.json()["items"]}
    assert {"webhook.added", "user.invited", "psa_connection.added", "psa_webhook.renewed", "sign_in_link.made"} <= told
    assert not [word for word in secrets if word in log.text]
