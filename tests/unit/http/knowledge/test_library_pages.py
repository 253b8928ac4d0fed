"""The pages of the library, read and worked on by plain forms."""

import re
from html import unescape
from typing import Any

import httpx
import pytest
from attrs import frozen

from tests.support.browser import Browser
from tests.support.http import Somebody, World
from tests.unit.http.knowledge.test_trees import CONTENT, NEW, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


@frozen
class Reader:
    """Somebody's browser in the library."""

    browser: Browser
    who: Somebody

    @classmethod
    async def of(cls, world: World, who: Somebody) -> "Reader":
        browser = Browser(world.app)
        await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
        await browser.send()
        return cls(browser, who)

    @property
    def text(self) -> str:
        return unescape(self.browser.page.text.partition("<main")[2].partition("</main>")[0])

    @property
    def words(self) -> str:
        """What stands there, without how it is marked up."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.text).split())

    @property
    def buttons(self) -> set[str]:
        return set(re.findall(r"<button[^>]*>([^<]+)</button>", self.text))

    async def opens(self, path: str) -> httpx.Response:
        return await self.browser.open(path)

    async def does(self, move: str, **fields: Any) -> httpx.Response:
        """Press a button of the page that is open."""
        data = {"csrf_token": self.browser.csrf_token, "once": self.browser.hidden.get("once", ""), "move": move, **fields}
        self.browser.page = await self.browser.client.post(self.browser.path, data=data, follow_redirects=True)
        return self.browser.page

    async def imports(self, content: bytes, name: str = "tree.yaml") -> httpx.Response:
        await self.opens("/library/trees")
        data = {"csrf_token": self.browser.csrf_token, "once": self.browser.hidden.get("once", "")}
        self.browser.page = await self.browser.client.post(
            "/library/trees/import", data=data, files={"file": (name, content)}, follow_redirects=True
        )
        return self.browser.page


async def test_trees_are_listed_by_state_kind_category_and_words(world: World) -> None:
    category = await world.admin.made("/tree-categories", {"name": "Printing"})
    printing = await published(world, name="Printer offline", category_id=category["id"])
    vpn = await world.junior.made("/trees", {"name": "VPN drops", "kind": "troubleshooting"})
    junior = await Reader.of(world, world.junior)

    async def found(query: str) -> set[str]:
        await junior.opens(f"/library/trees?{query}")
        return set(re.findall(r'id="title-([0-9a-f-]+)"', junior.text))

    both = {printing["id"], vpn["id"]}
    assert both == await found("")
    assert {printing["id"]} == await found("state=published")
    assert {vpn["id"]} == await found("state=draft")
    assert both == await found("kind=troubleshooting")
    assert set() == await found("kind=procedure")
    assert {printing["id"]} == await found(f"category={category['id']}")
    assert {vpn["id"]} == await found("q=drops+vpn")
    other = await world.admin.made("/trees", {**NEW, "name": "Other"})
    await world.admin.made(f"/trees/{other['id']}/publish")
    assert {*both, other["id"]} == await found("")
    assert both == await found("mine=true")
    senior = await Reader.of(world, world.senior)
    await senior.opens("/library/trees")
    assert "VPN drops" not in senior.text


async def test_a_list_goes_on_with_older_ones_under_the_same_choice(world: World) -> None:
    made = [await world.junior.made("/trees", {"name": f"Tree {number}", "kind": "procedure"}) for number in range(51)]
    junior = await Reader.of(world, world.junior)
    await junior.opens("/library/trees?kind=procedure&q=tree")
    older = re.search(r'href="(\?after=[^"]+)"', junior.text)
    assert older

    await junior.opens(f"/library/trees{older[1]}")

    assert [made[0]["id"]] == re.findall(r'id="title-([0-9a-f-]+)"', junior.text)
    assert "kind=procedure" in older[1]


async def test_a_tree_is_read_node_by_node_and_drawn_with_the_same_nodes(world: World) -> None:
    tree = await published(world)
    viewer = await Reader.of(world, world.viewer)

    await viewer.opens(f"/library/trees/{tree['id']}")

    assert f"<h1>{tree['name']}</h1>" in viewer.text
    assert ["queue", "line", "spooler", "prints"] == re.findall(r'<li id="node-([a-z]+)"', viewer.text)
    assert "A drawing of 4 nodes." in viewer.text
    assert re.search(r'Yes\s+<a href="#node-spooler">to 3</a>', viewer.text)
    assert "Asks first for Printer" in viewer.words
    assert set() == viewer.buttons
    assert "Edit" not in viewer.text


async def test_each_is_offered_what_state_and_role_allow(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior, admin = await Reader.of(world, world.junior), await Reader.of(world, world.admin)
    await junior.opens(f"/library/trees/{tree['id']}")
    assert {"Rename", "Delete"} == junior.buttons
    await admin.opens(f"/library/trees/{tree['id']}")
    assert {"Publish", "Rename", "Delete"} == admin.buttons
    senior = await Reader.of(world, world.senior)
    assert 404 == (await senior.opens(f"/library/trees/{tree['id']}")).status_code

    await admin.does("publish", note="First", version=str(tree["version"]))
    assert {"Rename", "Copy", "Archive", "Rate"} == admin.buttons
    assert "Revision 1" in admin.text
    await junior.opens(f"/library/trees/{tree['id']}")
    assert {"Rename", "Copy", "Rate"} == junior.buttons
    await admin.does("archive")
    assert {"Copy", "Restore", "Rate"} == admin.buttons
    await admin.does("restore")

    assert "published" == (await world.viewer.seen(f"/trees/{tree['id']}"))["state"]


async def test_who_was_slower_to_archive_a_tree_reads_so_and_it_is_done_once_they_have_read_it(world: World) -> None:
    tree = await published(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"/library/trees/{tree['id']}")
    version = admin.browser.hidden["version"]
    await world.owner.patch(f"/trees/{tree['id']}", {"name": "Another name"})

    refused = await admin.does("archive", version=version)
    assert 412 == refused.status_code
    assert "Somebody else has changed this meanwhile, and nothing was done." in admin.words
    assert "Another name" in admin.words
    assert "published" == (await world.viewer.seen(f"/trees/{tree['id']}"))["state"]
    await admin.does("archive", version=admin.browser.hidden["version"])

    assert "archived" == (await world.viewer.seen(f"/trees/{tree['id']}"))["state"]


async def test_what_a_role_may_not_do_is_refused_on_the_page_all_the_same(world: World) -> None:
    tree = await published(world)
    viewer = await Reader.of(world, world.viewer)
    await viewer.opens(f"/library/trees/{tree['id']}")

    assert 403 == (await viewer.does("archive")).status_code
    assert "As viewer you may not publish trees." in viewer.words
    await viewer.opens("/library/trees")
    assert 403 == (await viewer.does("new", name="Mine", kind="procedure")).status_code
    assert 403 == (await viewer.imports(b"name: x\nkind: procedure\ncontent: {root: null, nodes: []}\n")).status_code
    assert [tree["id"]] == [one["id"] for one in (await world.admin.seen("/trees"))["items"]]


async def test_a_draft_with_problems_is_not_published_and_each_problem_stands_at_its_node(world: World) -> None:
    content = {**CONTENT, "nodes": [*CONTENT["nodes"][:3], {"id": "line", "kind": "outcome", "text": ""}]}
    tree = await world.admin.made("/trees", {**NEW, "content": content})
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"/library/trees/{tree['id']}")
    line = admin.text.partition('<li id="node-line"')[2].partition("</li>\n</ol>")[0]
    assert "an outcome says something." in line
    await admin.opens(f"/library/trees/{tree['id']}?do=publish")
    assert f'href="/library/trees/{tree["id"]}/edit?node=line"' in admin.text

    assert 422 == (await admin.does("publish", version="1")).status_code
    assert "Nothing was published" in admin.words
    assert "draft" == (await world.admin.seen(f"/trees/{tree['id']}"))["state"]


async def test_a_tree_is_begun_renamed_copied_compared_and_deleted(world: World) -> None:
    category = await world.admin.made("/tree-categories", {"name": "Printing"})
    admin = await Reader.of(world, world.admin)
    await admin.opens("/library/trees?do=new")
    await admin.does("new", name="Printer offline", kind="troubleshooting", description="Nobody can print", category=category["id"])
    (tree,) = (await world.admin.seen("/trees"))["items"]
    assert (category["id"], "Nobody can print") == (tree["category"]["id"], tree["description"])
    await world.admin.client.put(f"/trees/{tree['id']}/content", json={"content": CONTENT})
    await world.admin.made(f"/trees/{tree['id']}/publish")
    nodes = [{**CONTENT["nodes"][0], "text": "Is a job in the queue of {{ printer }}?"}, *CONTENT["nodes"][1:]]
    await world.admin.client.put(f"/trees/{tree['id']}/content", json={"content": {**CONTENT, "nodes": nodes}})

    await admin.opens(f"/library/trees/{tree['id']}")
    await admin.does("rename", name="Printer silent", description="", category="")
    renamed = await world.admin.seen(f"/trees/{tree['id']}")
    assert ("Printer silent", None, None) == (renamed["name"], renamed["description"], renamed["category"])
    await admin.opens(f"/library/trees/{tree['id']}/diff?before=1&after=draft")
    assert "Is anything in the queue" in admin.text
    assert "Is a job in the queue" in admin.text
    await admin.opens(f"/library/trees/{tree['id']}/diff?before=1&after=1")
    assert "Nothing is different" in admin.text

    await admin.opens(f"/library/trees/{tree['id']}")
    await admin.does("copy")
    copy = admin.browser.path.rpartition("/")[2]
    assert tree["id"] == (await world.admin.seen(f"/trees/{copy}"))["copied_from"]["id"]
    await admin.does("delete")
    assert "/library/trees" == admin.browser.path
    assert 404 == (await world.admin.get(f"/trees/{copy}")).status_code


async def test_who_was_slower_with_a_name_reads_so_and_keeps_what_they_typed(world: World) -> None:
    tree = await world.admin.made("/trees", NEW)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"/library/trees/{tree['id']}?do=rename")
    await world.junior.client.patch(f"/trees/{tree['id']}", json={"name": "Another"})
    await world.owner.client.patch(f"/trees/{tree['id']}", json={"name": "Another"})

    refused = await admin.does("rename", name="Mine", version=str(tree["version"]))

    assert 412 == refused.status_code
    assert 'value="Mine"' in admin.text
    dialog = admin.text.partition('<dialog id="rename"')[2].partition("</dialog>")[0]
    why = "Somebody else has changed this meanwhile"
    assert (True, 1) == (why in dialog, admin.text.count(why))


@pytest.mark.parametrize(("path", "move"), [("trees/{id}", "rename"), ("trees", "new"), ("scripts", "new")])
async def test_why_a_dialog_was_refused_stands_in_it_and_not_behind_it(world: World, path: str, move: str) -> None:
    tree = await world.admin.made("/trees", NEW)
    admin = await Reader.of(world, world.admin)
    at = path.format(id=tree["id"])
    await admin.opens(f"/library/{at}?do={move}")

    refused = await admin.does(move, name="a\u202eb", **({"version": str(tree["version"])} if move == "rename" else {}))

    dialog = admin.text.partition(f'<dialog id="{move}"')[2].partition("</dialog>")[0]
    assert (422, True, 1) == (refused.status_code, 'role="alert">' in dialog, admin.text.count("without U+202E"))
    assert "without U+202E" in dialog


async def test_an_exported_tree_is_imported_by_file_as_yaml_and_as_json(world: World) -> None:
    tree = await published(world)
    junior = await Reader.of(world, world.junior)
    for format in ("yaml", "json"):
        file = (await world.junior.get(f"/trees/{tree['id']}/export?format={format}")).content

        await junior.imports(file, f"tree.{format}")

        imported = await world.junior.seen(f"/trees/{junior.browser.path.rpartition('/')[2]}")
        assert (tree["name"], tree["content"]) == (imported["name"], imported["content"])


async def test_a_file_that_is_no_tree_is_refused_with_where(world: World) -> None:
    junior = await Reader.of(world, world.junior)

    for file, said in ((b"kind: [", "YAML"), (b"&a [*a]", "alias"), (b"{}", "name is required"), (b"", "object")):
        refused = await junior.imports(file)
        assert 400 <= refused.status_code < 500, file
        assert said in junior.words, file
    assert [] == (await world.junior.seen("/trees"))["items"]


async def test_a_tree_is_rated_with_stars_and_the_rating_is_taken_back(world: World) -> None:
    tree = await published(world)
    senior = await Reader.of(world, world.senior)
    await senior.opens(f"/library/trees/{tree['id']}")

    await senior.does("rate", stars="5", comment="Found it at once")
    assert f"5 stars by {world.senior.user.name}" in senior.words
    assert re.search(r'name="stars" value="5" checked', senior.text)
    await senior.does("rate", stars="2")
    assert 1 == len((await world.senior.seen(f"/ratings?subject=tree&subject_id={tree['id']}"))["items"])
    await senior.does("unrate", rating=senior.browser.hidden["rating"])

    assert [] == (await world.senior.seen(f"/ratings?subject=tree&subject_id={tree['id']}"))["items"]
    viewer = await Reader.of(world, world.viewer)
    await viewer.opens(f"/library/trees/{tree['id']}")
    assert "Your rating" not in viewer.text


async def test_nobody_reads_a_page_of_another_accounts_tree(world: World) -> None:
    tree = await published(world)
    rival = await Reader.of(world, world.rival_owner)

    for path in ("", "/diff?before=1&after=1"):
        assert 404 == (await rival.opens(f"/library/trees/{tree['id']}{path}")).status_code


async def test_whoever_has_nothing_yet_is_led_to_the_trees_and_a_viewer_to_sessions(world: World) -> None:
    junior, viewer = await Reader.of(world, world.junior), await Reader.of(world, world.viewer)

    await junior.opens("/work")
    await viewer.opens("/work")

    assert (True, False) == tuple('href="/library/gallery"' in somebody.text for somebody in (junior, viewer))
