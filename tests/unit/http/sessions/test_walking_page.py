"""A tree followed on the page of a session, by plain forms."""

from typing import Any

import pytest

from tests.support.http import World
from tests.unit.http.knowledge.test_trees import CONTENT, NEW, published
from tests.unit.http.sessions.test_session_page import Desk

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def walking(world: World) -> tuple[Desk, str]:
    """The junior's desk at a session that follows a tree, and its active branch."""
    tree = await published(world)
    session = await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"})
    return await Desk.of(world, world.junior, session["id"]), session["active_branch_id"]


async def walk_of(desk: Desk) -> Any:
    return (await desk.session())["walk"]["items"]


async def test_a_tree_is_walked_by_buttons_from_its_first_question_to_its_end(world: World) -> None:
    desk, branch = await walking(world)
    assert "Is anything in the queue of LJ-2?" in desk.text
    assert {"Yes", "No", "Go on without the tree"} <= desk.buttons

    await desk.does("walk", node="queue", branch=branch, answers="Yes", evidence="Three jobs")
    assert "Restart the spooler" in desk.text
    assert {"Worked", "Failed", "Inconclusive"} <= desk.buttons
    await desk.does("walk", node="spooler", branch=branch, result="worked")

    session = await desk.session()
    assert [("queue", "Yes\nThree jobs"), ("spooler", None)] == [(one["tree"]["node_id"], one["evidence"]) for one in session["steps"]]
    assert "solved" == session["branches"][0]["state"]
    assert "It prints again." in desk.text
    await desk.opens("do=resolve")
    assert ">It prints again.</textarea>" in desk.text


async def test_an_end_that_escalates_offers_that_with_its_text_as_the_reason(world: World) -> None:
    desk, branch = await walking(world)

    await desk.does("walk", node="queue", branch=branch, answers="No")
    assert "Have the line looked at." in desk.text
    await desk.opens("do=escalate")

    assert ">Have the line looked at.</textarea>" in desk.text


async def test_several_answers_split_the_branch_and_the_page_says_where_else_the_tree_waits(world: World) -> None:
    content = {**CONTENT, "nodes": [*CONTENT["nodes"][:3], {"id": "line", "kind": "action", "text": "Call the carrier", "next": "prints"}]}
    tree = await published(world, content=content)
    session = await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"})
    desk = await Desk.of(world, world.junior, session["id"])

    data = {
        "csrf_token": desk.browser.csrf_token,
        "once": desk.once,
        "move": "walk",
        "node": "queue",
        "branch": session["active_branch_id"],
    }
    desk.browser.page = await desk.browser.client.post(
        f"/sessions/{session['id']}", data={**data, "answers": ["Yes", "No"]}, follow_redirects=True
    )

    assert ["root", "Yes", "No"] == [one["label"] for one in (await desk.session())["branches"]]
    assert desk.text.count("The tree waits in") >= 1


