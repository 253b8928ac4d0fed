"""Trees over HTTP: drafted, mended, published, compared, copied, exported and imported."""

from typing import Any

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

CONTENT: Any = {
    "root": "queue",
    "nodes": [
        {
            "id": "queue",
            "kind": "question",
            "text": "Is anything in the queue of {{ printer }}?",
            "answers": [{"label": "Yes", "next": "spooler"}, {"label": "No", "next": "line"}],
        },
        {"id": "spooler", "kind": "action", "text": "Restart the spooler", "next": {"worked": "prints", "otherwise": "line"}},
        {"id": "prints", "kind": "outcome", "text": "It prints again.", "outcome": "solved"},
        {"id": "line", "kind": "outcome", "text": "Have the line looked at.", "outcome": "escalate"},
    ],
    "parameters": [{"name": "printer", "label": "Printer", "type": "text", "required": True}],
}
NEW = {"name": "Printer offline", "kind": "troubleshooting", "content": CONTENT}


async def published(world: World, **more: object) -> Any:
    tree = await world.junior.made("/trees", {**NEW, **more})
    return await world.admin.made(f"/trees/{tree['id']}/publish", {"note": "First"})


async def test_a_draft_is_kept_unfinished_and_says_what_is_missing(world: World) -> None:
    made = await world.junior.made("/trees", {"name": "Printer offline", "kind": "troubleshooting"})
    assert ("draft", None, True, world.junior.by) == (made["state"], made["revision"], made["has_draft"], made["draft_by"])
    assert [("no_root", "/content/root", "error")] == [(one["code"], one["pointer"], one["severity"]) for one in made["problems"]]

    half = {"root": "a", "nodes": [{"id": "a", "kind": "action", "text": ""}]}
    answer = await world.junior.client.put(f"/trees/{made['id']}/content", json={"content": half})

    assert 200 == answer.status_code
    assert [("blank_text", "a"), ("no_outcome", "a")] == [(one["code"], one["node_id"]) for one in answer.json()["problems"]]
    assert answer.json() == await world.junior.seen(f"/trees/{made['id']}")


