"""Helping, looking and judging over HTTP."""

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio


async def test_a_helper_joins_adds_a_step_and_leaves(world: World) -> None:
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}"

    joined = await world.senior.made(f"{path}/join")
    step = await world.senior.made(f"{path}/steps", {"kind": "action", "content": "looked at the log"})
    left = await world.senior.made(f"{path}/leave")

    assert ([world.senior.id], world.junior.id) == (joined["helper_ids"], joined["assignee_id"])
    assert (world.senior.by, []) == (step["created_by"], left["helper_ids"])
    refused = await world.senior.post(f"{path}/steps", {"kind": "action", "content": "and again"})
    assert (403, "not_assignee") == (refused.status_code, refused.json()["code"])


async def test_nobody_joins_what_waits_in_the_queue(world: World) -> None:
    handoff = await world.junior.escalation()

    refused = await world.senior.post(f"/ai-sessions/{handoff['session_id']}/join")

    assert (409, "invalid_transition", "escalated") == (refused.status_code, refused.json()["code"], refused.json()["state"])


async def test_its_escalator_sees_who_of_those_told_has_looked(world: World) -> None:
    handoff = await world.junior.escalation()

    for who in (world.senior, world.senior, world.viewer, world.admin):
        seen = await who.made(f"/handoffs/{handoff['id']}/seen")

    assert (3, 2) == (seen["told"]["people"], seen["told"]["seen"])
    assert seen["told"] == (await world.junior.seen(f"/handoffs/{handoff['id']}"))["told"]
    assert handoff["version"] == seen["version"]


async def test_the_first_look_of_each_is_told_and_no_other(world: World) -> None:
    handoff = await world.junior.escalation()

    for who in (world.senior, world.senior, world.admin):
        await who.made(f"/handoffs/{handoff['id']}/seen")

    timeline = (await world.viewer.seen(f"/ai-sessions/{handoff['session_id']}/timeline"))["items"]
    assert [world.senior.by, world.admin.by] == [entry["by"] for entry in timeline if entry["kind"] == "handoff.seen"]


async def test_nobody_else_hears_that_a_park_was_looked_at(world: World) -> None:
    session = await world.junior.session()
    park = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "Waiting for the client"})

    await world.junior.made(f"/handoffs/{park['id']}/seen")

    timeline = (await world.junior.seen(f"/ai-sessions/{session['id']}/timeline"))["items"]
    assert "handoff.seen" not in [entry["kind"] for entry in timeline]


async def test_only_the_claimer_gives_a_verdict(world: World) -> None:
    handoff = await world.junior.escalation()
    path = f"/handoffs/{handoff['id']}/verdict"
    early = await world.senior.post(path, {"verdict": "right"})
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")

    await world.senior.made(path, {"verdict": "late", "comment": "an hour ago would have been better"})
    others = [await who.post(path, {"verdict": "right"}) for who in (world.junior, world.owner, world.viewer)]
    unknown = await world.senior.post(path, {"verdict": "lovely"})

    assert (409, "invalid_transition") == (early.status_code, early.json()["code"])
    assert ["not_assignee", "not_assignee", "role_forbidden"] == [answer.json()["code"] for answer in others]
    assert 422 == unknown.status_code
    timeline = (await world.viewer.seen(f"/ai-sessions/{handoff['session_id']}/timeline"))["items"]
    assert ("handoff.judged", {"verdict": "late"}) == (timeline[-1]["kind"], timeline[-1]["changed"])


@pytest.mark.parametrize("rating", [0, 2, "1", 1.5, None])
async def test_a_step_is_rated_up_or_down(world: World, rating: object) -> None:
    session = await world.junior.session()
    step = await world.junior.made(f"/ai-sessions/{session['id']}/steps", {"kind": "action", "content": "rebooted it"})
    path = f"/ai-sessions/{session['id']}/steps/{step['id']}/feedback"

    good = await world.senior.made(path, {"rating": 1, "comment": "first thing to do"})
    bad = await world.senior.post(path, {"rating": rating})
    viewer = await world.viewer.post(path, {"rating": 1})

    assert session["id"] == good["id"]
    assert (True, 403) == (bad.status_code in (400, 422), viewer.status_code)


async def test_a_sessions_steps_say_what_many_think_of_them(world: World) -> None:
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}"
    for content in ("rebooted it", "asked"):
        step = await world.junior.made(f"{path}/steps", {"kind": "action", "content": content})
    for who, rating in ((world.senior, -1), (world.owner, -1), (world.senior, 1)):
        rated = await who.made(f"{path}/steps/{step['id']}/feedback", {"rating": rating})

    none, thumbs = {"up": 0, "down": 0, "lower_bound": 0.0}, {"up": 1, "down": 1, "lower_bound": 0.0945}
    assert [none, thumbs] == [one["thumbs"] for one in rated["steps"]]
    assert rated["steps"] == (await world.viewer.seen(path))["steps"]
