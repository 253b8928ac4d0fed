"""Proposals over HTTP: what resolved sessions taught, made by the relay, accepted into a draft or rejected for good."""

from typing import Any

import pytest

from flowpilot_core.domain.kernel.actor import Role
from tests.support.http import Somebody, World, somebody_of_the_platform
from tests.unit.http.knowledge.test_trees import CONTENT, NEW, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

ODD = {"title": "Zwitscher {number} gluckst", "problem": "Der Zwitscher gluckst seit gestern blubbernd weiter"}
"""What no tree is about."""


async def left(world: World, tree: Any, *, reason: str | None = "Petra at 10.1.2.3 says it is the cable", **more: object) -> Any:
    """A session of the junior's that went on without its tree after the first node, and was solved."""
    session = await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"}, **more)
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})
    if reason is not None:
        await world.junior.made(f"{path}/walk/leave", {"reason": reason})
    await world.junior.made(f"{path}/steps", {"kind": "action", "content": "Changed the cable to PRN-07", "result": "worked"})
    await resolved(world, session)
    return session


async def resolved(world: World, session: Any) -> Any:
    await world.junior.made(f"/ai-sessions/{session['id']}/resolve", {"summary": "A new cable", "root_cause": "The cable was broken"})
    await world.relay_runs()
    return session


async def odd(world: World, number: int) -> Any:
    """One of many sessions that are like each other, resolved."""
    session = await world.junior.session(title=ODD["title"].format(number=number), problem=ODD["problem"], client_name="Lakeside Dental")
    await world.junior.made(f"/ai-sessions/{session['id']}/steps", {"kind": "action", "content": f"Looked at Lakeside Dental {number}"})
    return await resolved(world, session)


async def proposals(who: Somebody, query: str = "") -> Any:
    return (await who.seen(f"/tree-proposals{query}"))["items"]


async def test_a_session_that_left_its_tree_proposes_another_way_on(world: World) -> None:
    tree = await published(world)
    session = await left(world, tree, client_name="Lakeside Dental")

    (proposal,) = await proposals(world.admin)

    assert ("new_branch", tree["id"], "spooler", [session["id"]], "open") == tuple(
        proposal[name] for name in ("kind", "tree_id", "at_node_id", "sessions", "state")
    )
    assert "1 session went on without the tree at this node, and solved it." == proposal["because"]
    assert "Petra at [address] says it is the cable" == proposal["answer"]
    assert ["Changed the cable to [host]", "A new cable\n\nThe cable was broken"] == [
        node["text"] for node in proposal["content"]["nodes"][:2]
    ]
    assert [proposal] == await proposals(world.owner, "?state=open")
    assert [] == await proposals(world.owner, "?state=accepted")


async def test_who_goes_on_by_hand_proposes_too(world: World) -> None:
    await left(world, await published(world), reason=None)

    (proposal,) = await proposals(world.admin)

    assert ("spooler", "None of this") == (proposal["at_node_id"], proposal["answer"])


async def test_accepting_a_way_on_changes_the_draft_of_its_tree(world: World) -> None:
    tree = await published(world)
    await left(world, tree)
    (proposal,) = await proposals(world.admin)

    accepted = await world.admin.made(f"/tree-proposals/{proposal['id']}/accept")

    assert ("accepted", tree["id"], world.admin.by) == (accepted["state"], accepted["draft_tree_id"], accepted["decided_by"])
    shown = await world.admin.seen(f"/trees/{tree['id']}")
    assert ([], True, world.admin.by, 1) == (shown["problems"], shown["has_draft"], shown["draft_by"], shown["revision"])
    difference = await world.admin.seen(f"/trees/{tree['id']}/diff?from=1&to=draft")
    assert ([], ["queue"]) == (difference["nodes"]["removed"], [one["id"] for one in difference["nodes"]["changed"]])
    again = await world.owner.post(f"/tree-proposals/{proposal['id']}/accept")
    assert (409, "invalid_transition") == (again.status_code, again.json()["code"])
    assert [accepted] == await proposals(world.owner, "?state=accepted")


