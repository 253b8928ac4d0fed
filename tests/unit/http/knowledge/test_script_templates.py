"""Script templates over HTTP: written, published, and rendered."""

import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
Json = dict[str, Any]

PARAMETERS = [
    {"name": "host", "label": "Host", "type": "text", "required": True, "pattern": "[a-z.]+"},
    {"name": "count", "label": "How often", "type": "integer", "required": False, "default": 3, "min": 1, "max": 9},
    {"name": "password", "label": "Password", "type": "secret", "required": True},
]
CONTENT: Json = {
    "language": "bash",
    "body": "#!/bin/bash\necho {{ count }} {{ host }} {{ password }}\n",
    "parameters": PARAMETERS,
    "platforms": ["linux"],
    "run_as": "user",
    "timeout_seconds": 60,
}


async def a_template(by: Somebody, **content: Any) -> Json:
    return dict(await by.made("/script-templates", {"name": "Ping", "content": {**CONTENT, **content}}))


async def put(by: Somebody, path: str, content: Json) -> httpx.Response:
    return await by.send("PUT", path, json.dumps({"content": content}).encode())


async def a_published(world: World, **content: Any) -> Json:
    template = await a_template(world.junior, **content)
    return dict(await world.admin.made(f"/script-templates/{template['id']}/publish", {"note": "Checked"}))


async def test_a_script_is_written_published_and_rendered(world: World) -> None:
    draft = await a_template(world.junior)
    assert ("draft", None, True, CONTENT, []) == (
        draft["state"],
        draft["revision"],
        draft["has_draft"],
        {**draft["content"], "parameters": PARAMETERS},
        draft["problems"],
    )

    published = await world.admin.made(f"/script-templates/{draft['id']}/publish", {"note": "Checked"})
    assert ("published", 1, False) == (published["state"], published["revision"], published["has_draft"])

    rendered = await world.senior.made(f"/script-templates/{draft['id']}/render", {"parameters": {"host": "mail.example"}})
    assert rendered["text"].startswith("#!/bin/bash\necho 3 'mail.example' \"$(IFS= read -rs -p 'Password: ' ")
    assert hashlib.sha256(rendered["text"].encode()).hexdigest() == rendered["sha256"]
    assert ["password"] == rendered["asks"]


async def test_each_value_that_does_not_fit_has_a_pointer(world: World) -> None:
    template = await a_published(world)

    refused = await world.junior.post(
        f"/script-templates/{template['id']}/render", body={"parameters": {"host": "X", "count": 10, "password": "x", "other": 1}}
    )

    assert (422, "validation_failed") == (refused.status_code, refused.json()["code"])
    assert [f"/parameters/{name}" for name in ("host", "count", "password", "other")] == [
        one["pointer"] for one in refused.json()["errors"]
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('echo "{{ host }}"', "placeholder_in_text"),
        ("{{ host }} --help", "placeholder_as_command"),
        ("echo {{ other }}", "unknown_parameter"),
        ("if true; then", "invalid_script"),
    ],
)
async def test_a_script_with_problems_is_kept_and_neither_published_nor_rendered(world: World, body: str, code: str) -> None:
    """A62: nothing is made of a script that a value could leave its place in."""
    template = await a_template(world.junior, body=body)
    assert [code] == [one["code"] for one in template["problems"]]

    published = await world.admin.post(f"/script-templates/{template['id']}/publish", body={})
    rendered = await world.junior.post(f"/script-templates/{template['id']}/render", body={"parameters": {"host": "a"}})

    for refused in (published, rendered):
        assert (422, "invalid_script", [(code, "/content/body")]) == (
            refused.status_code,
            refused.json()["code"],
            [(one["code"], one["pointer"]) for one in refused.json()["errors"]],
        )


async def test_a_draft_is_its_authors_and_who_publishes(world: World) -> None:
    template = await a_template(world.junior)
    path = f"/script-templates/{template['id']}"

    assert [200, 200, 404, 404, 404] == [
        (await somebody.get(path)).status_code for somebody in (world.junior, world.owner, world.senior, world.viewer, world.rival)
    ]
    assert [403, 404, 403] == [
        (await somebody.post(f"{path}/publish", body={})).status_code for somebody in (world.junior, world.rival_owner, world.junior)
    ]


async def test_the_draft_of_a_published_one_belongs_to_who_began_it(world: World) -> None:
    template = await a_published(world)
    path = f"/script-templates/{template['id']}/content"
    await put(world.junior, path, {**CONTENT, "body": "echo 1\n"})

    taken = await put(world.senior, path, CONTENT)
    assert (409, "draft_taken", world.junior.id) == (taken.status_code, taken.json()["code"], taken.json()["by"]["id"])
    assert 409 == (await put(world.admin, path, CONTENT)).status_code
    assert 200 == (await put(world.admin, f"{path}?take_over=true", CONTENT)).status_code

    seen = await world.senior.seen(f"/script-templates/{template['id']}")
    assert (template["content"], False) == (seen["content"], seen["has_draft"])
    drafts = {who: (await who.seen("/script-templates"))["items"][0]["has_draft"] for who in (world.admin, world.junior, world.viewer)}
    assert [True, False, False] == list(drafts.values())


