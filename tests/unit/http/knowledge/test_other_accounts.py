"""Ids of another account in bodies, queries and files: whoever names one is answered as if it never was."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
import yaml

from tests.support.http import Somebody, World
from tests.support.routes import A_PLAN, A_TREE, MISSING, filled, things_of

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
