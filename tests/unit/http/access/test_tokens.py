"""API tokens: shown once, narrowed by a scope, good until they end, and ended by their person or who manages people."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from flowpilot_core.domain.access.account import USE_NOTED
from tests.support.http import Somebody, World, client_of
from tests.support.routes import OF_PLATFORM, a_body, asked, filled, listed_in_gallery, routes_of_accounts, things_of

ADAPTERS = ("memory", "postgres")

pytestmark = pytest.mark.anyio


async def with_token(world: World, who: Somebody, **more: Any) -> tuple[Somebody, dict[str, Any]]:
    """The same person, signed in with a new token of theirs."""
    made = await who.made("/tokens", {"name": "a script", **more})
    return evolve(who, token=made["token"], client=client_of(world.app, made["token"])), made


async def test_a_token_is_shown_once_and_stands_for_its_person(world: World) -> None:
    script, made = await with_token(world, world.junior)

    me, listed = await script.seen("/users/me"), await world.junior.seen("/tokens")

    assert world.junior.id == me["id"] == made["user_id"]
    assert made["token"].startswith("fp_")
    (found,) = [one for one in listed["items"] if one["id"] == made["id"]]
    assert {**made, "last_used_at": found["last_used_at"]} == {**found, "token": made["token"]}
    assert made["token"] not in repr(listed)


async def test_a_repeated_request_makes_one_token_and_is_not_told_its_text_again(world: World) -> None:
    key = {"Idempotency-Key": "once"}

    first, again = [await world.junior.client.post("/tokens", json={"name": "x"}, headers=key) for _ in range(2)]

    assert (201, 201, "true") == (first.status_code, again.status_code, again.headers["idempotency-replayed"])
    assert first.json()["id"] == again.json()["id"]
    assert ("token" in first.json(), "token" in again.json()) == (True, False)


async def test_a_token_ends_with_its_time(world: World) -> None:
    ends = world.clock.now() + timedelta(hours=1)
    script, _ = await with_token(world, world.junior, expires_at=ends.isoformat())
    before = (await script.client.get("/users/me")).status_code

    world.clock.jump(timedelta(hours=1))
    late = client_of(world.app, script.token)

    assert 200 == before
    await over(world, late)


async def over(world: World, client: Any) -> None:
    """Within the second for which it is remembered."""
    world.app.app.state["face"].door._bearer._known._known.clear()
    answer = await client.get("/users/me")
    assert (401, "unauthenticated") == (answer.status_code, answer.json()["code"])


async def test_its_person_ends_it_and_others_do_not_know_it(world: World) -> None:
    script, made = await with_token(world, world.junior)

    refused = [await who.client.delete(f"/tokens/{made['id']}") for who in (world.senior, world.viewer, world.rival_owner)]
    ended = await world.junior.client.delete(f"/tokens/{made['id']}")
    again = await world.junior.client.delete(f"/tokens/{made['id']}")

    assert [404, 404, 404] == [answer.status_code for answer in refused]
    assert (204, 204) == (ended.status_code, again.status_code)
    await over(world, script.client)
    (found,) = [one for one in (await world.junior.seen("/tokens"))["items"] if one["id"] == made["id"]]
    assert found["revoked_at"]


async def test_whoever_manages_people_sees_and_ends_others(world: World) -> None:
    script, made = await with_token(world, world.junior)

    seen = await world.admin.seen(f"/users/{world.junior.id}/tokens")
    ended = await world.admin.client.delete(f"/tokens/{made['id']}")

    assert made["id"] in [one["id"] for one in seen["items"]]
    assert 204 == ended.status_code
    await over(world, script.client)


async def test_a_token_that_was_ended_by_leaving_is_not_revived_by_coming_back(world: World) -> None:
    script, _ = await with_token(world, world.junior)

    await world.admin.made(f"/users/{world.junior.id}/deactivate", {})
    await world.admin.made(f"/users/{world.junior.id}/reactivate", {})

    await over(world, script.client)
    await over(world, world.junior.client)


async def test_what_a_token_is_used_for_is_noted_now_and_then(world: World) -> None:
    script, made = await with_token(world, world.junior)

    async def used() -> str | None:
        (found,) = [one for one in (await world.junior.seen("/tokens"))["items"] if one["id"] == made["id"]]
        at: str | None = found["last_used_at"]
        return at

    unused = await used()
    await script.seen("/users/me")
    first = await used()
    world.clock.jump(USE_NOTED)
    world.app.app.state["face"].door._bearer._known._known.clear()
    await script.seen("/users/me")

    assert unused is None
    assert first is not None
    assert first < (await used() or "")


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "scope": "root"}, {"name": "x", "expires_at": "2001-01-01T00:00:00Z"}])
async def test_what_cannot_be_is_refused(world: World, body: dict[str, Any]) -> None:
    before = len((await world.junior.seen("/tokens"))["items"])

    refused = await world.junior.client.post("/tokens", json=body)

    assert refused.status_code in (400, 422), refused.text
    assert before == len((await world.junior.seen("/tokens"))["items"])


async def test_a_token_that_reads_changes_nothing_at_any_route(world: World) -> None:
    """A28: whatever its person may, from the application's own list of routes."""
    things = {**await things_of(world.junior, world.senior, world.owner), **await listed_in_gallery(world)}
    script, _ = await with_token(world, world.owner, scope="read")
    assistant, _ = await with_token(world, world.junior, scope="read")

    for method, path, operation in routes_of_accounts(world):
        if method != "GET" and not path.startswith(OF_PLATFORM):
            for who in (script, assistant):
                body = {**a_body(operation, things)}
                if "user_id" in body:
                    body["user_id"] = world.senior.id
                answer = await asked(who, method, filled(path, things), body)
                assert 403 == answer.status_code, (method, path, answer.text)
                assert answer.json()["code"] in ("scope_forbidden", "role_forbidden"), (method, path, answer.text)
    assert 200 == (await script.client.get("/handoffs/queue")).status_code


async def test_a_token_for_work_claims_and_manages_nobody(world: World) -> None:
    handoff = await world.junior.escalation()
    script, _ = await with_token(world, world.owner, scope="work")

    claimed = await script.client.post(f"/handoffs/{handoff['id']}/claim", json={})
    refused = [
        await script.client.post("/users", json={"email": "a@b.test", "name": "A", "role": "viewer"}),
        await script.client.post("/tokens", json={"name": "another"}),
        await script.client.post(f"/users/{world.owner.id}/deactivate", json={}),
    ]

    assert 200 == claimed.status_code
    assert {(403, "scope_forbidden")} == {(answer.status_code, answer.json()["code"]) for answer in refused}
