"""The editor of a tree, by plain forms: one node each."""

from typing import Any

import pytest

from tests.support.http import Somebody, World
from tests.unit.http.knowledge.test_library_pages import Reader
from tests.unit.http.knowledge.test_trees import CONTENT, NEW, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def editing(world: World, who: Somebody, tree_id: str, query: str = "") -> Reader:
    reader = await Reader.of(world, who)
    await reader.opens(f"/library/trees/{tree_id}/edit{query}")
    return reader


async def content_of(who: Somebody, tree_id: str) -> Any:
    return (await who.seen(f"/trees/{tree_id}"))["content"]


async def test_a_tree_is_written_node_by_node_until_nothing_is_missing_and_published(world: World) -> None:
    tree = await world.admin.made("/trees", {"name": "Printer offline", "kind": "troubleshooting"})
    admin = await editing(world, world.admin, tree["id"])
    assert "the tree has no first node." in admin.words

    await admin.does("add", id="queue", kind="question", text="Is anything in the queue of {{ printer }}?")
    assert f"/library/trees/{tree['id']}/edit?at=0" == admin.browser.path
    answers = {"label_1": "Yes", "next_1": "spooler", "label_2": "No", "next_2": "line"}
    await admin.does("node", at="0", id="queue", kind="question", text="Is anything in the queue of {{ printer }}?", **answers)
    assert "there is no node spooler." in admin.words
    assert {"Write spooler", "Write line"} <= admin.buttons
    await admin.does("add", id="spooler", kind="action", text="Restart the spooler")
    await admin.does("add", id="prints", kind="outcome", text="It prints again.")
    await admin.does("node", at="2", id="prints", kind="outcome", text="It prints again.", outcome="solved")
    await admin.does("add", id="line", kind="outcome", text="Have the line looked at.")
    await admin.does("node", at="3", id="line", kind="outcome", text="Have the line looked at.", outcome="escalate")
    await admin.does("node", at="1", id="spooler", kind="action", text="Restart the spooler", worked="prints", otherwise="line")
    assert "the tree has no parameter printer" in await _problems(world, tree["id"])
    await admin.does("parameter", name="printer", label="Printer", type="text", required="true")

    assert "nothing is missing" in admin.words
    assert CONTENT == await content_of(world.admin, tree["id"])
    await admin.opens(f"/library/trees/{tree['id']}?do=publish")
    await admin.does("publish", note="First")
    assert "published" == (await world.viewer.seen(f"/trees/{tree['id']}"))["state"]


async def _problems(world: World, tree_id: str) -> str:
    return " ".join(one["detail"] for one in (await world.admin.seen(f"/trees/{tree_id}"))["problems"])


