"""Walking trees over HTTP: from the start of a session or later, to an end, or away from the tree."""

from typing import Any

import pytest

from tests.support.http import World
from tests.unit.http.knowledge.test_trees import CONTENT, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def walking(world: World) -> tuple[Any, Any]:
    """A tree, and a session of the junior's that follows it."""
    tree = await published(world)
    return tree, await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"})


async def test_a_session_follows_a_tree_from_its_start_to_its_end(world: World) -> None:
    tree, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"
    (place,) = session["walk"]["items"]
    assert ("queue", "Is anything in the queue of LJ-2?", ["Yes", "No"]) == (
        place["node"]["id"],
        place["node"]["text"],
        place["answers"],
    )

    first = await world.junior.made(f"{path}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})
    assert {"tree_id": tree["id"], "revision": 1, "node_id": "queue"} == first["step"]["tree"]
    assert ("question", "Yes", "spooler") == (first["step"]["kind"], first["step"]["evidence"], first["walk"]["items"][0]["node"]["id"])
    last = await world.junior.made(f"{path}/walk/steps", {"node_id": "spooler", "result": "worked", "evidence": "It hums"})

    (place,) = last["walk"]["items"]
    assert (None, {"node_id": "prints", "outcome": "solved", "text": "It prints again."}) == (place["node"], place["reached"])
    taken = [(one["node_id"], one["answers"], one["result"]) for one in place["path"]]
    assert [("queue", ["Yes"], None), ("spooler", [], "worked")] == taken
    seen = await world.viewer.seen(path)
    assert ("active", "solved", "It prints again.") == (seen["status"], seen["branches"][0]["state"], seen["branches"][0]["close_reason"])
    assert last["walk"] == seen["walk"] == await world.viewer.seen(f"{path}/walk")
    assert 1 == (await world.viewer.seen(f"/trees/{tree['id']}"))["uses"]


async def test_a_walk_begins_later_too_and_once(world: World) -> None:
    tree = await published(world)
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}/walk"

    assert 404 == (await world.junior.get(path)).status_code
    missing = await world.junior.post(path, {"tree_id": tree["id"]})
    assert (422, "/parameters/printer") == (missing.status_code, missing.json()["errors"][0]["pointer"])
    begun = await world.junior.post(path, {"tree_id": tree["id"], "parameters": {"printer": "LJ-2"}})
    assert (200, "queue") == (begun.status_code, begun.json()["walk"]["items"][0]["node"]["id"])
    again = await world.junior.post(path, {"tree_id": tree["id"], "parameters": {"printer": "LJ-2"}})
    assert (409, "invalid_transition") == (again.status_code, again.json()["code"])
    timeline = (await world.viewer.seen(f"/ai-sessions/{session['id']}/timeline"))["items"]
    assert ("walk.started", {"tree_id": tree["id"], "revision": 1, "name": tree["name"]}) == (timeline[-1]["kind"], timeline[-1]["changed"])