async def test_a_way_on_goes_into_the_draft_that_there_is_unless_it_is_somebody_elses(world: World) -> None:
    tree = await published(world)
    await left(world, tree)
    (proposal,) = await proposals(world.admin)
    path = f"/tree-proposals/{proposal['id']}/accept"
    begun = {**CONTENT, "nodes": [{**CONTENT["nodes"][0], "text": "Anything in the queue?"}, *CONTENT["nodes"][1:]], "parameters": []}
    await world.owner.client.put(f"/trees/{tree['id']}/content", json={"content": begun})

    taken = await world.admin.post(path)
    assert (409, "draft_taken", world.owner.user.name) == (taken.status_code, taken.json()["code"], taken.json()["by"]["name"])
    assert [proposal] == await proposals(world.admin, "?state=open")
    await world.owner.made(path)

    assert "Anything in the queue?" == (await world.owner.seen(f"/trees/{tree['id']}"))["content"]["nodes"][0]["text"]


async def test_where_its_tree_has_no_place_for_it_any_more_it_becomes_a_tree(world: World) -> None:
    gone, archived = await published(world), await published(world)
    for tree in (gone, archived):
        await left(world, tree)
    other = {"root": "prints", "nodes": [CONTENT["nodes"][2]], "parameters": []}
    await world.admin.client.put(f"/trees/{gone['id']}/content", json={"content": other})
    await world.admin.made(f"/trees/{archived['id']}/archive")

    for proposal in await proposals(world.admin):
        made = await world.admin.made(f"/tree-proposals/{proposal['id']}/accept")
        draft = await world.admin.seen(f"/trees/{made['draft_tree_id']}")
        assert made["draft_tree_id"] not in (gone["id"], archived["id"])
        assert ("No mail", proposal["sessions"][0], proposal["content"], []) == tuple(
            draft[name] for name in ("name", "from_session_id", "content", "problems")
        )


async def test_a_way_on_from_a_tree_of_the_platform_goes_into_a_copy(world: World) -> None:
    pia = await somebody_of_the_platform(world, Role.OWNER)
    tree = await pia.made("/trees", NEW)
    await pia.made(f"/trees/{tree['id']}/publish")
    await left(world, tree)
    (proposal,) = await proposals(world.admin)

    made = await world.admin.made(f"/tree-proposals/{proposal['id']}/accept")

    draft = await world.admin.seen(f"/trees/{made['draft_tree_id']}")
    assert ("account", tree["name"], {"id": tree["id"], "revision": 1, "newest_revision": 1}, []) == tuple(
        draft[name] for name in ("owner", "name", "copied_from", "problems")
    )
    assert [tree["id"]] == [proposal["tree_id"]]
    assert CONTENT["nodes"][2:] == [node for node in draft["content"]["nodes"] if node["id"] in ("prints", "line")]


async def test_sessions_that_no_tree_fits_propose_one_once_two_like_them_were_resolved(world: World) -> None:
    first, second = [await odd(world, number) for number in (1, 2)]
    assert [] == await proposals(world.admin)
    third = await odd(world, 3)

    (proposal,) = await proposals(world.admin)

    assert ("new_tree", None, None, None) == tuple(proposal[name] for name in ("kind", "tree_id", "at_node_id", "answer"))
    assert [third["id"], second["id"], first["id"]] == proposal["sessions"]
    assert "Looked at [client] 3" == proposal["content"]["nodes"][0]["text"]
    made = await world.owner.made(f"/tree-proposals/{proposal['id']}/accept")
    draft = await world.owner.seen(f"/trees/{made['draft_tree_id']}")
    assert ("draft", "Zwitscher 3 gluckst", third["id"], []) == tuple(
        draft[name] for name in ("state", "name", "from_session_id", "problems")
    )


