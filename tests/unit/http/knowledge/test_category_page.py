"""The page of categories, by plain forms."""

import re
from typing import Any

import pytest

from tests.support.http import World
from tests.unit.http.knowledge.test_library_pages import Reader
from tests.unit.http.knowledge.test_trees import published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def own(world: World) -> dict[str, Any]:
    """The account's, by name."""
    found = (await world.admin.seen("/tree-categories"))["items"]
    return {one["name"]: one for one in found if one["owner"] == "account"}


async def test_categories_are_made_moved_within_another_and_renamed(world: World) -> None:
    admin = await Reader.of(world, world.admin)
    await admin.opens("/library/categories")
    await admin.does("make", name="Printing", parent="")
    await admin.does("make", name="Labels", parent="")
    made = await own(world)

    await admin.does("change", category=made["Labels"]["id"], name="Label printers", parent=made["Printing"]["id"])
    assert made["Printing"]["id"] == (await own(world))["Label printers"]["parent_id"]
    await admin.opens("/library/trees?do=new")
    assert "Printing: Label printers</option>" in admin.text
    await admin.opens("/library/categories")
    await admin.does("change", category=made["Labels"]["id"], name="Label printers", parent="")

    assert (await own(world))["Label printers"]["parent_id"] is None


async def test_what_is_in_a_category_keeps_it_or_goes_to_another(world: World) -> None:
    admin = await Reader.of(world, world.admin)
    await admin.opens("/library/categories")
    await admin.does("make", name="Printing", parent="")
    await admin.does("make", name="Office", parent="")
    made = await own(world)
    tree = await published(world, category_id=made["Printing"]["id"])

    refused = await admin.does("remove", category=made["Printing"]["id"], to="")
    assert 409 == refused.status_code
    await admin.does("remove", category=made["Printing"]["id"], to=made["Office"]["id"])

    assert "Office" == (await world.viewer.seen(f"/trees/{tree['id']}"))["category"]["name"]
    assert {"Office"} == set(await own(world))


async def test_who_was_slower_with_a_category_reads_so_and_keeps_what_they_typed(world: World) -> None:
    made = await world.admin.made("/tree-categories", {"name": "Printing"})
    admin = await Reader.of(world, world.admin)
    await admin.opens("/library/categories")
    shown = admin.browser.hidden["shown"]
    await world.owner.client.patch(f"/tree-categories/{made['id']}", json={"name": "Printers"})

    refused = await admin.does("change", category=made["id"], shown=shown, name="Paper", parent="")

    assert 409 == refused.status_code
    assert "Now it is called Printers." in admin.words
    assert 'value="Paper"' in admin.text


async def test_who_was_slower_to_remove_a_category_reads_so_and_nothing_is_gone(world: World) -> None:
    made = await world.admin.made("/tree-categories", {"name": "Printing"})
    other = await world.admin.made("/tree-categories", {"name": "Office"})
    admin = await Reader.of(world, world.admin)
    await admin.opens("/library/categories")
    form = re.search(rf'id="remove-{made["id"]}">(.*?)</form>', admin.browser.page.text, re.DOTALL)
    assert form
    shown = dict(re.findall(r'type="hidden" name="([a-z]+)" value="([^"]+)"', form[1]))["shown"]
    await world.owner.client.patch(f"/tree-categories/{made['id']}", json={"name": "Printers"})

    refused = await admin.does("remove", category=made["id"], shown=shown, to=other["id"])

    assert 409 == refused.status_code
    assert "Somebody else has changed this meanwhile, and nothing was done." in admin.words
    assert f'<option value="{other["id"]}" selected>' in admin.text
    assert {"Printers", "Office"} == set(await own(world))


async def test_who_may_not_change_categories_reads_them_and_no_more(world: World) -> None:
    made = await world.admin.made("/tree-categories", {"name": "Printing"})
    junior = await Reader.of(world, world.junior)
    await junior.opens("/library/categories")
    assert ("Printing" in junior.text, set()) == (True, junior.buttons)

    assert 403 == (await junior.does("remove", category=made["id"])).status_code
    rival = await Reader.of(world, world.rival_owner)
    await rival.opens("/library/categories")
    assert made["id"] not in rival.text
    assert 404 == (await rival.does("remove", category=made["id"])).status_code

    assert {"Printing"} == set(await own(world))
