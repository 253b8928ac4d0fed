"""The page of the gallery, by plain forms."""

import re

import pytest

from flowpilot_http.pages.knowledge import gallery
from tests.support.http import World
from tests.unit.http.knowledge.test_gallery import a_script, placed, platform, published
from tests.unit.http.knowledge.test_library_pages import Reader

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def test_what_the_platform_lists_is_found_read_and_copied(world: World) -> None:
    pia = await platform(world)
    tree, script = await published(pia), await a_script(pia)
    await placed(pia, "tree", tree, featured=True)
    await placed(pia, "script_template", script)
    junior = await Reader.of(world, world.junior)

    await junior.opens(f"/library/gallery?kind=tree&q={tree['name'].split()[1]}")
    assert (True, False) == (f'href="/library/trees/{tree["id"]}"' in junior.text, script["id"] in junior.text)
    assert "recommended" in junior.words
    await junior.opens(f"/library/gallery?q={script['name'].split()[1]}")
    assert f'href="/library/scripts/{script["id"]}"' in junior.text
    await junior.does("copy", kind="script_template", id=script["id"])
    copied = await world.junior.seen(f"/script-templates/{junior.browser.path.rpartition('/')[2]}")
    await junior.opens(f"/library/trees/{tree['id']}")

    assert script["id"] == copied["copied_from"]["id"]
    assert ("First level?" in junior.text, "Edit" in junior.text) == (True, False)


@pytest.mark.parametrize("position", [-1, 2**31, 10**30])
async def test_a_place_that_nothing_of_the_gallery_has_is_refused(world: World, position: int) -> None:
    junior = await Reader.of(world, world.junior)

    refused = await junior.browser.open(f"/library/gallery?position={position}&name=a&after={world.junior.id}")

    assert 422 == refused.status_code


async def test_what_is_not_listed_is_neither_shown_nor_copied(world: World) -> None:
    pia = await platform(world)
    tree = await published(pia)
    junior, viewer = await Reader.of(world, world.junior), await Reader.of(world, world.viewer)
    await junior.opens(f"/library/gallery?q={tree['name'].split()[1]}")
    assert tree["id"] not in junior.text
    assert 404 == (await junior.does("copy", kind="tree", id=tree["id"])).status_code

    await placed(pia, "tree", tree)
    await viewer.opens(f"/library/gallery?q={tree['name'].split()[1]}")
    assert (True, set()) == (tree["id"] in viewer.text, viewer.buttons - {"Search"})
    assert 403 == (await viewer.does("copy", kind="tree", id=tree["id"])).status_code


async def test_the_platforms_people_decide_what_is_shown_and_nobody_else(world: World) -> None:
    pia = await platform(world)
    tree = await published(pia)
    owner, junior = await Reader.of(world, pia), await Reader.of(world, world.junior)
    await owner.opens(f"/library/gallery?q={tree['name'].split()[1]}")

    await owner.does("place", kind="tree", id=tree["id"], listed="true", featured="true", position="7")
    shown = await world.junior.seen(f"/gallery/tree/{tree['id']}")
    await junior.opens("/library/gallery")
    refused = await junior.does("place", kind="tree", id=tree["id"], position="0")

    assert (True, 404) == (shown["featured"], refused.status_code)
    await owner.opens(f"/library/gallery?q={tree['name'].split()[1]}")
    await owner.does("place", kind="tree", id=tree["id"], position="0")
    assert 404 == (await world.junior.get(f"/gallery/tree/{tree['id']}")).status_code


async def test_a_long_gallery_is_read_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "MOST", 2)
    pia = await platform(world)
    word = f"Umlauf{pia.id[-12:]}"
    trees = [await published(pia, name=f"{word} ä & {number}") for number in range(5)]
    for number, tree in enumerate(trees):
        await placed(pia, "tree", tree, featured=number == 4, position=number // 2)
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/library/gallery?kind=tree&q={word}")

    found = [re.findall(r"/library/trees/([0-9a-f-]{36})", junior.text)]
    while more := re.search(r'href="(\?after=[^"]+)">More</a>', junior.text):
        await junior.opens(f"/library/gallery{more[1]}")
        found.append(re.findall(r"/library/trees/([0-9a-f-]{36})", junior.text))

    in_order = [trees[number]["id"] for number in (4, 0, 1, 2, 3)]
    assert [in_order[:2], in_order[2:4], in_order[4:]] == found