async def test_what_was_proposed_is_not_proposed_again_whatever_was_decided(world: World) -> None:
    tree = await published(world)
    known = [(await left(world, tree))["id"]]
    alike = [(await odd(world, number))["id"] for number in (1, 2, 3)]
    new, branch = await proposals(world.admin)
    rejected = await world.admin.made(f"/tree-proposals/{new['id']}/reject", {"reason": "Too rare"})
    assert ("rejected", "Too rare", None) == (rejected["state"], rejected["reason"], rejected["draft_tree_id"])

    known.append((await left(world, tree))["id"])
    alike.append((await odd(world, 4))["id"])

    assert [{**rejected, "sessions": alike[::-1]}, {**branch, "sessions": known[::-1]}] == [
        {**one, "because": old["because"]} for one, old in zip(await proposals(world.admin), (rejected, branch), strict=True)
    ]
    refused = await world.owner.post(f"/tree-proposals/{new['id']}/reject", {"reason": "Again"})
    assert (409, "invalid_transition") == (refused.status_code, refused.json()["code"])


async def test_what_a_tree_led_to_or_might_have_proposes_nothing(world: World) -> None:
    tree = await published(world)
    session = await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"})
    path = f"/ai-sessions/{session['id']}/walk/steps"
    await world.junior.made(path, {"node_id": "queue", "answers": ["Yes"]})
    await world.junior.made(path, {"node_id": "spooler", "result": "worked"})
    await resolved(world, session)
    for number in range(3):
        await resolved(
            world, await world.junior.session(title=f"Printer offline {number}", problem="The spooler hangs, the printer is off")
        )

    assert [] == await proposals(world.admin)


async def test_a_session_that_is_open_again_proposes_nothing_yet(world: World) -> None:
    tree = await published(world)
    session = await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"})
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/walk/leave", {"reason": "It is the cable"})
    await world.junior.made(f"{path}/resolve", {"summary": "A new cable"})
    await world.junior.made(f"{path}/reopen", {"reason": "It is back"})
    await world.relay_runs()
    assert [] == await proposals(world.admin)

    await resolved(world, session)

    assert [session["id"]] == (await proposals(world.admin))[0]["sessions"]


async def test_a_session_that_is_parked_again_is_named_to_whoever_may_read_it(world: World) -> None:
    session = await left(world, await published(world))
    await world.junior.made(f"/ai-sessions/{session['id']}/reopen", {"reason": "It is back"})
    await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "Waiting for a part"})

    assert [[session["id"]]] == [one["sessions"] for one in await proposals(world.admin)]


async def test_a_draft_that_is_deleted_is_led_to_no_more(world: World) -> None:
    for number in (1, 2, 3):
        await odd(world, number)
    (proposal,) = await proposals(world.admin)
    made = await world.admin.made(f"/tree-proposals/{proposal['id']}/accept")

    assert 204 == (await world.admin.client.delete(f"/trees/{made['draft_tree_id']}")).status_code

    assert [("accepted", None)] == [(one["state"], one["draft_tree_id"]) for one in await proposals(world.admin)]


async def test_a_list_is_read_page_by_page(world: World) -> None:
    for _ in range(3):
        await left(world, await published(world))

    first = await world.admin.seen("/tree-proposals?limit=2")
    second = await world.admin.seen(f"/tree-proposals?limit=2&cursor={first['next_cursor']}")

    assert (2, 1, None) == (len(first["items"]), len(second["items"]), second["next_cursor"])
    assert first["items"] + second["items"] == await proposals(world.admin)


async def test_a_repeat_accepts_once(world: World) -> None:
    for number in (1, 2, 3):
        await odd(world, number)
    (proposal,) = await proposals(world.admin)

    first, again = [await world.admin.post(f"/tree-proposals/{proposal['id']}/accept", idempotency_key="one") for _ in range(2)]

    assert (200, 200, first.content) == (first.status_code, again.status_code, again.content)
    assert 1 == len((await world.admin.seen("/trees"))["items"])