async def test_a_script_becomes_a_step_that_says_what_it_was_given(world: World) -> None:
    template = await a_published(world)
    session = await world.junior.session()

    taken = await world.junior.made(
        f"/ai-sessions/{session['id']}/scripts", {"template_id": template["id"], "parameters": {"host": "mail.example"}}
    )

    script = {
        "template_id": template["id"],
        "revision": 1,
        "parameters": {"host": "mail.example", "count": 3},
        "sha256": taken["sha256"],
    }
    assert ("script", "Ping", None, script) == tuple(taken["step"][name] for name in ("kind", "content", "result", "script"))
    detail = await world.junior.seen(f"/ai-sessions/{session['id']}")
    assert [script] == [step["script"] for step in detail["steps"]]
    assert 1 == (await world.junior.seen(f"/script-templates/{template['id']}"))["uses"]


async def test_a_copy_is_a_draft_that_knows_where_it_came_from(world: World) -> None:
    template = await a_published(world)

    copy = await world.senior.made(f"/script-templates/{template['id']}/copy")
    await put(world.admin, f"/script-templates/{template['id']}/content", CONTENT)
    await world.admin.made(f"/script-templates/{template['id']}/publish")

    copied = {"id": template["id"], "revision": 1, "newest_revision": 2}
    assert ("draft", copied) == (copy["state"], (await world.senior.seen(f"/script-templates/{copy['id']}"))["copied_from"])


async def test_an_archived_one_is_not_rendered(world: World) -> None:
    template = await a_published(world)
    path = f"/script-templates/{template['id']}"
    await world.admin.made(f"{path}/archive")

    refused = await world.junior.post(f"{path}/render", body={"parameters": {"host": "a"}})
    assert (409, "invalid_transition") == (refused.status_code, refused.json()["code"])
    await world.admin.made(f"{path}/restore")
    assert 200 == (await world.junior.post(f"{path}/render", body={"parameters": {"host": "a"}})).status_code
    assert 409 == (await world.admin.send("DELETE", path, b"")).status_code


async def test_revisions_stay_as_they_were_published(world: World) -> None:
    template = await a_published(world)
    path = f"/script-templates/{template['id']}"
    await put(world.admin, f"{path}/content", {**CONTENT, "body": "echo 1\n"})
    await world.admin.made(f"{path}/publish")

    revisions = (await world.viewer.seen(f"{path}/revisions"))["items"]
    assert [(2, None, "echo 1\n"), (1, "Checked", CONTENT["body"])] == [
        (one["number"], one["note"], one["content"]["body"]) for one in revisions
    ]
    assert revisions[1] == await world.viewer.seen(f"{path}/revisions/1")
    assert 404 == (await world.viewer.get(f"{path}/revisions/3")).status_code


async def test_parameters_are_found_in_a_script_that_somebody_pastes(world: World) -> None:
    body = "param([Parameter(Mandatory)][string]$ComputerName, [ValidateSet('a','b')]$Mode = 'a')"
    found = await world.junior.made("/script-templates/detect", {"language": "powershell", "body": body})

    assert [("ComputerName", "text", True, None), ("Mode", "choice", False, "a")] == [
        (one["name"], one["type"], one["required"], one.get("default")) for one in found["parameters"]
    ]


async def test_a_viewer_renders_and_writes_nothing(world: World) -> None:
    template = await a_published(world)

    for path, body in (
        ("/script-templates", {"name": "x", "content": CONTENT}),
        (f"/script-templates/{template['id']}/render", {"parameters": {"host": "a"}}),
        ("/script-templates/detect", {"language": "bash", "body": "echo $1"}),
        (f"/script-templates/{template['id']}/copy", {}),
    ):
        refused = await world.viewer.post(path, body=body)
        assert (403, "role_forbidden") == (refused.status_code, refused.json()["code"])


async def test_what_is_no_script_template_is_not_kept(world: World) -> None:
    for content, pointer in (
        ({"parameters": [{**PARAMETERS[0], "pattern": "(a"}]}, "/content/parameters/0/pattern"),
        ({"parameters": [PARAMETERS[0], PARAMETERS[0]]}, "/content/parameters/1/name"),
        ({"parameters": [{**PARAMETERS[2], "default": "x"}]}, "/content/parameters/0/default"),
        ({"timeout_seconds": 0}, "/content/timeout_seconds"),
    ):
        refused = await world.junior.post("/script-templates", body={"name": "x", "content": {**CONTENT, **content}})
        assert (422, [pointer]) == (refused.status_code, [one["pointer"] for one in refused.json()["errors"]])
