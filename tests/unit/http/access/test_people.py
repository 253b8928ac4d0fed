"""Managing people and teams over HTTP."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import UserId
from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def _invited(by: Somebody, **values: object) -> Any:
    return await by.made("/users", {"email": "nina@example.test", "name": "Nina", "role": "engineer", **values})


def _refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_somebody_invited_is_there_and_can_do_nothing_yet(world: World) -> None:
    team = (await world.admin.seen("/teams"))["items"][0]

    nina = await _invited(world.admin, team_ids=[team["id"]])

    assert ("invited", "pending", [team["id"]], None) == (
        nina["state"],
        nina["invitation"]["mail"],
        nina["team_ids"],
        nina["deactivated_at"],
    )
    assert nina == await world.viewer.seen(f"/users/{nina['id']}")
    with pytest.raises(NotFound):
        await world.flowpilot.accounts.add_token(world.admin.account_id, UserId(UUID(nina["id"])))
    handoff = await world.junior.escalation(team_id=team["id"])
    assert nina["id"] not in [one["user_id"] for one in (await world.senior.seen(f"/handoffs/{handoff['id']}/deliveries"))["items"]]


async def test_an_address_that_somebody_has_is_not_invited_again(world: World) -> None:
    await _invited(world.admin)

    refused = await world.admin.post("/users", {"email": "NINA@example.test", "name": "Nora", "role": "viewer"})

    assert (422, "validation_failed") == _refused(refused)
    assert "/email" == refused.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("email", ["nobody", "a@b\r\nBcc: c@d", "a b@c.test", "a@b@c", "@c.test", "a@" + "b" * 260])
async def test_what_is_no_address_is_not_invited(world: World, email: str) -> None:
    """A39: no line end gets into a header by way of an address."""
    assert (422, "validation_failed") == _refused(await world.admin.post("/users", {"email": email, "name": "x", "role": "viewer"}))


async def test_people_are_listed_page_by_page_those_who_are_gone_too(world: World) -> None:
    nina = await _invited(world.admin)
    await world.admin.made(f"/users/{world.viewer.id}/deactivate")

    first = await world.junior.seen("/users?limit=2")
    rest = await world.junior.seen(f"/users?limit=200&cursor={first['next_cursor']}")

    everybody = {one["id"]: one["state"] for one in (*first["items"], *rest["items"])}
    assert {nina["id"]: "invited", world.viewer.id: "deactivated", world.owner.id: "active"}.items() <= everybody.items()
    assert (6, None) == (len(everybody), rest["next_cursor"])
    assert (400, "invalid_cursor") == _refused(await world.rival_owner.get(f"/users?cursor={first['next_cursor']}"))


async def test_everybody_is_told_who_they_are(world: World) -> None:
    me = await world.viewer.seen("/users/me")

    assert (world.viewer.id, "viewer", "active") == (me["id"], me["role"], me["state"])


async def test_an_admin_makes_admins_and_only_an_account_owner_makes_account_owners(world: World) -> None:
    async def made(by: Somebody, role: str) -> int:
        return (await by.patch(f"/users/{world.junior.id}", {"role": role})).status_code

    assert [200, 403, 200, 403, 403] == [
        await made(world.admin, "admin"),
        await made(world.admin, "owner"),
        await made(world.owner, "owner"),
        await made(world.admin, "viewer"),
        await made(world.senior, "engineer"),
    ]
    assert 403 == (await world.admin.post("/users", {"email": "a@b.test", "name": "x", "role": "owner"})).status_code
    assert 403 == (await world.admin.post(f"/users/{world.junior.id}/deactivate")).status_code
    assert "owner" == (await world.admin.seen(f"/users/{world.junior.id}"))["role"]


async def test_the_last_account_owner_stays(world: World) -> None:
    owner = f"/users/{world.owner.id}"

    assert [(409, "last_account_owner")] * 2 == [
        _refused(await world.owner.patch(owner, {"role": "admin"})),
        _refused(await world.owner.post(f"{owner}/deactivate")),
    ]
    await world.owner.patch(f"/users/{world.admin.id}", {"role": "owner"})
    assert 200 == (await world.owner.post(f"{owner}/deactivate")).status_code
    assert (409, "last_account_owner") == _refused(await world.admin.post(f"/users/{world.admin.id}/deactivate"))


async def test_of_two_account_owners_who_throw_each_other_out_at_once_one_stays(world: World) -> None:
    await world.owner.patch(f"/users/{world.admin.id}", {"role": "owner"})

    await asyncio.gather(
        world.owner.post(f"/users/{world.admin.id}/deactivate"),
        world.admin.post(f"/users/{world.owner.id}/deactivate"),
        world.owner.patch(f"/users/{world.admin.id}", {"role": "viewer"}),
        world.admin.patch(f"/users/{world.owner.id}", {"role": "viewer"}),
    )

    people = (await world.junior.seen("/users"))["items"]
    assert 1 == len([one for one in people if (one["role"], one["state"]) == ("owner", "active")])


async def test_an_admin_who_was_demoted_a_moment_ago_manages_nobody(world: World) -> None:
    """F49: what a browser or token is remembered for does not outlast the role."""
    await world.admin.seen("/users/me")
    await world.owner.patch(f"/users/{world.admin.id}", {"role": "viewer"})

    assert (403, "role_forbidden") == _refused(await world.admin.patch(f"/users/{world.junior.id}", {"role": "admin"}))


async def test_somebody_deactivated_is_out_and_what_they_did_stays(world: World) -> None:
    handoff = await world.junior.escalation()

    gone = await world.admin.made(f"/users/{world.junior.id}/deactivate")

    assert ("deactivated", True) == (gone["state"], gone["deactivated_at"] is not None)
    assert world.junior.by == (await world.senior.seen(f"/handoffs/{handoff['id']}"))["escalated_by"]
    again = await world.admin.post(f"/users/{world.junior.id}/deactivate")
    assert (409, "invalid_transition", "deactivated") == (again.status_code, again.json()["code"], again.json()["state"])
    back = await world.admin.made(f"/users/{world.junior.id}/reactivate")
    assert ("active", None) == (back["state"], back["deactivated_at"])


async def test_anybody_leaves_by_themselves_and_throws_nobody_else_out(world: World) -> None:
    assert (403, "role_forbidden") == _refused(await world.viewer.post(f"/users/{world.junior.id}/deactivate"))
    assert "deactivated" == (await world.viewer.made(f"/users/{world.viewer.id}/deactivate"))["state"]


async def test_withdrawing_an_invitation_is_deactivating_who_has_not_accepted(world: World) -> None:
    nina = await _invited(world.admin)

    gone = await world.admin.made(f"/users/{nina['id']}/deactivate")

    assert ("deactivated", None) == (gone["state"], gone["invitation"])
    assert (409, "invalid_transition") == _refused(await world.admin.post(f"/users/{nina['id']}/invitation"))


async def test_an_invitation_is_made_once_for_a_key(world: World) -> None:
    body = {"email": "nina@example.test", "name": "Nina", "role": "engineer"}

    first, again = [await world.admin.post("/users", body, idempotency_key="nina") for _ in range(2)]

    assert (201, first.json(), "true") == (again.status_code, again.json(), again.headers["idempotency-replayed"])


async def test_a_team_is_made_renamed_filled_and_archived(world: World) -> None:
    made = await world.admin.made("/teams", {"name": "Servers", "member_ids": [world.junior.id]})
    path = f"/teams/{made['id']}"
    assert [made["id"]] == (await world.junior.seen("/users/me"))["team_ids"]

    changed = (await world.admin.patch(path, {"name": "Server room", "member_ids": [world.senior.id]})).json()
    archived = (await world.admin.patch(path, {"archived": True})).json()

    assert ("Server room", [world.senior.id], None) == (changed["name"], changed["member_ids"], changed["archived_at"])
    assert archived == await world.viewer.seen(path)
    assert (404, "not_found") == _refused(await world.junior.post("/ai-sessions", {"title": "x", "problem": "y", "team_id": made["id"]}))
    assert None is (await world.admin.patch(path, {"archived": False})).json()["archived_at"]
    taken = await world.admin.patch(path, {"name": "Network"})
    assert (422, "/name") == (taken.status_code, taken.json()["errors"][0]["pointer"])


async def test_no_team_or_person_of_another_account_is_named_in_a_body(world: World) -> None:
    """A28: not where an admin of one's own account asks for it either."""
    theirs = (await world.rival_owner.seen("/teams"))["items"][0]["id"]
    own = (await world.admin.seen("/teams"))["items"][0]["id"]

    refused = [
        await world.admin.post("/users", {"email": "a@b.test", "name": "x", "role": "viewer", "team_ids": [theirs]}),
        await world.admin.patch(f"/users/{world.junior.id}", {"team_ids": [theirs]}),
        await world.admin.post("/teams", {"name": "x", "member_ids": [world.rival.id]}),
        await world.admin.patch(f"/teams/{own}", {"member_ids": [world.rival.id]}),
    ]

    assert [(404, "not_found")] * 4 == [_refused(one) for one in refused]