async def test_what_can_be_in_no_tree_is_refused_where_it_is(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    for node, status, pointer in (
        ({"id": "No Id", "kind": "action", "text": ""}, 422, "/content/nodes/0/id"),
        ({"id": "a", "kind": "action", "text": "", "outcome": "solved"}, 422, "/content/nodes/0/outcome"),
        ({"id": "a", "kind": "action", "text": "x" * 4_001}, 422, "/content/nodes/0/text"),
        ({"id": "a", "kind": "guess", "text": ""}, 422, "/content/nodes/0/kind"),
        ({"id": "a", "kind": "action", "text": "", "more": 1}, 400, "/content/nodes/0/more"),
        ({"id": "a", "kind": "action"}, 400, "/content/nodes/0/text"),
    ):
        answer = await world.junior.client.put(f"/trees/{tree['id']}/content", json={"content": {"root": None, "nodes": [node]}})
        assert (status, pointer) == (answer.status_code, answer.json()["errors"][0]["pointer"]), node


async def test_a_draft_is_its_authors_and_whoever_may_publish(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)
    path = f"/trees/{tree['id']}"

    assert [200, 200, 200, 404, 404, 404] == [
        (await who.get(path)).status_code for who in (world.junior, world.owner, world.admin, world.senior, world.viewer, world.rival_owner)
    ]
    assert [1, 1, 0] == [len((await who.seen("/trees"))["items"]) for who in (world.junior, world.owner, world.senior)]
    assert (404, 404) == ((await world.senior.post(f"{path}/publish")).status_code, (await world.senior.patch(path, {})).status_code)


async def test_what_is_published_is_read_by_everybody_and_never_changes(world: World) -> None:
    tree = await published(world)
    path = f"/trees/{tree['id']}"

    assert ("published", 1, False, []) == (tree["state"], tree["revision"], tree["has_draft"], tree["problems"])
    assert CONTENT == (await world.viewer.seen(path))["content"]
    edited = {**CONTENT, "root": "spooler"}
    await world.junior.client.put(f"{path}/content", json={"content": edited})
    assert (CONTENT, False) == ((seen := await world.senior.seen(path))["content"], seen["has_draft"])
    assert (edited, True) == ((seen := await world.junior.seen(path))["content"], seen["has_draft"])
    assert ["unreachable"] == [one["code"] for one in seen["problems"]]
    assert [(1, "First", world.admin.by)] == [
        (one["number"], one["note"], one["published_by"]) for one in (await world.viewer.seen(f"{path}/revisions"))["items"]
    ]
    assert CONTENT == (await world.viewer.seen(f"{path}/revisions/1"))["content"]
    assert [404] * 3 == [(await world.viewer.get(f"{path}/revisions/{number}")).status_code for number in ("2", "0", "first")]


async def test_nothing_with_an_error_is_published(world: World) -> None:
    tree = await world.junior.made("/trees", {**NEW, "content": {**CONTENT, "nodes": CONTENT["nodes"][:2]}})

    answer = await world.admin.post(f"/trees/{tree['id']}/publish")

    assert (422, "invalid_tree") == (answer.status_code, answer.json()["code"])
    assert {"pointer": "/content/nodes/1/next/worked", "code": "unknown_reference", "node_id": "spooler"}.items() <= answer.json()[
        "errors"
    ][1].items()
    assert "draft" == (await world.junior.seen(f"/trees/{tree['id']}"))["state"]


async def test_who_edits_the_draft_of_another_is_told_whose_it_is(world: World) -> None:
    tree = await published(world)
    path = f"/trees/{tree['id']}/content"
    await world.junior.client.put(path, json={"content": CONTENT})

    refused = await world.senior.client.put(path, json={"content": CONTENT})
    assert (409, "draft_taken", world.junior.by) == (refused.status_code, refused.json()["code"], refused.json()["by"])
    assert 409 == (await world.admin.client.put(path, json={"content": CONTENT})).status_code
    assert 409 == (await world.senior.client.put(f"{path}?take_over=true", json={"content": CONTENT})).status_code
    taken = await world.admin.client.put(f"{path}?take_over=true", json={"content": CONTENT})
    assert (200, world.admin.by) == (taken.status_code, taken.json()["draft_by"])


async def test_two_states_are_compared(world: World) -> None:
    tree = await published(world)
    path = f"/trees/{tree['id']}"
    nodes = [{**CONTENT["nodes"][0], "text": "Is it on?"}, CONTENT["nodes"][1], CONTENT["nodes"][2], {**CONTENT["nodes"][3], "id": "end"}]
    await world.junior.client.put(f"{path}/content", json={"content": {**CONTENT, "nodes": nodes}})

    diff = await world.junior.seen(f"{path}/diff?from=1&to=draft")

    assert (["end"], ["line"]) == (diff["nodes"]["added"], diff["nodes"]["removed"])
    assert [{"id": "queue", "fields": {"text": [CONTENT["nodes"][0]["text"], "Is it on?"]}}] == diff["nodes"]["changed"]
    assert {"added": [], "removed": []} == diff["edges"]
    assert [404, 422, 400] == [
        (await who.get(f"{path}/diff?{query}")).status_code
        for who, query in ((world.senior, "from=1"), (world.junior, "from=0"), (world.junior, "to=1"))
    ]


@pytest.mark.parametrize("format", ["yaml", "json"])
async def test_what_is_exported_and_imported_says_the_same(world: World, format: str) -> None:
    tree = await published(world, description="Nothing comes out: “no”")
    file = await world.viewer.get(f"/trees/{tree['id']}/export?format={format}")
    assert f"application/{format}" == file.headers["content-type"].partition(";")[0]

    made = await world.senior.client.post("/trees/import", content=file.content, headers={"content-type": f"application/{format}"})

    assert 201 == made.status_code
    assert (CONTENT, "draft", tree["name"], tree["description"]) == tuple(
        made.json()[name] for name in ("content", "state", "name", "description")
    )


async def test_a_tree_is_drawn(world: World) -> None:
    tree = await published(world)

    drawing = await world.viewer.get(f"/trees/{tree['id']}/export?format=mermaid")

    assert "flowchart TD" == drawing.text.splitlines()[0]


@pytest.mark.parametrize("file", ["a: &x 1\nb: *x", "name: x", "- 1", "[", "\x00"])
async def test_a_file_that_is_no_tree_is_refused(world: World, file: str) -> None:
    """A61"""
    answer = await world.junior.client.post("/trees/import", content=file.encode(), headers={"content-type": "application/yaml"})

    assert (400, "malformed") == (answer.status_code, answer.json()["code"])


async def test_a_copy_is_a_draft_that_says_where_it_is_from(world: World) -> None:
    tree = await published(world)
    copy = await world.senior.made(f"/trees/{tree['id']}/copy")
    await world.junior.client.put(f"/trees/{tree['id']}/content", json={"content": {**CONTENT, "parameters": CONTENT["parameters"][:1]}})
    await world.admin.made(f"/trees/{tree['id']}/publish")

    seen = await world.senior.seen(f"/trees/{copy['id']}")
    assert ({"id": tree["id"], "revision": 1, "newest_revision": 2}, "draft") == (seen["copied_from"], seen["state"])
    assert 1 == (await world.senior.seen(f"/trees/{tree['id']}"))["uses"]
    taken = await world.senior.post(f"/trees/{copy['id']}/draft-from-origin")
    assert (200, 2) == (taken.status_code, taken.json()["copied_from"]["revision"])


async def test_an_archived_tree_is_restored_and_a_draft_deleted(world: World) -> None:
    tree = await published(world)
    path = f"/trees/{tree['id']}"

    assert "archived" == (await world.admin.made(f"{path}/archive"))["state"]
    refused = await world.junior.client.put(f"{path}/content", json={"content": CONTENT})
    assert (409, "invalid_transition", "archived") == (refused.status_code, refused.json()["code"], refused.json()["state"])
    assert "published" == (await world.admin.made(f"{path}/restore"))["state"]
    assert 409 == (await world.admin.client.delete(path)).status_code
    draft = await world.junior.made("/trees", NEW)
    assert 204 == (await world.junior.client.delete(f"/trees/{draft['id']}")).status_code
    assert 404 == (await world.junior.get(f"/trees/{draft['id']}")).status_code
    log = [one["kind"] for one in (await world.owner.seen("/audit-log"))["items"]]
    assert {"tree.published", "tree.archived", "tree.restored"} <= set(log)


async def test_a_list_is_of_what_is_asked_for(world: World) -> None:
    category = await world.admin.made("/tree-categories", {"name": "Printing"})
    printer = await published(world, category_id=category["id"])
    vpn = await world.junior.made("/trees", {"name": "VPN drops", "kind": "procedure"})

    for query, expected in (
        ("", [vpn, printer]),
        ("?q=vpn", [vpn]),
        ("?state=published", [printer]),
        ("?kind=procedure", [vpn]),
        (f"?category_id={category['id']}", [printer]),
        ("?limit=1", [vpn]),
    ):
        assert [one["id"] for one in expected] == [one["id"] for one in (await world.junior.seen(f"/trees{query}"))["items"]]


async def test_who_acted_on_another_version_is_told(world: World) -> None:
    tree = await world.junior.made("/trees", NEW)

    first = await world.junior.patch(f"/trees/{tree['id']}", {"name": "Printer"}, if_match='"1"')
    second = await world.junior.patch(f"/trees/{tree['id']}", {"name": "Scanner"}, if_match='"1"')

    assert (200, 2, 412) == (first.status_code, first.json()["version"], second.status_code)
    assert '"2"' == (await world.junior.get(f"/trees/{tree['id']}")).headers["etag"]


async def test_categories_have_two_levels_and_go_once_they_are_empty(world: World) -> None:
    above = await world.admin.made("/tree-categories", {"name": "Printing"})
    below = await world.admin.made("/tree-categories", {"name": "Drivers", "parent_id": above["id"]})
    tree = await published(world, category_id=below["id"])

    third = await world.admin.post("/tree-categories", {"name": "Deep", "parent_id": below["id"]})
    assert (422, "/parent_id") == (third.status_code, third.json()["errors"][0]["pointer"])
    assert [(above["id"], 0), (below["id"], 1)] == [
        (one["id"], one["trees"]) for one in (await world.viewer.seen("/tree-categories"))["items"] if one["owner"] == "account"
    ]
    script = await world.junior.made("/script-templates", {"name": "Read the log", "category_id": below["id"]})
    # A draft is counted for those who may read it.
    for reader, scripts in ((world.junior, 1), (world.admin, 1), (world.viewer, 0), (world.senior, 0)):
        (counted,) = (one for one in (await reader.seen("/tree-categories"))["items"] if one["id"] == below["id"])
        assert (1, scripts) == (counted["trees"], counted["scripts"])
    refused = await world.admin.client.delete(f"/tree-categories/{below['id']}")
    assert (409, "category_in_use") == (refused.status_code, refused.json()["code"])
    assert 204 == (await world.admin.client.delete(f"/tree-categories/{below['id']}?move_to={above['id']}")).status_code
    assert "Printing" == (await world.viewer.seen(f"/trees/{tree['id']}"))["category"]["name"]
    assert "Printing" == (await world.junior.seen(f"/script-templates/{script['id']}"))["category"]["name"]
    assert "Print" == (await world.admin.patch(f"/tree-categories/{above['id']}", {"name": "Print"})).json()["name"]


async def test_a_resolved_session_is_kept_as_a_tree_without_secrets_and_names(world: World) -> None:
    ticket = {"system": "memory", "id": "48211"}
    session = await world.junior.session(client_name="Lakeside Dental", ticket=ticket)
    path = f"/ai-sessions/{session['id']}"
    early = await world.junior.post(f"{path}/save-as-tree", {"name": "Printer offline"})
    assert (409, "invalid_transition") == (early.status_code, early.json()["code"])
    told = "Reset it at lakeside dental (ticket 48211) on prn02.lakeside.local, 10.1.2.3; password: S3same!Open"
    await world.junior.made(f"{path}/steps", {"kind": "action", "content": told, "result": "worked"})
    await world.junior.made(f"{path}/resolve", {"summary": "Lakeside Dental prints again with S3same!Open"})

    tree = await world.senior.made(f"{path}/save-as-tree", {"name": "Printer offline at Lakeside Dental"})

    assert ("draft", session["id"], [], world.senior.by) == (tree["state"], tree["from_session_id"], tree["problems"], tree["created_by"])
    assert "Printer offline at [client]" == tree["name"]
    texts = " ".join(node["text"] for node in tree["content"]["nodes"])
    assert "Reset it" in texts
    assert not [one for one in ("Lakeside", "lakeside", "48211", "10.1.2.3", "S3same", "prn02") if one in texts]
    assert 404 == (await world.rival.post(f"{path}/save-as-tree", {"name": "x"})).status_code


@pytest.mark.parametrize(
    ("path", "new"), [("/trees", NEW), ("/script-templates", {"name": "Ping", "content": {"language": "bash", "body": "ping -c 1 a\n"}})]
)
async def test_what_was_put_away_is_copied_and_what_was_never_published_is_not(world: World, path: str, new: dict[str, Any]) -> None:
    one = f"{path}/{(await world.junior.made(path, new))['id']}"

    assert [404, 404, 409] == [(await who.post(f"{one}/copy")).status_code for who in (world.rival, world.viewer, world.junior)]
    await world.admin.made(f"{one}/publish")
    await world.admin.made(f"{one}/archive")

    copy = await world.senior.made(f"{one}/copy")
    assert ("draft", one, 1) == (copy["state"], f"{path}/{copy['copied_from']['id']}", copy["copied_from"]["revision"])
    assert [404, 403] == [(await who.post(f"{one}/copy")).status_code for who in (world.rival, world.viewer)]
    await world.senior.made(f"{path}/{copy['id']}/draft-from-origin")
