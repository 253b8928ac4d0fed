"""The routes there are, from the application's own list, with a thing for each that a path names and a body that is right for each."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from litestar.routes import HTTPRoute

from flowpilot_adapters.system import new_id
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.testing.contracts.knowledge.tree_proposals import a_proposal
from flowpilot_http.negotiation import PAGE
from flowpilot_http.operations import Operation
from flowpilot_http.pages.assets import ASSETS
from flowpilot_http.pages.exploring import NAMED
from flowpilot_http.pages.settings import PLACES
from flowpilot_http.schemas.knowledge.content import ContentIO

from .http import Somebody, World, somebody_of_the_platform
from .pictures import a_picture, send

MISSING = "01998c2e-7a10-7000-8000-000000000001"
"""An id that nothing has."""
OPEN = {
    "/.well-known/security.txt",
    "/docs",
    "/docs/plain",
    "/openapi.json",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/public/templates",
    "/public/templates/categories",
    *(asset.path for asset in ASSETS.values()),
    *(f"/static/{name}" for name in NAMED),
}
"""What nobody needs to sign in for."""
PAGES = {
    ("GET", "/"),
    ("GET", "/queue"),
    ("POST", "/queue"),
    ("GET", "/queue/waiting"),
    ("GET", "/kit"),
    ("POST", "/appearance"),
    ("GET", "/escalations/{handoff_id:str}"),
    ("POST", "/escalations/{handoff_id:str}"),
    ("GET", "/sessions/{session_id:str}"),
    ("POST", "/sessions/{session_id:str}"),
    ("POST", "/sessions/{session_id:str}/pictures"),
    ("GET", "/sessions"),
    ("GET", "/sessions/new"),
    ("POST", "/sessions/new"),
    ("GET", "/work"),
    *(
        (method, f"/maintenance{path}")
        for path in ("", "/new", "/schedules/{schedule_id:str}", "/schedules/{schedule_id:str}/edit")
        for method in ("GET", "POST")
    ),
    ("GET", "/library"),
    ("GET", "/library/proposals"),
    ("GET", "/library/proposals/{proposal_id:str}"),
    ("POST", "/library/proposals/{proposal_id:str}"),
    *(
        (method, path)
        for path in (
            "/library/categories",
            "/library/gallery",
            "/library/trees",
            "/library/trees/{tree_id:str}",
            "/library/trees/{tree_id:str}/edit",
        )
        for method in ("GET", "POST")
    ),
    *((method, f"/library/scripts{path}") for path in ("", "/{template_id:str}", "/{template_id:str}/edit") for method in ("GET", "POST")),
    ("POST", "/library/trees/import"),
    ("GET", "/library/trees/{tree_id:str}/diff"),
    ("GET", "/results"),
    ("GET", "/insights"),
    ("GET", "/settings"),
    *((method, f"/settings/{name}") for name, _, _ in PLACES for method in ("GET", "POST")),
    ("GET", "/brand/{colour:str}"),
    ("GET", "/brand/{account_id:str}/{sha256:str}"),
    ("GET", "/sign-in"),
    ("GET", "/claim/{signed:str}"),
    ("POST", "/claim/{signed:str}"),
    ("GET", "/no-mails/{signed:str}"),
    ("POST", "/no-mails/{signed:str}"),
    ("GET", "/no-weekly-digest/{signed:str}"),
    ("POST", "/no-weekly-digest/{signed:str}"),
    ("GET", "/sign-in/{account_id:str}"),
    ("POST", "/sign-in/{account_id:str}"),
    ("GET", "/sign-in/{account_id:str}/code"),
    ("POST", "/sign-in/{account_id:str}/code"),
    ("GET", "/sign-in/{account_id:str}/with/{provider_id:str}"),
    ("GET", "/sign-in/{account_id:str}/callback"),
    ("GET", "/sign-in-link/{link:str}"),
    ("POST", "/sign-in-link/{link:str}"),
    ("GET", "/signed-in"),
    ("GET", "/signed-out"),
    ("POST", "/sign-out"),
    ("GET", "/invitations/{link:str}"),
    ("POST", "/invitations/{link:str}"),
    ("POST", "/psa-webhooks/{token:str}"),
    ("GET", "/maintenance-schedules/calendar.ics"),
    ("GET", "/public/templates/search"),
    ("GET", "/public/templates/{subject:str}/{subject_id:str}"),
}
"""What browsers are shown, and the forms they send: `test_browsers.py` and `handoffs` have more on these; what PSAs and calendars call.

What of the gallery takes more than its address is there too: `test_gallery.py` has more on it.
"""
TICKET_PATH = "/tickets/{system:str}/{ticket_id:str}"
TICKET = {"system": "memory", "ticket_id": "1001"}
"""What a path names in a PSA, not here: each account has its own by these names."""
NUMBERED = {"number": "1", "subject": "script_template"}
"""What a path names within another thing, or besides its id."""
OF_PLATFORM = "/admin/"
"""What paths begin with that only people of the platform's account know of."""

Route = tuple[str, str, Operation | None]


