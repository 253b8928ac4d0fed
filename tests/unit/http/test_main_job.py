"""The main job over HTTP: everything a client reads on the way from a session to a claim."""

import hashlib
import json
from datetime import timedelta

import msgspec
import pytest

from flowpilot_http.schemas.handoffs.handoffs import HandoffOut
from flowpilot_http.schemas.handoffs.snapshot import SnapshotOut
from flowpilot_http.schemas.sessions import SessionDetailOut, SessionOut
from tests.support.http import World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def test_a_new_session_has_its_root_branch_and_is_its_starters(world: World) -> None:
    made = await world.junior.post(
        "/ai-sessions", {"title": "No mail", "problem": "Nothing", "client_name": "Lakeside", "ticket": {"system": "halopsa", "id": "7"}}
    )

    session = made.json()
    assert 201 == made.status_code
    assert {*SessionDetailOut.__struct_fields__} == session.keys()
    assert ("active", "normal", world.junior.id, 1) == tuple(session[name] for name in ("status", "priority", "assignee_id", "version"))
    assert [("root", None, "open")] == [(branch["label"], branch["parent_id"], branch["state"]) for branch in session["branches"]]
    assert session["branches"][0]["id"] == session["active_branch_id"]
    assert ({"system": "halopsa", "id": "7"}, [], world.junior.by) == (session["ticket"], session["helper_ids"], session["created_by"])
    assert "2026-03-02T12:00:00Z" == session["created_at"]


async def test_steps_forks_and_branches_show_in_the_session(world: World) -> None:
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    step = await world.junior.made(f"{at}/steps", {"kind": "action", "content": "Rebooted", "evidence": "blue screen"})
    changed = await world.junior.patch(f"{at}/steps/{step['id']}", {"result": "failed"})
    options = [{"label": "Disk", "hypothesis": "It is full"}, {"label": "Memory", "hypothesis": "It is broken"}]
    fork = await world.junior.made(f"{at}/forks", {"at_step_id": step["id"], "reason": "Two ideas", "options": options})
    disk, memory = fork["branch_ids"]
    moved = await world.junior.made(f"{at}/active-branch", {"branch_id": memory})
    closed = await world.junior.made(f"{at}/branches/{memory}/close", {"outcome": "dead_end", "reason": "It is fine"})

    shown = await world.junior.seen(at)
    assert {**step, "result": "failed"} == changed.json()
    unrated = {"up": 0, "down": 0, "lower_bound": 0.0}
    assert [step | {"result": "failed", "thumbs": unrated}] == shown["steps"]
    assert ["Disk", "Memory"] == [branch["label"] for branch in fork["branches"]]
    assert {key: value for key, value in fork.items() if key != "branches"} == shown["fork_points"][0]
    assert (memory, disk) == (moved["active_branch_id"], closed["active_branch_id"])
    assert ["open", "open", "dead_end"] == [branch["state"] for branch in shown["branches"]]
    assert shown == closed


async def test_an_escalation_is_queued_claimed_once_and_goes_on(world: World) -> None:
    handoff = await world.junior.escalation(note="Ask Petra", priority="urgent")
    (item,) = (await world.senior.seen("/handoffs/queue"))["items"]
    claimed = await world.senior.post(f"/handoffs/{handoff['id']}/claim")
    late = await world.admin.post(f"/handoffs/{handoff['id']}/claim")

    assert {*HandoffOut.__struct_fields__} == handoff.keys()
    assert ("open", "urgent", "Ask Petra", None) == tuple(handoff[name] for name in ("state", "priority", "note", "claimed_by"))
    assert ("pending", [], 4) == (handoff["assessment"]["state"], handoff["chain"], handoff["told"]["people"] + 1)
    assert (handoff["id"], world.junior.by, 0) == (item["handoff_id"], item["escalated_by"], item["waiting_seconds"])
    assert (200, "claimed", world.senior.by) == (claimed.status_code, claimed.json()["state"], claimed.json()["claimed_by"])
    assert (409, "already_claimed", world.senior.by) == (late.status_code, late.json()["code"], late.json()["claimed_by"])
    assert claimed.json()["claimed_at"] == late.json()["claimed_at"]
    session = await world.senior.seen(f"/ai-sessions/{handoff['session_id']}")
    assert ("active", world.senior.id) == (session["status"], session["assignee_id"])
    assert handoff["id"] == session["escalation_package"]["handoff_id"]
    assert session["handoffs"][0].keys() == handoff.keys() - {"assessment", "chain", "told"}


async def test_the_claimer_asking_again_without_a_key_is_told_that_they_have_it(world: World) -> None:
    handoff = await world.junior.escalation()
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")

    again = await world.senior.post(f"/handoffs/{handoff['id']}/claim")

    assert (409, world.senior.by) == (again.status_code, again.json()["claimed_by"])


async def test_the_snapshot_is_its_digests_bytes(world: World) -> None:
    handoff = await world.junior.escalation()

    plain = await world.senior.get(f"/handoffs/{handoff['id']}/snapshot")
    verified = await world.senior.get(f"/handoffs/{handoff['id']}/snapshot?verify=true")

    assert hashlib.sha256(plain.content).hexdigest() == handoff["snapshot_digest"]
    assert f'"{handoff["snapshot_digest"]}"' == plain.headers["etag"]
    assert plain.content == verified.content
    frozen = msgspec.json.decode(plain.content, type=SnapshotOut)
    assert {*SnapshotOut.__struct_fields__} - {"ticket_facts", "walk"} == json.loads(plain.content).keys(), "no ticket, no tree"
    assert handoff["id"] == str(frozen.handoff_id)