async def test_a_node_under_another_id_is_still_led_to_and_can_be_where_the_tree_begins(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"], "?node=line")

    await junior.does("node", at="3", id="carrier", kind="outcome", text="Have the line looked at.", outcome="escalate")
    content = await content_of(world.junior, tree["id"])
    assert ("carrier", "carrier") == (content["nodes"][0]["answers"][1]["next"], content["nodes"][1]["next"]["otherwise"])
    await junior.does("root", at="1", id="spooler")
    assert "spooler" == (await content_of(world.junior, tree["id"]))["root"]
    await junior.does("drop", at="3", id="carrier")

    assert ["queue", "spooler", "prints"] == [one["id"] for one in (await content_of(world.junior, tree["id"]))["nodes"]]
    await junior.opens(f"/library/trees/{tree['id']}/edit?node=spooler")
    assert "there is no node carrier." in junior.words


async def test_what_belongs_to_another_kind_is_dropped_with_the_kind(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"])

    await junior.does(
        "node", at="0", id="queue", kind="action", text="Look into the queue", label_1="Yes", next_1="spooler", otherwise="line"
    )

    assert {"id": "queue", "kind": "action", "text": "Look into the queue", "next": "line"} == (await content_of(world.junior, tree["id"]))[
        "nodes"
    ][0]


async def test_what_can_be_in_no_tree_is_refused_on_the_page_and_what_was_typed_stands(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"])

    for fields in ({"at": "0", "id": "No Id"}, {"at": "0", "id": "line"}, {"at": "9", "id": "new"}):
        refused = await junior.does("node", kind="question", text="Typed with care", **fields)
        assert 400 <= refused.status_code < 500, fields
        assert "Typed with care" in junior.text
    refused = await junior.does("parameter", name="1", label="One", type="text")
    assert (422, True) == (refused.status_code, 'value="One"' in junior.text)
    assert CONTENT == await content_of(world.junior, tree["id"])


async def test_who_was_slower_with_a_node_reads_what_it_says_now_and_keeps_what_they_typed(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"], "?node=line")
    shown = junior.browser.hidden["shown"]
    nodes = [*CONTENT["nodes"][:3], {**CONTENT["nodes"][3], "text": "Call the carrier."}]
    await world.admin.client.put(f"/trees/{tree['id']}/content", json={"content": {**CONTENT, "nodes": nodes}})
    mine = {"at": "3", "id": "line", "kind": "outcome", "text": "Mine", "outcome": "escalate"}

    refused = await junior.does("node", shown=shown, **mine)
    assert 409 == refused.status_code
    assert "Now it says: Call the carrier." in junior.words
    assert ">Mine</textarea>" in junior.text
    await junior.does("node", shown=junior.browser.hidden["shown"], **mine)

    assert "Mine" == (await content_of(world.junior, tree["id"]))["nodes"][3]["text"]


async def test_another_node_than_the_one_that_a_button_stood_at_is_never_dropped(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"])

    assert 404 == (await junior.does("drop", at="1", id="line")).status_code
    assert 404 == (await junior.does("drop", at="-1", id="line")).status_code
    assert CONTENT == await content_of(world.junior, tree["id"])


async def test_the_draft_of_a_published_tree_is_its_writers_until_somebody_takes_it_over(world: World) -> None:
    tree = await published(world)
    junior = await editing(world, world.junior, tree["id"], "?node=line")
    line = {"at": "3", "id": "line", "kind": "outcome", "outcome": "escalate"}
    await junior.does("node", text="Junior's", **line)

    senior = await editing(world, world.senior, tree["id"])
    refused = await senior.does("node", text="Senior's", **line)
    assert (409, True) == (refused.status_code, world.junior.user.name in senior.words)
    admin = await editing(world, world.admin, tree["id"])
    assert "Junior's" in admin.text
    assert "Take over" in admin.buttons
    await admin.does("take-over")
    await admin.does("node", text="Admin's", **line)

    assert "Admin's" == (await content_of(world.admin, tree["id"]))["nodes"][3]["text"]


async def test_a_node_asks_for_a_script_with_values_for_what_that_asks_for(world: World) -> None:
    script = {
        "language": "bash",
        "body": "ping -c 3 -- {{ host }}\n",
        "parameters": [{"name": "host", "label": "Host", "type": "text", "required": True}],
    }
    template = await world.admin.made("/script-templates", {"name": "Ping", "content": script})
    await world.admin.made(f"/script-templates/{template['id']}/publish")
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"], "?node=spooler")

    await junior.does("node", at="1", id="spooler", kind="script", text="Ping it", otherwise="line")
    assert f'<option value="{template["id"]}">Ping</option>' in junior.text
    await junior.does("node", at="1", id="spooler", kind="script", text="Ping it", otherwise="line", script=template["id"])
    assert '<input type="hidden" name="name_0" value="host">' in junior.text
    values = {"name_0": "host", "value_0": "{{ printer }}"}
    await junior.does("node", at="1", id="spooler", kind="script", text="Ping it", otherwise="line", script=template["id"], **values)

    node = (await content_of(world.junior, tree["id"]))["nodes"][1]
    assert ({"id": template["id"]}, {"host": "{{ printer }}"}) == (node["script"], node["parameters"])


async def test_parameters_are_written_with_defaults_of_their_type_and_removed(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    junior = await editing(world, world.junior, tree["id"])

    await junior.does("parameter", name="tries", label="Tries", type="integer", default="3", min="1", max="9")
    await junior.does("parameter", name="loud", label="Loud", type="yes_no", default="true", required="true")
    await junior.does("parameter", name="side", label="Side", type="choice", choices="left\r\nright\r\n", default="left")
    await junior.does("parameter", was="printer", name="device", label="Device", type="text", required="true")
    wrong = await junior.does("parameter", name="more", label="More", type="integer", default="many")
    assert 422 == wrong.status_code
    await junior.does("drop-parameter", was="loud")

    found = (await content_of(world.junior, tree["id"]))["parameters"]
    assert [("device", True), ("tries", False), ("side", False)] == [(one["name"], one["required"]) for one in found]
    assert (3, 1, 9, ["left", "right"]) == (found[1]["default"], found[1]["min"], found[1]["max"], found[2]["choices"])


async def test_only_who_may_write_trees_opens_the_editor_and_only_of_their_own(world: World) -> None:
    tree = await published(world)

    for who, status in ((world.viewer, 403), (world.junior, 200), (world.rival_owner, 404)):
        reader = await Reader.of(world, who)
        assert status == (await reader.opens(f"/library/trees/{tree['id']}/edit")).status_code