def routes(world: World) -> Iterator[Route]:
    """All that the application answers at."""
    for route in world.app.app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in sorted(map(str, handler.http_methods)):
                if method != "OPTIONS":
                    yield method, route.path, handler.opt.get("operation")


def routes_of_accounts(world: World) -> list[Route]:
    """Those that are answered for who is signed in."""
    return [(method, path, operation) for method, path, operation in routes(world) if path not in OPEN and (method, path) not in PAGES]


def paths_with_a_page(world: World) -> set[str]:
    """Those of the API from which a browser is led to a page."""
    return {
        route.path
        for route in world.app.app.routes
        if isinstance(route, HTTPRoute) and any(handler.opt.get(PAGE) for handler in route.route_handlers)
    }


async def _hooked(manager: Somebody) -> Mapping[str, str]:
    """A webhook, and a message to it."""
    webhook = await manager.made("/webhooks", {"url": "https://hooks.example/x", "kinds": ["handoff.escalated"], "name": "x"})
    message = await manager.made(f"/webhooks/{webhook['id']}/test")
    return {"webhook_id": webhook["id"], "message_id": message["id"]}


async def _trusted(manager: Somebody) -> Mapping[str, str]:
    """An identity provider of the account."""
    new = {"name": "Login", "issuer": f"https://{new_id()}.example", "client_id": "x"}
    return {"provider_id": (await manager.made("/identity-providers", new))["id"]}


async def _scripted(owner: Somebody, manager: Somebody) -> Mapping[str, str]:
    """A script template that was published, a copy of another one."""
    content = {"language": "bash", "body": "echo {{ x }}", "parameters": [{"name": "x", "label": "X", "type": "text", "required": False}]}
    original = await owner.made("/script-templates", {"name": "x", "content": content})
    await manager.made(f"/script-templates/{original['id']}/publish")
    template = await owner.made(f"/script-templates/{original['id']}/copy")
    await manager.made(f"/script-templates/{template['id']}/publish")
    rating = await owner.made("/ratings", {"subject": "script_template", "subject_id": template["id"], "stars": 5})
    return {"template_id": template["id"], "subject_id": template["id"], "rating_id": rating["id"]}


A_TREE = {
    "root": "end",
    "nodes": [{"id": "end", "kind": "outcome", "text": "It prints", "outcome": "solved"}],
}


A_PLAN: Mapping[str, Any] = {
    "targets": [{"label": "srv-mail-01"}],
    "starts_at": "2099-03-01T22:00:00",
    "time_zone": "Europe/Vienna",
    "duration_minutes": 60,
}
"""When something is looked after, far ahead."""


async def _taught(manager: Somebody) -> Mapping[str, str]:
    """A published tree in a category, copied from another one."""
    category = await manager.made("/tree-categories", {"name": "Printing"})
    new = {"name": "Printer offline", "kind": "troubleshooting", "category_id": category["id"], "content": A_TREE}
    original = await manager.made("/trees", new)
    await manager.made(f"/trees/{original['id']}/publish")
    tree = await manager.made(f"/trees/{original['id']}/copy")
    await manager.made(f"/trees/{tree['id']}/publish")
    return {"category_id": category["id"], "tree_id": tree["id"]}


async def _maintained(manager: Somebody, assignee: Somebody) -> Mapping[str, str]:
    """A maintenance schedule that was started once."""
    new = {**A_PLAN, "name": "Patch night", "assignee_id": assignee.id}
    schedule = await manager.made("/maintenance-schedules", new)
    run = await manager.made(f"/maintenance-schedules/{schedule['id']}/run-now")
    return {"schedule_id": schedule["id"], "run_id": run["id"]}


async def things_of(owner: Somebody, colleague: Somebody, manager: Somebody) -> Mapping[str, str]:
    """One of each thing that a path can name."""
    session = await owner.session()
    step = await owner.made(f"/ai-sessions/{session['id']}/steps", {"kind": "note", "content": "x"})
    picture = await send(owner, f"/ai-sessions/{session['id']}/steps/{step['id']}/pictures", a_picture())
    output = await _documented(owner, session["id"])
    suggestion = await owner.made(f"/ai-sessions/{session['id']}/suggestions")
    handoff = await owner.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck"})
    deliveries = await colleague.seen(f"/handoffs/{handoff['id']}/deliveries")
    return {
        "session_id": session["id"],
        "step_id": step["id"],
        "picture_id": picture.json()["id"],
        "branch_id": session["active_branch_id"],
        "handoff_id": handoff["id"],
        "delivery_id": deliveries["items"][0]["id"],
        "user_id": owner.id,
        "team_id": (await owner.seen("/teams"))["items"][0]["id"],
        "assessment_id": handoff["assessment"]["id"],
        **await _hooked(manager),
        **await _scripted(owner, manager),
        "token_id": (await owner.made("/tokens", {"name": "x"}))["id"],
        "output_id": output["id"],
        **await _trusted(manager),
        "suggestion_id": suggestion["id"],
        **await _taught(manager),
        **await _proposed(owner),
        **await _posted(owner, manager),
        **await _branded(manager),
        **await _maintained(manager, owner),
    }