async def test_a_walk_keeps_to_its_revision(world: World) -> None:
    tree, session = await walking(world)
    nodes = [{**CONTENT["nodes"][0], "answers": [{"label": "Maybe", "next": "line"}, {"label": "No", "next": "line"}]}, CONTENT["nodes"][3]]
    await world.junior.client.put(f"/trees/{tree['id']}/content", json={"content": {**CONTENT, "nodes": nodes}})
    await world.admin.made(f"/trees/{tree['id']}/publish")
    await world.admin.made(f"/trees/{tree['id']}/archive")

    walked = await world.junior.made(f"/ai-sessions/{session['id']}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})

    assert "spooler" == walked["walk"]["items"][0]["node"]["id"]
    refused = await world.junior.post("/ai-sessions", {"title": "x", "problem": "y", "tree_id": tree["id"], "parameters": {"printer": "x"}})
    assert (409, "archived") == (refused.status_code, refused.json()["state"])


async def test_whoever_follows_a_tree_that_is_archived_goes_on_and_nobody_begins(world: World) -> None:
    tree, session = await walking(world)
    await world.admin.made(f"/trees/{tree['id']}/archive")

    went_on = await world.junior.post(f"/ai-sessions/{session['id']}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})
    begun = {"title": "x", "problem": "y", "tree_id": tree["id"], "parameters": {"printer": "LJ-2"}}
    refused = await world.junior.post("/ai-sessions", begun)
    other = await world.junior.session(title="Printer offline", problem="Nothing leaves the queue")
    offered = (await world.viewer.seen(f"/ai-sessions/{other['id']}/trees"))["items"]

    assert [201, 409] == [went_on.status_code, refused.status_code]
    assert tree["id"] not in {one["tree"]["id"] for one in offered}


async def test_several_answers_split_the_branch(world: World) -> None:
    _, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"

    walked = await world.junior.made(f"{path}/walk/steps", {"node_id": "queue", "answers": ["No", "Yes"]})

    assert [None, None, "spooler"] == [one["node"] and one["node"]["id"] for one in walked["walk"]["items"]]
    seen = await world.junior.seen(path)
    assert ["root", "No", "Yes"] == [one["label"] for one in seen["branches"]]
    assert seen["fork_points"][0]["at_step_id"] == walked["step"]["id"]
    yes = seen["branches"][2]["id"]
    moved = await world.junior.made(f"{path}/walk/steps", {"node_id": "spooler", "result": "worked", "branch_id": yes})
    assert "solved" == moved["walk"]["items"][-1]["reached"]["outcome"]


async def test_who_answers_another_node_than_the_one_that_waits_reads_which_that_is(world: World) -> None:
    _, session = await walking(world)
    path = f"/ai-sessions/{session['id']}/walk/steps"

    refused = await world.junior.post(path, {"node_id": "spooler", "result": "worked"})
    assert (409, "walk_moved_on", "queue") == (refused.status_code, refused.json()["code"], refused.json()["node_id"])
    assert 422 == (await world.junior.post(path, {"node_id": "queue", "answers": ["Perhaps"]})).status_code
    assert (403, "not_assignee") == ((other := await world.senior.post(path, {"node_id": "queue"})).status_code, other.json()["code"])


async def test_leaving_a_tree_is_recorded_and_the_session_goes_on(world: World) -> None:
    _, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/steps", {"kind": "observation", "content": "The lamp is red"})
    (place,) = (await world.junior.seen(f"{path}/walk"))["items"]
    assert (("queue", None), "queue") == ((place["left"]["node_id"], place["left"]["reason"]), place["node"]["id"])

    left = await world.junior.post(f"{path}/walk/leave", {"reason": "It is the network"})

    (place,) = left.json()["walk"]["items"]
    assert (200, None, ("queue", "It is the network")) == (
        left.status_code,
        place["node"],
        (place["left"]["node_id"], place["left"]["reason"]),
    )
    assert 409 == (await world.junior.post(f"{path}/walk/leave")).status_code
    assert "walk.left" == (await world.viewer.seen(f"{path}/timeline"))["items"][-1]["kind"]


async def test_trees_that_fit_a_session_are_offered_with_the_words_that_say_so(world: World) -> None:
    tree = await published(world)
    other = await published(
        world,
        name="VPN drops every hour",
        content={"root": "end", "nodes": [{"id": "end", "kind": "outcome", "text": "Renew the certificate", "outcome": "solved"}]},
    )
    session = await world.junior.session(title="Printer at the front desk is offline", problem="Nothing leaves the queue")

    found = (await world.viewer.seen(f"/ai-sessions/{session['id']}/trees"))["items"]

    # Beside them are the platform's, of which another test may have left some.
    because = {one["tree"]["id"]: set(one["because"]) for one in found}
    assert {"printer", "offline", "queue"} == because[tree["id"]]
    assert other["id"] not in because


async def test_another_accounts_tree_is_followed_by_nobody(world: World) -> None:
    """A28"""
    tree = await published(world)

    refused = await world.rival.post("/ai-sessions", {"title": "x", "problem": "y", "tree_id": tree["id"]})
    assert 404 == refused.status_code
    assert 422 == (await world.rival.post("/ai-sessions", {"title": "x", "problem": "y", "parameters": {"a": 1}})).status_code


async def test_what_waits_in_the_tree_is_suggested_first(world: World) -> None:
    _, session = await walking(world)

    suggested = await world.junior.made(f"/ai-sessions/{session['id']}/suggestions")

    assert ("question", "Is anything in the queue of LJ-2?") == (suggested["kind"], suggested["content"])


async def test_a_senior_reads_where_the_tree_was_left(world: World) -> None:
    tree, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})
    await world.junior.made(f"{path}/walk/leave", {"reason": "Nothing fits"})
    handoff = await world.junior.made(f"{path}/handoff", {"intent": "escalate", "reason": "Stuck"})
    await world.relay_runs()

    snapshot = await world.senior.seen(f"/handoffs/{handoff['id']}/snapshot")
    assert ({"tree_id": tree["id"], "revision": 1, "node_id": "queue"}, tree["name"]) == (
        snapshot["steps"][0]["tree"],
        snapshot["walk"]["name"],
    )
    assert ("spooler", "Nothing fits") == ((left := snapshot["walk"]["places"][0]["left"])["node_id"], left["reason"])
    assessment = (await world.senior.seen(f"/handoffs/{handoff['id']}"))["assessment"]
    assert "the tree “Printer offline” was left at “Restart the spooler”" in assessment["summary"][0]["text"]


