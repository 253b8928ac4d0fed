"""The pages of script templates, by plain forms: written, filled in, recorded in a session."""

import re
from html import unescape
from typing import Any

import pytest

from tests.support.http import World
from tests.unit.http.knowledge.test_library_pages import Reader
from tests.unit.http.knowledge.test_trees import CONTENT, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

SCRIPT: Any = {
    "language": "bash",
    "body": "ping -c {{ count }} -- {{ host }}\n",
    "parameters": [
        {"name": "host", "label": "Host", "type": "text", "required": True},
        {"name": "count", "label": "How often", "type": "integer", "required": True, "default": 3},
    ],
}


async def a_script(world: World, **more: object) -> Any:
    """Published."""
    made = await world.admin.made("/script-templates", {"name": "Ping", "content": SCRIPT, **more})
    return await world.admin.made(f"/script-templates/{made['id']}/publish")


def rendered(reader: Reader) -> str | None:
    found = re.search(r'<pre id="rendered"[^>]*>(.*?)</pre>', reader.browser.page.text, re.S)
    return unescape(found[1]) if found else None


async def test_scripts_are_listed_by_state_category_and_words(world: World) -> None:
    category = await world.admin.made("/tree-categories", {"name": "Network"})
    ping = await a_script(world, category_id=category["id"])
    draft = await world.junior.made("/script-templates", {"name": "Free space"})
    junior = await Reader.of(world, world.junior)

    async def found(query: str) -> set[str]:
        await junior.opens(f"/library/scripts?{query}")
        return set(re.findall(r'id="title-([0-9a-f-]+)"', junior.text))

    assert {ping["id"], draft["id"]} == await found("")
    assert {ping["id"]} == await found("state=published")
    assert {draft["id"]} == await found("q=SPACE")
    assert {draft["id"]} == await found("mine=true")
    assert {ping["id"]} == await found(f"category={category['id']}")


async def test_a_script_is_filled_in_and_what_was_typed_stands_beside_it(world: World) -> None:
    script = await a_script(world)
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/library/scripts/{script['id']}")
    assert 'name="value_1" type="text" value="3"' in junior.text

    await junior.does("render", name_0="host", value_0="it's $(id)", name_1="count", value_1="9")

    assert "ping -c 9 -- 'it'\\''s $(id)'\n" == rendered(junior)
    assert 'value="it\'s $(id)"' in junior.text
    assert 'data-copies="rendered"' in junior.text


async def test_a_value_that_does_not_fit_is_refused_on_the_page(world: World) -> None:
    script = await a_script(world)
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/library/scripts/{script['id']}")

    for count, said in (("many", "parameters.count must be a number."), ("", "parameters.host is required.")):
        refused = await junior.does("render", name_0="host", value_0="" if not count else "x", name_1="count", value_1=count)
        assert (422, True, None) == (refused.status_code, said in junior.words, rendered(junior)), count


async def test_a_script_is_recorded_as_a_step_of_a_session_once(world: World) -> None:
    script, session = await a_script(world), await world.junior.session()
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/library/scripts?session={session['id']}")
    assert f'href="/library/scripts/{script["id"]}?session={session["id"]}"' in junior.text
    await junior.opens(f"/library/scripts/{script['id']}?session={session['id']}")
    once = junior.browser.hidden["once"]
    values = {"name_0": "host", "value_0": "mail.example", "name_1": "count", "value_1": "3", "once": once}

    await junior.does("record", **values)
    assert "ping -c 3 -- 'mail.example'\n" == rendered(junior)
    assert "Recorded as step" in junior.words
    await junior.does("record", **values)

    (step,) = (await world.junior.seen(f"/ai-sessions/{session['id']}"))["steps"]
    assert ("script", {"host": "mail.example", "count": 3}) == (step["kind"], step["script"]["parameters"])


async def test_nothing_is_recorded_in_a_session_that_one_does_not_work_on(world: World) -> None:
    script, session = await a_script(world), await world.junior.session()
    senior = await Reader.of(world, world.senior)
    await senior.opens(f"/library/scripts/{script['id']}?session={session['id']}")
    assert "Record as step" not in senior.buttons

    refused = await senior.does("record", name_0="host", value_0="x")

    assert 403 == refused.status_code
    assert [] == (await world.junior.seen(f"/ai-sessions/{session['id']}"))["steps"]
    rival = await Reader.of(world, world.rival_owner)
    assert 404 == (await rival.opens(f"/library/scripts/{script['id']}?session={session['id']}")).status_code


async def test_a_script_that_a_tree_asks_for_is_filled_in_with_what_the_tree_gives(world: World) -> None:
    script = await a_script(world)
    ping = {
        "id": "spooler",
        "kind": "script",
        "text": "Ping it",
        "next": "line",
        "script": {"id": script["id"]},
        "parameters": {"host": "{{ printer }}"},
    }
    nodes = [CONTENT["nodes"][0], ping, *CONTENT["nodes"][3:]]
    tree = await published(world, content={**CONTENT, "nodes": nodes})
    session = await world.junior.session(tree_id=tree["id"], parameters={"printer": "LJ-2"})
    await world.junior.made(f"/ai-sessions/{session['id']}/walk/steps", {"node_id": "queue", "answers": ["Yes"]})
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/sessions/{session['id']}")
    link = re.search(r'href="(/library/scripts/[^"]+branch=[^"]+)"', junior.text)
    assert link

    await junior.opens(link[1])

    assert 'value="LJ-2"' in junior.text
    assert "Record as step" not in junior.buttons
    assert "say in the session what came of it" in junior.words


