"""The audit log: who did what to the account itself, read by those who manage it."""

import pytest

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
    assert ({"redacts_personal": False, "mails_a_minute": 9}, "a-request") == (log[2]["changed"], log[2]["request_id"])
    assert [*range(len(log), 0, -1)] == [entry["number"] for entry in log]
    assert new.json()["id"] == log[4]["thing_id"]


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

    log = await world.owner.client.get("/audit-log")

    assert 201 == made.status_code, made.text
    assert {"webhook.added", "user.invited"} <= {entry["kind"] for entry in log.json()["items"]}
    assert not [word for word in ("very-secret", "nora@acme.test", made.json()["secret"]) if word in log.text]
