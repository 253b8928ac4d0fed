"""Ids of another account in bodies, queries and files: whoever names one is answered as if it never was."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
import yaml

from tests.support.http import Somebody, World
from tests.support.routes import A_PLAN, A_TREE, MISSING, filled, things_of
from tests.unit.http.knowledge.test_library_pages import Reader

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

READ = ("trees", "script-templates", "tree-categories", "maintenance-schedules", "tree-proposals", "branding")
NAMING = {
    *(("POST", f"/{path}") for path in ("script-templates", "tree-categories", "ratings", "maintenance-schedules")),
    *(("POST", f"/ai-sessions/id/{path}") for path in ("scripts", "walk/leave", "save-as-tree")),
    *(("PATCH", f"/{path}/id") for path in ("trees", "script-templates", "tree-categories", "maintenance-schedules")),
    ("DELETE", "/tree-categories/id?move_to=id"),
}
"""What can do nothing but with what is named."""
WRITTEN = {
    "name": "Patch night",
    "targets": "srv-mail-01",
    "starts_at": "2099-03-01T22:00",
    "time_zone": "Europe/Vienna",
    "minutes": "60",
    "active": "1",
}
_NEW = re.compile(r'(?<=name="once" value=")[^"]*|(?<=name="csrf_token" value=")[^"]*|(?<=nonce=")[^"]*')
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Json = dict[str, Any]
Asked = tuple[str, str, Json | bytes]
SUBJECTS = (("tree", "tree_id"), ("script_template", "template_id"))
PLAN = {**A_PLAN, "name": "Patch night"}


def asking(own: Mapping[str, str], other: Callable[[str], str]) -> list[Asked]:
    """All that takes an id which is not in its path, with `other`'s in it, on things of one's own."""
    tree, script = "/trees/{tree_id:str}", "/script-templates/{template_id:str}"
    session, schedule = "/ai-sessions/{session_id:str}", "/maintenance-schedules/{schedule_id:str}"
    category, written = other("category_id"), {"language": "bash", "body": "uptime"}
    leading = {
        "root": "run",
        "nodes": [
            {"id": "run", "kind": "script", "text": "Run it", "script": {"id": other("template_id")}, "next": "end"},
            A_TREE["nodes"][0],
        ],
    }
    file = {"name": "x", "kind": "troubleshooting", "content": leading}
    kind = {"kind": "troubleshooting"}
    asked: list[Asked] = [
        ("POST", "/trees", {"name": "x", **kind, "category_id": category}),
        ("POST", "/trees", file),
        ("POST", "/trees/import", file),
        ("POST", "/trees/import", yaml.safe_dump(file).encode()),
        ("PATCH", tree, {"category_id": category}),
        ("PUT", f"{tree}/content", {"content": leading}),
        ("POST", f"{tree}/publish", {}),
        ("GET", f"/trees?category_id={category}", {}),
        ("POST", "/script-templates", {"name": "x", "content": written, "category_id": category}),
        ("PATCH", script, {"category_id": category}),
        ("GET", f"/script-templates?category_id={category}", {}),
        ("POST", "/ai-sessions", {"title": "x", "problem": "x", "tree_id": other("tree_id")}),
        ("POST", f"{session}/walk", {"tree_id": other("tree_id")}),
        ("POST", f"{session}/scripts", {"template_id": other("template_id"), "parameters": {}}),
        ("POST", f"{session}/scripts", {"template_id": own["template_id"], "parameters": {}, "branch_id": other("branch_id")}),
        ("POST", f"{session}/walk", {"tree_id": own["tree_id"]}),
        ("POST", f"{session}/walk/steps", {"node_id": "end", "branch_id": other("branch_id")}),
        ("POST", f"{session}/walk/leave", {"branch_id": other("branch_id")}),
        ("POST", f"{session}/resolve", {"summary": "x"}),
        ("POST", f"{session}/save-as-tree", {"name": "x", "category_id": category}),
        ("POST", "/tree-categories", {"name": "x", "parent_id": category}),
        ("PATCH", "/tree-categories/{category_id:str}", {"parent_id": category}),
        ("DELETE", f"/tree-categories/{{category_id:str}}?move_to={category}", {}),
        *(("POST", "/ratings", {"subject": subject, "subject_id": other(of), "stars": 1}) for subject, of in SUBJECTS),
        *(("GET", f"/ratings?subject={subject}&subject_id={other(of)}", {}) for subject, of in SUBJECTS),
        *(("GET", f"/gallery/{subject}/{other(of)}", {}) for subject, of in SUBJECTS),
        *(("POST", f"/gallery/{subject}/{other(of)}/copy", {}) for subject, of in SUBJECTS),
        *(("PUT", f"/admin/gallery/{subject}/{other(of)}", {"listed": True}) for subject, of in SUBJECTS),
        ("GET", f"/gallery?category_id={category}", {}),
        *(("GET", f"/search?q={other(of)}", {}) for of in ("tree_id", "template_id", "schedule_id", "proposal_id")),
        ("POST", "/maintenance-schedules", {**PLAN, "assignee_id": other("user_id")}),
        ("POST", "/maintenance-schedules", {**PLAN, "assignee_id": own["user_id"], "tree_id": other("tree_id")}),
        ("PATCH", schedule, {"assignee_id": other("user_id")}),
        ("PATCH", schedule, {"tree_id": other("tree_id")}),
    ]
    return [(method, filled(path, own), body) for method, path, body in asked]


async def told(who: Somebody, others: Mapping[str, str]) -> list[tuple[str, str, int, str]]:
    """What each is answered, with one word in place of every id."""
    things = await things_of(who, who, who)
    session = await who.session()
    own = {**things, "session_id": session["id"], "branch_id": session["active_branch_id"]}
    answers = []
    for method, path, body in asking(own, others.__getitem__):
        if isinstance(body, bytes):
            answer = await who.send(method, path, body, content_type="application/yaml")
        else:
            answer = await who.send(method, path, b"" if method == "GET" else msgspec.json.encode(body))
        answers.append((method, path, answer.status_code, answer.text))
    return [(method, _ID.sub("id", path), status, _ID.sub("id", text)) for method, path, status, text in answers]


async def test_an_id_of_another_account_is_unknown_in_a_body_a_query_and_a_file(world: World) -> None:
    """A28: of what it published, and of a draft that it keeps to itself."""
    theirs = await things_of(world.junior, world.senior, world.owner)
    draft = await world.junior.made("/trees", {"name": "Of ours alone", "kind": "troubleshooting"})
    before = [await world.owner.seen(f"/{path}") for path in READ]

    nobodys = await told(world.rival_owner, dict.fromkeys(theirs, MISSING))

    for others in (theirs, {**theirs, "tree_id": draft["id"]}):
        assert nobodys == await told(world.rival_owner, others)
    assert {404} == {status for method, path, status, _ in nobodys if (method, path) in NAMING}
    assert before == [await world.owner.seen(f"/{path}") for path in READ]


FORMS = (
    ("/library/trees?do=new", "new", {"name": "x", "kind": "troubleshooting", "category": "category_id"}),
    ("/library/trees", "save-as-tree", {"name": "x", "session": "session_id"}),
    ("/library/scripts?do=new", "new", {"name": "x", "category": "category_id"}),
    ("/library/categories", "make", {"name": "x", "parent": "category_id"}),
    ("/library/categories", "change", {"name": "x", "category": "category_id"}),
    ("/library/categories", "remove", {"category": "category_id"}),
    ("/library/gallery", "copy", {"kind": "tree", "id": "tree_id"}),
    ("/library/gallery", "copy", {"kind": "script_template", "id": "template_id"}),
    ("/library/trees/{tree_id:str}", "rename", {"name": "x", "category": "category_id"}),
    ("/library/trees/{tree_id:str}", "unrate", {"rating": "rating_id"}),
    ("/library/scripts/{template_id:str}", "rename", {"name": "x", "category": "category_id"}),
    ("/library/scripts/{template_id:str}", "unrate", {"rating": "rating_id"}),
    ("/maintenance/new", "save", {"tree": "tree_id"}),
    ("/maintenance/new", "save", {"assignee": "user_id"}),
)
"""A page, a button of it, and what is sent along: of what names an id, whose."""
PAGES = (
    "/library/trees?category={category_id:str}",
    "/library/scripts?category={category_id:str}",
    "/library/gallery?category={category_id:str}",
    "/library/trees?sort=rating&after={tree_id:str}",
    "/library/proposals?after={proposal_id:str}",
    "/library/proposals/{proposal_id:str}",
    "/library/trees/{tree_id:str}",
    "/library/trees/{tree_id:str}/edit",
    "/library/trees/{tree_id:str}/diff",
    "/library/scripts/{template_id:str}",
    "/library/scripts/{template_id:str}/edit",
    "/library/scripts?session={session_id:str}",
    "/maintenance/schedules/{schedule_id:str}",
    "/maintenance/schedules/{schedule_id:str}/edit",
    "/maintenance?after={schedule_id:str}",
    "/sessions/new?tree={tree_id:str}",
)


async def shown(reader: Reader, own: Mapping[str, str], others: Mapping[str, str]) -> list[tuple[str, str, int, str]]:
    """What each page and form is answered, with one word in place of every id and of what is new each time."""
    seen = []
    for path in PAGES:
        seen.append((path, "", await reader.opens(filled(path, others))))
    for path, move, fields in FORMS:
        await reader.opens(filled(path, own))
        sent = {name: others.get(value, value) for name, value in fields.items()}
        seen.append(
            (path, move, await reader.does(move, **(WRITTEN | {"assignee": own["user_id"]} | sent if path == "/maintenance/new" else sent)))
        )
    return [(path, move, page.status_code, _ID.sub("id", _NEW.sub("new", page.text))) for path, move, page in seen]


async def test_an_id_of_another_account_is_unknown_on_pages_and_in_forms(world: World) -> None:
    """A28: what is shown is the same, and so is where a list goes on after it."""
    theirs = await things_of(world.junior, world.senior, world.owner)
    own = await things_of(world.rival, world.rival_owner, world.rival_owner)
    reader = await Reader.of(world, world.rival_owner)

    nobodys = await shown(reader, own, {name: f"{id[:-1]}{'0' if id[-1] != '0' else '1'}" for name, id in theirs.items()})

    assert nobodys == await shown(reader, own, theirs)
    assert [] == [one[:3] for one in nobodys if one[2] != 404 and (one[1] or "{" in one[0].partition("?")[0])]
