"""The pages of proposals, by plain forms."""

import pytest

from flowpilot_core.domain.kernel.actor import Role
from tests.support.http import World, somebody_of_the_platform
from tests.unit.http.knowledge.test_library_pages import Reader
from tests.unit.http.knowledge.test_proposals import left, odd, proposals
from tests.unit.http.knowledge.test_trees import CONTENT, NEW, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def test_a_way_on_is_read_with_what_it_would_add_and_accepted(world: World) -> None:
    tree = await published(world)
    session = await left(world, tree)
    (proposal,) = await proposals(world.admin)
    admin = await Reader.of(world, world.admin)

    await admin.opens("/library/proposals")
    assert f'href="/library/proposals/{proposal["id"]}"' in admin.text
    assert proposal["because"] in admin.words
    await admin.opens(f"/library/proposals/{proposal['id']}")

    for said in (tree["name"], "at spooler: “Restart the spooler”", "Petra at [address] says it is the cable", proposal["because"]):
        assert said in admin.words, said
    for link in (f"/library/trees/{tree['id']}", f"/sessions/{session['id']}"):
        assert f'href="{link}"' in admin.text
    assert "way1-n1: Changed the cable to [host]" in admin.words
    assert "New: from queue by “Yes” to way1" in admin.words
    assert "Gone: from queue by “Yes” to spooler" in admin.words
    assert {"Accept as a draft", "Reject"} == admin.buttons
    await admin.does("accept")

    assert f"/library/trees/{tree['id']}" == admin.browser.path
    assert "This is the draft" in admin.words
    await admin.opens(f"/library/proposals/{proposal['id']}")
    assert f"Accepted by {world.admin.user.name}" in admin.words
    assert set() == admin.buttons
    again = await admin.does("accept")
    assert 409 == again.status_code
    await admin.opens("/library/proposals")
    assert "No proposals like that" in admin.words
    await admin.opens("/library/proposals?state=accepted")
    assert proposal["id"] in admin.text


async def test_a_new_tree_is_read_and_rejected_with_a_reason(world: World) -> None:
    for number in (1, 2, 3):
        await odd(world, number)
    (proposal,) = await proposals(world.owner)
    owner = await Reader.of(world, world.owner)
    await owner.opens(f"/library/proposals/{proposal['id']}")
    assert "n1: Looked at [client] 3" in owner.words
    assert "3 sessions like each other were resolved" in owner.words

    refused = await owner.does("reject", reason=" ")
    assert (422, True) == (refused.status_code, "must not be blank" in owner.words)
    await owner.does("reject", reason="Too rare")

    assert "/library/proposals" == owner.browser.path
    await owner.opens(f"/library/proposals/{proposal['id']}")
    assert f"Rejected by {world.owner.user.name}" in owner.words
    assert "Too rare" in owner.words


async def test_a_way_on_without_a_place_says_what_becomes_of_it(world: World) -> None:
    tree = await published(world)
    await left(world, tree)
    (proposal,) = await proposals(world.admin)
    other = {"root": "prints", "nodes": [CONTENT["nodes"][2]], "parameters": []}
    await world.admin.client.put(f"/trees/{tree['id']}/content", json={"content": other})
    admin = await Reader.of(world, world.admin)

    await admin.opens(f"/library/proposals/{proposal['id']}")

    assert "The tree has no place for it any more." in admin.words
    assert "n1: Changed the cable to [host]" in admin.words


async def test_a_way_on_from_a_tree_of_the_platforms_says_where_it_goes(world: World) -> None:
    pia = await somebody_of_the_platform(world, Role.OWNER)
    tree = await pia.made("/trees", NEW)
    await pia.made(f"/trees/{tree['id']}/publish")
    await left(world, tree)
    (proposal,) = await proposals(world.admin)
    admin = await Reader.of(world, world.admin)

    await admin.opens(f"/library/proposals/{proposal['id']}")

    assert "Accepted, it goes into a copy of your own." in admin.words


async def test_a_draft_of_somebody_elses_is_named_where_it_is_in_the_way(world: World) -> None:
    tree = await published(world)
    await left(world, tree)
    (proposal,) = await proposals(world.admin)
    await world.junior.client.put(f"/trees/{tree['id']}/content", json={"content": CONTENT})
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"/library/proposals/{proposal['id']}")

    refused = await admin.does("accept")

    assert (409, True) == (refused.status_code, world.junior.user.name in admin.words)


async def test_who_may_not_decide_is_offered_nothing_and_reads_why(world: World) -> None:
    await left(world, await published(world))
    (proposal,) = await proposals(world.admin)
    junior, owner = await Reader.of(world, world.junior), await Reader.of(world, world.owner)

    await junior.opens("/library/trees")
    await owner.opens("/library/trees")
    assert (False, True) == ("/library/proposals" in junior.text, "/library/proposals" in owner.text)
    for path in ("/library/proposals", f"/library/proposals/{proposal['id']}"):
        assert 403 == (await junior.opens(path)).status_code
    rival = await Reader.of(world, world.rival_owner)
    assert 404 == (await rival.opens(f"/library/proposals/{proposal['id']}")).status_code