async def test_who_answers_a_node_that_waits_no_longer_reads_so_on_the_page(world: World) -> None:
    desk, branch = await walking(world)
    await world.junior.made(f"/ai-sessions/{desk.session_id}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})

    refused = await desk.does("walk", node="queue", branch=branch, answers="No", evidence="Nothing in it")

    assert 409 == refused.status_code
    assert "Somebody went on with the tree meanwhile, and nothing was done." in desk.text
    assert "Restart the spooler" in desk.text
    assert 1 == len((await desk.session())["steps"])


async def test_the_same_answer_sent_twice_is_one_step(world: World) -> None:
    desk, branch = await walking(world)
    once = desk.once

    await desk.does("walk", once=once, node="queue", branch=branch, answers="Yes")
    again = await desk.does("walk", once=once, node="queue", branch=branch, answers="Yes")

    assert 200 == again.status_code
    assert 1 == len((await desk.session())["steps"])


async def test_a_tree_is_left_with_a_reason_and_the_page_says_where(world: World) -> None:
    desk, branch = await walking(world)
    await desk.opens("do=leave-tree")

    await desk.does("leave-tree", branch=branch, reason="It is the network")

    (place,) = await walk_of(desk)
    assert (None, "It is the network") == (place["node"], place["left"]["reason"])
    assert "It is the network" in desk.text


async def test_trees_that_fit_are_offered_and_followed_with_what_they_ask_for(world: World) -> None:
    tree = await published(world, name="Zebra label printer offline", description="The zebra label printer prints nothing")
    session = await world.junior.session(title="Zebra label printer offline", problem="It prints nothing")
    desk = await Desk.of(world, world.junior, session["id"])
    assert "Zebra label printer offline</a>" in desk.text
    await desk.opens(f"do=follow-{tree['id']}")
    assert '<input type="hidden" name="name_0" value="printer">' in desk.text

    missing = await desk.does("follow", tree=tree["id"], name_0="printer", value_0="")
    assert 422 == missing.status_code
    assert "parameters.printer is required." in desk.text
    await desk.does("follow", tree=tree["id"], name_0="printer", value_0="Z-9")

    (place,) = await walk_of(desk)
    assert "Is anything in the queue of Z-9?" == place["node"]["text"]
    assert "Trees that fit" not in desk.text


async def test_a_tree_that_was_never_published_cannot_be_followed(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    desk = await Desk.of(world, world.junior, (await world.junior.session())["id"])

    await desk.opens(f"do=follow-{tree['id']}")
    assert "<dialog" not in desk.text
    refused = await desk.does("follow", tree=tree["id"], name_0="printer", value_0="Z-9")

    assert 404 == refused.status_code
    assert (await desk.session())["walk"] is None


async def test_who_reads_a_session_sees_what_waits_and_has_nothing_to_press(world: World) -> None:
    desk, _ = await walking(world)
    viewer = await Desk.of(world, world.viewer, desk.session_id)

    assert "Is anything in the queue of LJ-2?" in viewer.text
    assert not {"Yes", "No", "Go on without the tree"} & viewer.buttons


async def test_a_resolved_session_is_saved_as_a_tree(world: World) -> None:
    desk, branch = await walking(world)
    await desk.does("walk", node="queue", branch=branch, answers="Yes")
    await desk.does("walk", node="spooler", branch=branch, result="worked")
    assert "Save as tree" not in desk.buttons
    await desk.does("resolve", summary="Restarted the spooler", version=str((await desk.session())["version"]))
    await desk.opens("do=save-as-tree")
    assert 'action="/library/trees"' in desk.text

    await desk.browser.send("/library/trees", move="save-as-tree", session=desk.session_id, name="Spooler hangs", category="")

    tree = await world.junior.seen(f"/trees/{desk.browser.path.rpartition('/')[2]}")
    assert ("Spooler hangs", desk.session_id, []) == (tree["name"], tree["from_session_id"], tree["problems"])


async def test_a_session_begins_with_a_tree_and_what_it_asks_for(world: World) -> None:
    tree = await published(world)
    desk = await Desk.of(world, world.junior, (await world.junior.session())["id"])
    await desk.browser.open(f"/sessions/new?tree={tree['id']}")
    assert "Follows Printer offline" in desk.text

    await desk.browser.send("/sessions/new", title="No labels", problem="Nothing comes out", name_0="printer", value_0="")
    assert (422, True) == (desk.browser.page.status_code, "parameters.printer is required." in desk.text)
    assert 'value="No labels"' in desk.text
    await desk.browser.send("/sessions/new", title="No labels", problem="Nothing comes out", name_0="printer", value_0="LJ-2")

    session = await world.junior.seen(f"/ai-sessions/{desk.browser.path.rpartition('/')[2]}")
    assert ("No labels", "Is anything in the queue of LJ-2?") == (session["title"], session["walk"]["items"][0]["node"]["text"])


async def test_whoever_takes_an_escalation_reads_where_its_tree_was_left(world: World) -> None:
    desk, branch = await walking(world)
    await desk.does("leave-tree", branch=branch, reason="It is the network")
    made = await world.junior.made(f"/ai-sessions/{desk.session_id}/handoff", {"intent": "escalate", "reason": "Stuck"})
    senior = await Desk.of(world, world.senior, desk.session_id)

    await senior.browser.open(f"/escalations/{made['id']}")

    assert "Left at “Is anything in the queue of LJ-2?”: It is the network." in senior.text
