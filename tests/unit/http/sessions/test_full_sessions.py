"""Sessions that hold as much as one may, over HTTP."""

import pytest
from attrs import evolve

from flowpilot_core.domain.sessions.bounds import Bounds
from tests.support.http import Somebody, World, an_app, client_of

pytestmark = pytest.mark.anyio


def _bounded(world: World, bounds: Bounds) -> Somebody:
    """The junior, where sessions hold no more than this."""
    flowpilot = evolve(
        world.flowpilot,
        sessions=evolve(world.flowpilot.sessions, bounds=bounds),
        suggestions=evolve(world.flowpilot.suggestions, bounds=bounds),
    )
    return evolve(world.junior, client=client_of(an_app(flowpilot, world.clock), world.junior.token))


async def test_a_full_session_says_which_bound_it_has_reached_and_what_to_do(world: World) -> None:
    junior = _bounded(world, Bounds(steps=1))
    session = await junior.session()
    path = f"/ai-sessions/{session['id']}"
    await junior.made(f"{path}/steps", {"kind": "action", "content": "looked at the log"})

    refused = await junior.post(f"{path}/steps", {"kind": "action", "content": "and again"})

    problem = refused.json()
    assert (409, "session_full", "steps", 1) == (refused.status_code, problem["code"], problem["bound"], problem["most"])
    assert "Hand it off, resolve it" in problem["detail"]


async def test_a_full_session_is_handed_off_and_resolved(world: World) -> None:
    junior = _bounded(world, Bounds(bytes=20))
    session = await junior.session()
    path = f"/ai-sessions/{session['id']}"
    await junior.made(f"{path}/steps", {"kind": "action", "content": "looked at the log"})
    full = await junior.post(f"{path}/steps", {"kind": "action", "content": "and again"})

    handoff = await junior.made(f"{path}/handoff", {"intent": "escalate", "reason": "It is full"})
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    resolved = await world.senior.made(f"{path}/resolve", {"summary": "Replaced the cable"})

    assert ("session_full", "bytes") == (full.json()["code"], full.json()["bound"])
    assert "resolved" == resolved["status"]