async def test_a_script_is_written_mended_and_published(world: World) -> None:
    admin = await Reader.of(world, world.admin)
    await admin.opens("/library/scripts?do=new")
    await admin.does("new", name="Ping", description="Looks whether a host answers", category="")
    assert admin.browser.path.endswith("/edit")
    template_id = admin.browser.path.split("/")[-2]
    assert "the script is empty" in admin.words

    write = {"language": "bash", "platforms": ["linux", "macos"], "run_as": "user", "timeout": "60", "version": ""}
    await admin.does("write", body='ping "{{ host }}"\n', **write)
    assert "{{ host }} in line 1, column 7 is no parameter" in admin.words
    assert "stands inside quotes" in admin.words
    await admin.does("write", body="ping -- {{ host }}\r\n", **write)
    await admin.does("parameter", name="host", label="Host", type="text", required="true")
    assert "nothing is missing" in admin.words
    await admin.opens(f"/library/scripts/{template_id}?do=publish")
    await admin.does("publish", note="First")

    made = await world.viewer.seen(f"/script-templates/{template_id}")
    assert ("published", "ping -- {{ host }}\n", ["linux", "macos"], 60) == (
        made["state"],
        made["content"]["body"],
        made["content"]["platforms"],
        made["content"]["timeout_seconds"],
    )


async def test_what_a_pasted_script_declares_is_taken_or_left(world: World) -> None:
    template = await world.junior.made("/script-templates", {"name": "Free space"})
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/library/scripts/{template['id']}/edit")

    await junior.does("detect", language="powershell", body="param([string]$Drive = 'C', [int]$Least)\nGet-Volume $Drive\n")
    assert {"Drive", "Least"} == set(re.findall(r'name="names" value="(\w+)"', junior.text))
    await junior.does("take-found", names=["Drive"])

    found = (await world.junior.seen(f"/script-templates/{template['id']}"))["content"]["parameters"]
    assert [("Drive", "text", "C")] == [(one["name"], one["type"], one.get("default")) for one in found]


async def test_who_was_slower_with_a_script_reads_it_as_it_is_now_and_keeps_what_they_typed(world: World) -> None:
    template = await world.junior.made("/script-templates", {"name": "Ping", "content": SCRIPT})
    junior = await Reader.of(world, world.junior)
    await junior.opens(f"/library/scripts/{template['id']}/edit")
    version = junior.browser.hidden["version"]
    await world.admin.client.put(f"/script-templates/{template['id']}/content", json={"content": {**SCRIPT, "body": "true # theirs\n"}})

    refused = await junior.does("write", language="bash", body="true # mine\n", version=version)
    assert 412 == refused.status_code
    assert "true # theirs" in junior.text
    assert "true # mine\n</textarea>" in junior.text
    await junior.does("write", language="bash", body="true # mine\n", version=junior.browser.hidden["version"])

    assert "true # mine\n" == (await world.junior.seen(f"/script-templates/{template['id']}"))["content"]["body"]


async def test_a_script_is_rated_copied_archived_and_restored_by_who_may(world: World) -> None:
    script = await a_script(world)
    junior, admin = await Reader.of(world, world.junior), await Reader.of(world, world.admin)
    await junior.opens(f"/library/scripts/{script['id']}")
    assert {"Rename", "Copy as a draft", "Show the script", "Copy", "Rate"} >= junior.buttons
    await junior.does("rate", stars="4")
    assert "4 stars by" in junior.words
    await junior.does("copy")
    copy = junior.browser.path.rpartition("/")[2]
    assert script["id"] == (await world.junior.seen(f"/script-templates/{copy}"))["copied_from"]["id"]
    await junior.does("delete")
    assert 404 == (await world.junior.get(f"/script-templates/{copy}")).status_code

    await admin.opens(f"/library/scripts/{script['id']}")
    await admin.does("rename", name="Ping a host", description="", category="")
    await admin.does("archive")
    archived = await world.viewer.seen(f"/script-templates/{script['id']}")
    assert ("archived", "Ping a host") == (archived["state"], archived["name"])
    await admin.does("restore")
    viewer = await Reader.of(world, world.viewer)
    await viewer.opens(f"/library/scripts/{script['id']}")

    assert set() == viewer.buttons
    assert "ping -c {{ count }}" in viewer.text
    assert 403 == (await viewer.opens(f"/library/scripts/{script['id']}/edit")).status_code


async def test_who_was_slower_to_archive_a_script_reads_so_and_nothing_was_done(world: World) -> None:
    script = await a_script(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"/library/scripts/{script['id']}")
    version = admin.browser.hidden["version"]
    await world.owner.patch(f"/script-templates/{script['id']}", {"name": "Another name"})

    refused = await admin.does("archive", version=version)

    assert 412 == refused.status_code
    assert "Somebody else has changed this meanwhile, and nothing was done." in admin.words
    assert "published" == (await world.viewer.seen(f"/script-templates/{script['id']}"))["state"]


async def test_the_draft_of_a_published_script_is_taken_over_by_who_may_publish(world: World) -> None:
    script = await a_script(world)
    junior, admin = await Reader.of(world, world.junior), await Reader.of(world, world.admin)
    await junior.opens(f"/library/scripts/{script['id']}/edit")
    await junior.does("write", language="bash", body="true # junior\n")
    await admin.opens(f"/library/scripts/{script['id']}/edit")
    assert {"Take over"} <= admin.buttons
    assert 409 == (await admin.does("write", language="bash", body="true # admin\n")).status_code

    await admin.does("take-over")
    await admin.does("write", language="bash", body="true # admin\n")

    assert "true # admin\n" == (await world.admin.seen(f"/script-templates/{script['id']}"))["content"]["body"]