async def test_a_reader_who_has_the_snapshot_is_not_sent_it_again_and_who_may_not_see_it_never_learns_that(world: World) -> None:
    """A31: access is checked before If-None-Match."""
    handoff = await world.junior.escalation()
    path, etag = f"/handoffs/{handoff['id']}/snapshot", f'"{handoff["snapshot_digest"]}"'

    same = await world.senior.get(path, if_none_match=f'"other", {etag}')
    foreign = await world.rival.get(path, if_none_match=etag)

    assert (304, b"", etag) == (same.status_code, same.content, same.headers["etag"])
    assert 404 == foreign.status_code


async def test_a_park_is_private_and_resumed_by_its_assignee(world: World) -> None:
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    park = await world.junior.made(f"{at}/handoff", {"intent": "park", "reason": "Waits for the client"})

    hidden = [await world.senior.get(path) for path in (at, f"{at}/timeline", f"/handoffs/{park['id']}")]
    listed = await world.senior.seen("/ai-sessions")
    resumed = await world.junior.made(f"{at}/resume")

    assert ("park", "open", 0) == (park["intent"], park["state"], park["told"]["people"])
    assert [404, 404, 404] == [answer.status_code for answer in hidden]
    assert [] == listed["items"]
    assert "active" == resumed["status"]
    assert [] == (await world.senior.seen(at))["handoffs"]
    assert [park["id"]] == [handoff["id"] for handoff in (await world.owner.seen(at))["handoffs"]]


async def test_what_happened_is_told_in_order_with_who(world: World) -> None:
    handoff = await world.junior.escalation()
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")

    whole = (await world.viewer.seen(f"/ai-sessions/{handoff['session_id']}/timeline"))["items"]
    since = (await world.viewer.seen(f"/handoffs/{handoff['id']}/changes"))["items"]

    assert ["session.started", "handoff.escalated", "handoff.claimed"] == [entry["kind"] for entry in whole]
    assert whole[2:] == since
    assert (world.senior.by, None, handoff["id"]) == (since[0]["by"], since[0]["cause"], since[0]["handoff_id"])


async def test_who_was_told_is_a_row_each(world: World) -> None:
    handoff = await world.junior.escalation()

    rows = (await world.junior.seen(f"/handoffs/{handoff['id']}/deliveries"))["items"]

    told = {world.owner.id, world.admin.id, world.senior.id}
    assert told == {row["user_id"] for row in rows}
    assert [{"email"}, {"pending"}, {0}] == [{row[name] for row in rows} for name in ("channel", "state", "attempts")]
    assert {"message_id"} == {"message_id"} - rows[0].keys()


async def test_the_other_moves_of_a_handoff_answer_with_it(world: World) -> None:
    handoff = await world.junior.escalation()
    at = f"/handoffs/{handoff['id']}"
    team = await world.flowpilot.accounts.add_team(world.senior.account_id, "Night shift")

    rerouted = await world.viewer.post(f"{at}/reroute", {"priority": "high"})
    rerouted_by_engineer = await world.senior.made(f"{at}/reroute", {"priority": "high", "team_id": str(team.id)})
    await world.senior.made(f"{at}/claim")
    unclaimed = await world.senior.made(f"{at}/unclaim")
    withdrawn = await world.junior.made(f"{at}/withdraw")

    assert 403 == rerouted.status_code
    assert ("high", str(team.id)) == (rerouted_by_engineer["priority"], rerouted_by_engineer["team_id"])
    assert ("open", None) == (unclaimed["state"], unclaimed["claimed_by"])
    assert "withdrawn" == withdrawn["state"]


async def test_the_end_of_a_session_and_its_reopening_answer_with_it(world: World) -> None:
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"

    resolved = await world.junior.made(f"{at}/resolve", {"summary": "Renewed the licence", "root_cause": "It ran out"})
    reopened = await world.senior.made(f"{at}/reopen", {"reason": "Again"})
    reassigned = await world.senior.made(f"{at}/reassign", {"user_id": world.junior.id})
    abandoned = await world.junior.made(f"{at}/abandon", {"reason": "New machine"})

    assert ("resolved", {"summary": "Renewed the licence", "root_cause": "It ran out"}) == (resolved["status"], resolved["resolution"])
    assert ("active", None, world.senior.id) == (reopened["status"], reopened["resolution"], reopened["assignee_id"])
    assert world.junior.id == reassigned["assignee_id"]
    assert "abandoned" == abandoned["status"]


async def test_a_clock_that_jumps_back_puts_nothing_before_its_own_past(world: World) -> None:
    handoff = await world.junior.escalation()
    world.clock.jump(-timedelta(hours=1))

    (item,) = (await world.senior.seen("/handoffs/queue"))["items"]
    claimed = await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    step = await world.senior.made(f"/ai-sessions/{handoff['session_id']}/steps", {"kind": "note", "content": "x"})
    session = await world.senior.seen(f"/ai-sessions/{handoff['session_id']}")

    assert 0 == item["waiting_seconds"]
    assert handoff["escalated_at"] == claimed["claimed_at"] == step["created_at"] == session["updated_at"]


async def test_my_sessions_are_those_assigned_to_me(world: World) -> None:
    mine = await world.junior.session()
    await world.senior.session()

    listed = (await world.junior.seen("/ai-sessions?status=&assignee=me"))["items"]
    resolved = (await world.junior.seen("/ai-sessions?status=resolved"))["items"]
    of_junior = (await world.senior.seen(f"/ai-sessions?assignee={world.junior.id}"))["items"]

    assert [mine["id"]] == [session["id"] for session in listed]
    assert {*SessionOut.__struct_fields__} == listed[0].keys()
    assert (listed, []) == (of_junior, resolved)