async def _proposed(owner: Somebody) -> Mapping[str, str]:
    """A tree that a resolved session taught: the relay proposes it, and no request does."""
    session = await owner.session()
    await owner.made(f"/ai-sessions/{session['id']}/resolve", {"summary": "Rebooted it"})
    proposal = a_proposal(SessionId(UUID(session["id"])))
    async with owner.begin(owner.account_id) as work:
        await work.tree_proposals.add(proposal, [proposal.session_id])
        await work.commit()
    return {"proposal_id": str(proposal.id)}


async def listed_in_gallery(world: World) -> Mapping[str, str]:
    """A tree of the platform's that the gallery lists: everybody's to see."""
    pia = await somebody_of_the_platform(world, Role.OWNER)
    tree = await pia.made("/trees", {"name": "Printer offline", "kind": "troubleshooting", "content": A_TREE})
    await pia.made(f"/trees/{tree['id']}/publish")
    listed = await pia.client.put(f"/admin/gallery/tree/{tree['id']}", json={"listed": True})
    assert 200 == listed.status_code, listed.text
    return {"subject": "tree", "subject_id": tree["id"]}


async def _branded(manager: Somebody) -> Mapping[str, str]:
    """A logo, which no path names."""
    assert (await send(manager, "/branding/logo", a_picture(), method="PUT")).status_code == 200
    return {}


async def _documented(owner: Somebody, session_id: str) -> Mapping[str, str]:
    """An output of a session that was resolved, and is active again."""
    await owner.made(f"/ai-sessions/{session_id}/resolve", {"summary": "Rebooted it"})
    output: Mapping[str, str] = await owner.made(f"/ai-sessions/{session_id}/outputs", {"kind": "psa_note"})
    await owner.made(f"/ai-sessions/{session_id}/reopen", {"reason": "Again"})
    return output


async def _posted(owner: Somebody, manager: Somebody) -> Mapping[str, str]:
    """The account's connection to its PSA, and a post over it."""
    new = {"system": "memory", "name": "Desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
    made = await manager.post("/psa-connections", new)
    assert made.status_code in (201, 409), made.text
    await owner.escalation_of(ticket={"system": "memory", "id": "1001"})
    (connection,) = (await manager.seen("/psa-connections"))["items"]
    post = (await manager.seen("/psa-posts"))["items"][0]
    return {"connection_id": connection["id"], "post_id": post["id"]}


def filled(path: str, things: Mapping[str, str]) -> str:
    """A path with the ids of `things` in it."""
    return re.sub(r"{(\w+):str}", lambda named: {**TICKET, **NUMBERED, **things}[named[1]], path)


def a_body(operation: Operation | None, things: Mapping[str, str]) -> dict[str, Any]:
    """A body that is right for an operation, whose ids are those of `things`."""
    known = {
        **things,
        "at_step_id": things["step_id"],
        "user_id": MISSING,
        "email": "somebody@example.test",
        "role": "viewer",
        "options": [{"label": "a", "hypothesis": "b"}] * 2,
        "kind": "note",
        "intent": "escalate",
        "outcome": "solved",
        "result": "worked",
        "rating": 1,
        "url": "https://hooks.example/x",
        "kinds": ["handoff.escalated"],
        "system": "memory",
        "base_url": "https://psa.example",
        "credentials": {"key": "good"},
        "issuer": "https://login.example",
        "subject": things.get("subject", NUMBERED["subject"]),
        "colour": "#2563eb",
        "stars": 5,
        "wanted": True,
        "assignee_id": things["user_id"],
        **A_PLAN,
    }
    assert operation is not None
    if operation.body is None:
        return {}
    return {field.name: _fitting(known.get(field.name), field.type) for field in msgspec.structs.fields(operation.body) if field.required}


def _fitting(known: Any, kind: Any) -> Any:
    """What is known of a field, if it may be said there."""
    if kind is ContentIO:
        return A_TREE
    listed = isinstance(kind, type) and issubclass(kind, StrEnum)
    return _any(kind) if known is None or (listed and known not in set(kind)) else known


def _any(kind: Any) -> Any:
    """Some value of a field: of those that are listed the first, of what has fields those that it must have, else any text."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.name: _any(field.type) for field in msgspec.structs.fields(kind) if field.required}
    return str(next(iter(kind))) if isinstance(kind, type) and issubclass(kind, StrEnum) else "x"


FILES = {("POST", "pictures"), ("PUT", "logo")}
"""What takes a file, by the ends of their paths."""


async def asked(who: Somebody, method: str, path: str, body: dict[str, Any], **headers: str) -> Any:
    """The answer to a request of somebody's; where a file is taken and nothing is to be said, a picture is sent."""
    if not body and (method, path.partition("?")[0].rpartition("/")[2]) in FILES:
        return await send(who, path, a_picture(), method=method, **headers)
    raw = b"" if method == "GET" else msgspec.json.encode(body)
    return await who.send(method, path, raw, **headers)