async def test_a_trees_nodes_say_what_many_think_of_steps_there(world: World) -> None:
    tree, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"
    walked = await world.junior.made(f"{path}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})
    for who in (world.senior, world.owner):
        await who.made(f"{path}/steps/{walked['id']}/feedback", {"rating": 1})

    nodes = (await world.viewer.seen(f"/trees/{tree['id']}/nodes"))["items"]

    assert [(node["id"], node["kind"], node["text"]) for node in CONTENT["nodes"]] == [
        (one["id"], one["kind"], one["text"]) for one in nodes
    ]
    assert [{"up": 2, "down": 0, "lower_bound": 0.3424}] == [one["thumbs"] for one in nodes if one["id"] == "queue"]
    assert {(0, 0)} == {(one["thumbs"]["up"], one["thumbs"]["down"]) for one in nodes if one["id"] != "queue"}
    assert 404 == (await world.rival.get(f"/trees/{tree['id']}/nodes")).status_code


async def test_of_trees_that_fit_as_well_the_better_rated_is_offered_first(world: World) -> None:
    trees = [await published(world, name=f"Plotter draws zigzags {number}") for number in (1, 2, 3)]
    session = await world.junior.session(title="The plotter draws zigzags", problem="Zigzags on all sheets")
    rated = {"subject": "tree", "subject_id": trees[1]["id"], "stars": 5}
    await world.junior.made("/ratings", rated)
    await world.senior.made("/ratings", {**rated, "subject_id": trees[0]["id"], "stars": 1})

    offered = (await world.junior.seen(f"/ai-sessions/{session['id']}/trees"))["items"]
    listed = (await world.viewer.seen("/trees?sort=rating"))["items"]

    by_rating = [trees[place]["id"] for place in (1, 2, 0)]
    assert by_rating == [one["tree"]["id"] for one in offered[:3]]
    assert by_rating == [one["id"] for one in listed]
    assert 1 == len({one["score"] for one in offered[:3]})
    assert [one["id"] for one in reversed(trees)] == [one["id"] for one in (await world.viewer.seen("/trees?sort=newest"))["items"]]
    page = await world.viewer.seen("/trees?sort=rating&limit=1")
    rest = await world.viewer.seen(f"/trees?sort=rating&limit=2&cursor={page['next_cursor']}")
    assert by_rating == [one["id"] for one in (*page["items"], *rest["items"])]
    assert 400 == (await world.viewer.get(f"/trees?limit=2&cursor={page['next_cursor']}")).status_code


async def suggested(world: World, path: str) -> Any:
    best = await world.junior.made(f"{path}/suggestions")
    return best, f"{path}/suggestions/{best['id']}/decision"


async def test_accepting_what_the_tree_proposes_does_the_node(world: World) -> None:
    _, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"
    asks, decision = await suggested(world, path)
    assert ("queue", "question") == (asks["node_id"], asks["kind"])
    unanswered = await world.junior.post(decision, {"decision": "accepted"})
    assert (422, "/answers") == (unanswered.status_code, unanswered.json()["errors"][0]["pointer"])

    answered = await world.junior.made(decision, {"decision": "accepted", "answers": ["Yes"], "evidence": "Three of them"})
    does, decision = await suggested(world, path)
    done = await world.junior.made(decision, {"decision": "accepted", "result": "worked"})

    assert ("Is anything in the queue of LJ-2?", "Yes\nThree of them") == (
        answered["steps"][0]["content"],
        answered["steps"][0]["evidence"],
    )
    assert "spooler" == does["node_id"] == answered["walk"]["items"][0]["node"]["id"]
    assert ["queue", "spooler"] == [step["tree"]["node_id"] for step in done["steps"]]
    assert ("solved", "worked") == (done["walk"]["items"][0]["reached"]["outcome"], done["steps"][1]["result"])
    kept = {one["id"]: one["step_id"] for one in (await world.viewer.seen(f"{path}/suggestions"))["items"]}
    assert [step["id"] for step in done["steps"]] == [kept[asks["id"]], kept[does["id"]]]


async def test_several_answers_to_what_the_tree_proposes_split_the_branch(world: World) -> None:
    _, session = await walking(world)
    _, decision = await suggested(world, f"/ai-sessions/{session['id']}")

    split = await world.junior.made(decision, {"decision": "accepted", "answers": ["Yes", "No"]})

    assert ["Yes", "No"] == [branch["label"] for branch in split["branches"][1:]]
    assert [branch["id"] for branch in split["branches"][1:]] == split["fork_points"][0]["branch_ids"]


async def test_what_the_tree_proposed_is_not_accepted_once_the_walk_has_moved_on(world: World) -> None:
    _, session = await walking(world)
    path = f"/ai-sessions/{session['id']}"
    _, decision = await suggested(world, path)
    await world.junior.made(f"{path}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})

    late = await world.junior.post(decision, {"decision": "accepted", "answers": ["No"]})

    assert (409, "walk_moved_on") == (late.status_code, late.json()["code"])
    assert 1 == len((await world.viewer.seen(path))["steps"])


async def test_answers_are_for_a_question_of_the_tree_alone(world: World) -> None:
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/steps", {"kind": "action", "content": "Signed in", "result": "failed", "evidence": "AADSTS53003"})
    best, decision = await suggested(world, path)

    refused = await world.junior.post(decision, {"decision": "accepted", "answers": ["Yes"]})
    done = await world.junior.made(decision, {"decision": "accepted", "result": "failed", "evidence": "No policy failed"})

    assert (None, 422, "/answers") == (best["node_id"], refused.status_code, refused.json()["errors"][0]["pointer"])
    assert ("failed", "No policy failed") == (done["steps"][-1]["result"], done["steps"][-1]["evidence"])
