"""Over HTTP: who claims chooses where to go on, and a step that seems to belong elsewhere is asked about once."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

OPTIONS = [
    {"label": "driver", "hypothesis": "The update of last night replaced the driver"},
    {"label": "network", "hypothesis": "The printers moved to another VLAN"},
]
FIX = {"kind": "action", "content": "Put the printers back into VLAN 30", "result": "worked"}


async def stuck(world: World) -> tuple[str, dict[str, Any], Any]:
    """The path of the junior's session, its branches by label, and the escalation."""
    session = await world.junior.session(title="Printing fails on floor 3", problem="Nobody on floor 3 can print")
    path = f"/ai-sessions/{session['id']}"
    step = await world.junior.made(f"{path}/steps", {"kind": "action", "content": "Restarted the spooler", "result": "failed"})
    fork = await world.junior.made(f"{path}/forks", {"at_step_id": step["id"], "reason": "Two causes fit", "options": OPTIONS})
    handoff = await world.junior.made(f"{path}/handoff", {"intent": "escalate", "reason": "Stuck"})
    return path, {branch["label"]: branch for branch in fork["branches"]}, handoff


async def test_who_claims_says_where_they_go_on(world: World) -> None:
    path, branches, handoff = await stuck(world)

    claimed = await world.senior.post(f"/handoffs/{handoff['id']}/claim", {"branch_id": branches["network"]["id"]})

    step = await world.senior.made(f"{path}/steps", FIX)
    (told,) = [entry for entry in (await world.senior.seen(f"{path}/timeline"))["items"] if entry["kind"] == "handoff.claimed"]
    assert (200, "claimed") == (claimed.status_code, claimed.json()["state"])
    assert branches["network"]["id"] == (await world.senior.seen(path))["active_branch_id"] == step["branch_id"]
    assert branches["network"]["id"] == told["changed"]["branch_id"]
    assert "other_branch" not in step


async def test_a_branch_that_is_closed_or_not_of_this_session_claims_nothing(world: World) -> None:
    path, branches, handoff = await stuck(world)
    await world.junior.made(f"/handoffs/{handoff['id']}/withdraw")
    await world.junior.made(f"{path}/branches/{branches['network']['id']}/close", {"outcome": "dead_end", "reason": "It is not"})
    handoff = await world.junior.made(f"{path}/handoff", {"intent": "escalate", "reason": "Stuck"})
    at = f"/handoffs/{handoff['id']}"

    closed = await world.senior.post(f"{at}/claim", {"branch_id": branches["network"]["id"]})
    unknown = await world.senior.post(f"{at}/claim", {"branch_id": str(uuid4())})
    wrong = await world.senior.post(f"{at}/claim", {"branch_id": "network"})

    assert (409, "invalid_transition", "dead_end") == tuple(closed.json()[name] for name in ("status", "code", "state"))
    assert (404, "not_found") == (unknown.status_code, unknown.json()["code"])
    assert (400, "malformed") == (wrong.status_code, wrong.json()["code"])
    assert "open" == (await world.senior.seen(at))["state"]


async def test_a_step_that_fits_another_hypothesis_is_kept_and_asked_about_once(world: World) -> None:
    path, branches, handoff = await stuck(world)
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")

    step = await world.senior.made(f"{path}/steps", FIX)
    said = await world.senior.made(f"{path}/steps", {**FIX, "branch_id": branches["driver"]["id"]})

    assert (branches["driver"]["id"], branches["network"]) == (step["branch_id"], step["other_branch"])
    assert "other_branch" not in said
    assert "other_branch" not in (await world.senior.seen(path))["steps"][-1]


async def test_a_step_is_put_where_it_belongs_and_the_debrief_leads_there(world: World) -> None:
    path, branches, handoff = await stuck(world)
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    step = await world.senior.made(f"{path}/steps", {**FIX, "content": "Did it by telephone"})

    moved = await world.senior.patch(f"{path}/steps/{step['id']}", {"result": "worked", "branch_id": branches["network"]["id"]})
    split = await world.senior.patch(
        f"{path}/steps/{(await world.senior.seen(path))['steps'][0]['id']}", {"result": "failed", "branch_id": branches["network"]["id"]}
    )
    resolved = await world.senior.made(f"{path}/resolve", {"summary": "It prints"})

    assert (200, branches["network"]["id"]) == (moved.status_code, moved.json()["branch_id"])
    assert (422, "/branch_id") == (split.status_code, split.json()["errors"][0]["pointer"])
    assert ("network", step["id"]) == (resolved["debrief"]["branch"]["label"], resolved["debrief"]["step"]["id"])


async def test_the_debrief_leads_where_it_worked_though_nobody_said_so(world: World) -> None:
    path, _, handoff = await stuck(world)
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    step = await world.senior.made(f"{path}/steps", FIX)

    resolved = await world.senior.made(f"{path}/resolve", {"summary": "Printers back in VLAN 30; printing works"})

    assert ("network", step["id"]) == (resolved["debrief"]["branch"]["label"], resolved["debrief"]["step"]["id"])
