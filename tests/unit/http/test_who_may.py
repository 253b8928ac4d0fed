"""Who may call which route: one decision for each route there is, tried by everybody, signed out and from another account too."""

from collections.abc import Mapping
from typing import Final

import pytest
from attrs import frozen

from flowpilot_adapters.system import new_id
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_http.operations import Operation
from tests.support.http import Somebody, World
from tests.support.routes import (
    NUMBERED,
    OPEN,
    TICKET_PATH,
    a_body,
    asked,
    filled,
    listed_in_gallery,
    routes,
    routes_of_accounts,
    things_of,
)

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

SESSION, HANDOFF = "/ai-sessions/{session_id:str}", "/handoffs/{handoff_id:str}"
OUTPUTS = f"{SESSION}/outputs"
OUTPUT = f"{OUTPUTS}/{{output_id:str}}"
SCRIPT = "/script-templates/{template_id:str}"
WEBHOOK = "/webhooks/{webhook_id:str}"
PROVIDER = "/identity-providers/{provider_id:str}"
CONNECTION = "/psa-connections/{connection_id:str}"
GALLERY = "/gallery/{subject:str}/{subject_id:str}"
SCHEDULE = "/maintenance-schedules/{schedule_id:str}"
TREE, CATEGORY = "/trees/{tree_id:str}", "/tree-categories/{category_id:str}"
PROPOSAL = "/tree-proposals/{proposal_id:str}"
USER, TEAM = "/users/{user_id:str}", "/teams/{team_id:str}"
EVERYBODY: Final = "owner admin assignee colleague viewer"
ENGINEERS: Final = "owner admin assignee colleague"
MANAGERS: Final = "owner admin"
OWNER: Final = "owner"


@frozen
class Who:
    """Who of the account may, the rest being refused; for everybody else it does not exist."""

    may: str
    given: str = ""
    """What has happened before: `claimed` (the colleague has claimed it), `helped` (the colleague has joined).

    `shown`: the gallery lists it.
    """
    query: str = ""
    """What a read has to say, ids by their names: `session_id`; another name is a number's."""
    hidden: bool = False
    """Whether it is private: to whoever may not, it does not exist."""
    anew: bool = False
    """Whether it is gone once somebody did it, so that each gets one of their own."""


WHO: Final[Mapping[tuple[str, str], Who]] = {
    ("GET", "/ai-sessions"): Who(EVERYBODY),
    ("POST", "/ai-sessions"): Who(ENGINEERS),
    ("GET", SESSION): Who(EVERYBODY),
    ("GET", f"{SESSION}/timeline"): Who(EVERYBODY),
    ("POST", f"{SESSION}/steps"): Who("assignee"),
    ("PATCH", f"{SESSION}/steps/{{step_id:str}}"): Who("assignee"),
    ("POST", f"{SESSION}/steps/{{step_id:str}}/feedback"): Who(ENGINEERS),
    ("POST", f"{SESSION}/steps/{{step_id:str}}/pictures"): Who("assignee"),
    ("GET", f"{SESSION}/steps/{{step_id:str}}/pictures/{{picture_id:str}}"): Who(EVERYBODY),
    ("GET", f"{SESSION}/suggestions"): Who(EVERYBODY),
    ("POST", f"{SESSION}/suggestions"): Who("assignee"),
    ("POST", f"{SESSION}/suggestions/{{suggestion_id:str}}/decision"): Who("assignee"),
    ("POST", f"{SESSION}/scripts"): Who("assignee"),
    ("GET", OUTPUTS): Who(EVERYBODY),
    ("POST", OUTPUTS): Who(ENGINEERS),
    ("GET", OUTPUT): Who(EVERYBODY),
    ("PATCH", OUTPUT): Who(ENGINEERS),
    ("POST", f"{OUTPUT}/approve"): Who(ENGINEERS),
    ("POST", f"{OUTPUT}/post"): Who(ENGINEERS),
    ("GET", f"{OUTPUT}/export"): Who(EVERYBODY),
    ("POST", f"{SESSION}/forks"): Who("assignee"),
    ("POST", f"{SESSION}/active-branch"): Who("assignee"),
    ("POST", f"{SESSION}/branches/{{branch_id:str}}/close"): Who("assignee"),
    ("POST", f"{SESSION}/handoff"): Who("assignee"),
    ("POST", f"{SESSION}/resume"): Who("assignee"),
    ("POST", f"{SESSION}/reassign"): Who("owner admin assignee"),
    ("POST", f"{SESSION}/join"): Who(ENGINEERS),
    ("POST", f"{SESSION}/leave"): Who("colleague", given="helped"),
    ("POST", f"{SESSION}/resolve"): Who("assignee"),
    ("POST", f"{SESSION}/reopen"): Who(ENGINEERS),
    ("POST", f"{SESSION}/abandon"): Who("assignee"),
    ("GET", "/handoffs/queue"): Who(EVERYBODY),
    ("GET", HANDOFF): Who(EVERYBODY),
    ("GET", f"{HANDOFF}/snapshot"): Who(EVERYBODY),
    ("GET", f"{HANDOFF}/pictures/{{picture_id:str}}"): Who(EVERYBODY),
    ("GET", f"{HANDOFF}/changes"): Who(EVERYBODY),
    ("GET", f"{HANDOFF}/deliveries"): Who(EVERYBODY),
    ("POST", f"{HANDOFF}/claim"): Who(ENGINEERS),
    ("POST", f"{HANDOFF}/unclaim"): Who("colleague", given="claimed"),
    ("POST", f"{HANDOFF}/reroute"): Who(ENGINEERS),
    ("POST", f"{HANDOFF}/withdraw"): Who("owner admin assignee"),
    ("POST", f"{HANDOFF}/seen"): Who(EVERYBODY),
    ("POST", f"{HANDOFF}/verdict"): Who("colleague", given="claimed"),
    ("POST", f"{HANDOFF}/deliveries/{{delivery_id:str}}/retry"): Who(MANAGERS),
    ("GET", f"{HANDOFF}/assessments"): Who(EVERYBODY),
    ("POST", f"{HANDOFF}/assessments"): Who(ENGINEERS),
    ("POST", f"{HANDOFF}/assessments/{{assessment_id:str}}/feedback"): Who(ENGINEERS),
    ("GET", "/events"): Who(EVERYBODY),
    ("GET", "/escalation-policy"): Who(MANAGERS),
    ("PUT", "/escalation-policy"): Who(MANAGERS),
    ("POST", "/escalation-policy/preview"): Who(MANAGERS),
    ("GET", "/handoffs/preview"): Who(ENGINEERS, query="session_id"),
    ("GET", "/notification-preferences"): Who(EVERYBODY),
    ("PUT", "/notification-preferences"): Who(EVERYBODY),
    ("GET", "/weekly-digest"): Who(MANAGERS),
    ("PUT", "/weekly-digest"): Who(MANAGERS),
    ("GET", "/branding"): Who(EVERYBODY),
    ("PUT", "/branding"): Who(MANAGERS),
    ("GET", "/branding/logo"): Who(EVERYBODY),
    ("PUT", "/branding/logo"): Who(MANAGERS),
    ("DELETE", "/branding/logo"): Who(MANAGERS, anew=True),
    ("GET", "/psa-connections"): Who(MANAGERS),
    ("POST", "/psa-connections"): Who(MANAGERS),
    ("GET", CONNECTION): Who(MANAGERS),
    ("PATCH", CONNECTION): Who(MANAGERS),
    ("DELETE", CONNECTION): Who(MANAGERS, anew=True),
    ("POST", f"{CONNECTION}/test"): Who(MANAGERS),
    ("POST", f"{CONNECTION}/preview"): Who(MANAGERS),
    ("POST", f"{CONNECTION}/webhook"): Who(MANAGERS),
    ("DELETE", f"{CONNECTION}/webhook"): Who(MANAGERS),
    ("GET", "/psa-posts"): Who(MANAGERS),
    ("POST", "/psa-posts/{post_id:str}/retry"): Who(MANAGERS),
    ("GET", TICKET_PATH): Who(EVERYBODY),
    ("POST", "/identity-providers"): Who(OWNER),
    ("GET", "/identity-providers"): Who(MANAGERS),
    ("PATCH", PROVIDER): Who(OWNER),
    ("DELETE", PROVIDER): Who(OWNER, anew=True),
    ("POST", "/webhooks"): Who(MANAGERS),
    ("GET", "/webhooks"): Who(MANAGERS),
    ("PATCH", WEBHOOK): Who(MANAGERS),
    ("DELETE", WEBHOOK): Who(MANAGERS, anew=True),
    ("POST", f"{WEBHOOK}/secret"): Who(MANAGERS),
    ("POST", f"{WEBHOOK}/test"): Who(MANAGERS),
    ("GET", f"{WEBHOOK}/deliveries"): Who(MANAGERS),
    ("POST", f"{WEBHOOK}/deliveries/{{message_id:str}}/replay"): Who(MANAGERS),
    ("POST", "/ratings"): Who(ENGINEERS),
    ("GET", "/ratings"): Who(EVERYBODY, query="subject=script_template&subject_id"),
    ("DELETE", "/ratings/{rating_id:str}"): Who("assignee", hidden=True, anew=True),
    ("GET", "/gallery"): Who(EVERYBODY),
    ("GET", GALLERY): Who(EVERYBODY, given="shown"),
    ("POST", f"{GALLERY}/copy"): Who(ENGINEERS, given="shown"),
    ("GET", "/admin/gallery"): Who("", hidden=True),
    ("PUT", f"/admin{GALLERY}"): Who("", hidden=True, given="shown"),
    ("GET", "/script-templates"): Who(EVERYBODY),
    ("POST", "/script-templates"): Who(ENGINEERS),
    ("POST", "/script-templates/detect"): Who(ENGINEERS),
    ("GET", SCRIPT): Who(EVERYBODY),
    ("PATCH", SCRIPT): Who(ENGINEERS),
    ("DELETE", SCRIPT): Who(ENGINEERS),
    ("PUT", f"{SCRIPT}/content"): Who(ENGINEERS),
    ("POST", f"{SCRIPT}/publish"): Who(MANAGERS),
    ("POST", f"{SCRIPT}/archive"): Who(MANAGERS),
    ("POST", f"{SCRIPT}/restore"): Who(MANAGERS),
    ("POST", f"{SCRIPT}/copy"): Who(ENGINEERS),
    ("POST", f"{SCRIPT}/draft-from-origin"): Who(ENGINEERS),
    ("POST", f"{SCRIPT}/render"): Who(ENGINEERS),
    ("GET", f"{SCRIPT}/revisions"): Who(EVERYBODY),
    ("GET", f"{SCRIPT}/revisions/{{number:str}}"): Who(EVERYBODY),
    ("GET", f"{SESSION}/trees"): Who(EVERYBODY),
    ("POST", f"{SESSION}/save-as-tree"): Who(ENGINEERS),
    ("GET", f"{SESSION}/walk"): Who(EVERYBODY, given="walked"),
    ("POST", f"{SESSION}/walk"): Who("assignee"),
    ("POST", f"{SESSION}/walk/steps"): Who("assignee", given="walked"),
    ("POST", f"{SESSION}/walk/leave"): Who("assignee", given="walked"),
    ("GET", "/search"): Who(EVERYBODY, query="q"),
    ("GET", "/analytics/assistant"): Who(EVERYBODY),
    ("GET", "/analytics/deliveries"): Who(EVERYBODY),
    ("GET", "/analytics/escalations"): Who(EVERYBODY),
    ("GET", "/analytics/knowledge"): Who(EVERYBODY),
    ("GET", "/analytics/psa"): Who(MANAGERS),
    ("GET", "/analytics/work"): Who(EVERYBODY),
    ("GET", "/trees"): Who(EVERYBODY),
    ("POST", "/trees"): Who(ENGINEERS),
    ("POST", "/trees/import"): Who(ENGINEERS),
    ("GET", TREE): Who(EVERYBODY),
    ("PATCH", TREE): Who(ENGINEERS),
    ("DELETE", TREE): Who(ENGINEERS),
    ("PUT", f"{TREE}/content"): Who(ENGINEERS),
    ("POST", f"{TREE}/publish"): Who(MANAGERS),
    ("POST", f"{TREE}/archive"): Who(MANAGERS),
    ("POST", f"{TREE}/restore"): Who(MANAGERS),
    ("POST", f"{TREE}/copy"): Who(ENGINEERS),
    ("POST", f"{TREE}/draft-from-origin"): Who(ENGINEERS),
    ("GET", f"{TREE}/revisions"): Who(EVERYBODY),
    ("GET", f"{TREE}/revisions/{{number:str}}"): Who(EVERYBODY),
    ("GET", f"{TREE}/nodes"): Who(EVERYBODY),
    ("GET", f"{TREE}/diff"): Who(EVERYBODY, query="to=1&from"),
    ("GET", f"{TREE}/export"): Who(EVERYBODY),
    ("GET", "/tree-proposals"): Who(MANAGERS),
    ("POST", f"{PROPOSAL}/accept"): Who(MANAGERS),
    ("POST", f"{PROPOSAL}/reject"): Who(MANAGERS),
    ("GET", "/tree-categories"): Who(EVERYBODY),
    ("POST", "/tree-categories"): Who(MANAGERS),
    ("PATCH", CATEGORY): Who(MANAGERS),
    ("DELETE", CATEGORY): Who(MANAGERS, anew=True),
    ("GET", "/maintenance-schedules"): Who(EVERYBODY),
    ("POST", "/maintenance-schedules"): Who(MANAGERS),
    ("GET", "/maintenance-schedules/calendar"): Who(EVERYBODY),
    ("POST", "/maintenance-schedules/calendar/renew"): Who(MANAGERS),
    ("GET", SCHEDULE): Who(EVERYBODY),
    ("PATCH", SCHEDULE): Who(MANAGERS),
    ("DELETE", SCHEDULE): Who(MANAGERS, anew=True),
    ("POST", f"{SCHEDULE}/run-now"): Who(MANAGERS),
    ("GET", f"{SCHEDULE}/runs"): Who(EVERYBODY),
    ("GET", "/maintenance-runs/{run_id:str}"): Who(EVERYBODY),
    ("GET", "/account"): Who(EVERYBODY),
    ("PATCH", "/account"): Who(MANAGERS),
    ("GET", "/audit-log"): Who(MANAGERS),
    ("GET", "/tokens"): Who(EVERYBODY),
    ("POST", "/tokens"): Who(EVERYBODY),
    ("DELETE", "/tokens/{token_id:str}"): Who("owner admin assignee", hidden=True, anew=True),
    ("GET", f"{USER}/tokens"): Who(MANAGERS),
    ("GET", "/users"): Who(EVERYBODY),
    ("GET", "/users/me"): Who(EVERYBODY),
    ("GET", USER): Who(EVERYBODY),
    ("POST", "/users"): Who(MANAGERS),
    ("PATCH", USER): Who(MANAGERS),
    ("POST", f"{USER}/invitation"): Who(MANAGERS),
    ("POST", f"{USER}/deactivate"): Who(MANAGERS),
    ("POST", f"{USER}/reactivate"): Who(MANAGERS),
    ("GET", "/teams"): Who(EVERYBODY),
    ("GET", TEAM): Who(EVERYBODY),
    ("POST", "/teams"): Who(MANAGERS),
    ("PATCH", TEAM): Who(MANAGERS),
}
"""A row for each route that is an account's: add one with each such route, and to `OPEN` or `PAGES` one that is nobody's."""


async def test_somebody_decided_who_may_call_each_route(world: World) -> None:
    there_are = {(method, path) for method, path, _ in routes_of_accounts(world)}

    undecided = sorted(there_are - WHO.keys())
    assert not undecided, f"say in WHO (tests/unit/http/test_who_may.py) who may call {undecided}"
    assert not WHO.keys() - there_are, "there are no such routes any more"


async def test_who_may_call_which_route(world: World) -> None:
    """A27, A28: refused in one's own account is 403; another account's does not exist; signed out there is nothing at all."""
    own = {"owner": world.owner, "admin": world.admin, "assignee": world.junior, "colleague": world.senior, "viewer": world.viewer}
    found: dict[tuple[str, str], str] = {}
    for method, path, operation in routes(world):
        who = WHO.get((method, path))
        if who is None:
            continue
        things = await _given(world, who.given)
        allowed = set(who.may.split())
        # Those who may come last: what they do may change who else may.
        answers = []
        for name in sorted(own, key=allowed.__contains__):
            if who.anew:
                things = await _given(world, who.given)
            if await _may(own[name], method, path + _query(who, things), operation, things, hidden=who.hidden):
                answers.append(name)
        things = await _given(world, who.given) if who.anew else things
        found[method, path] = " ".join(name for name in own if name in answers)
        await _is_hidden(world, method, path, operation, things)

    assert {route: who.may for route, who in WHO.items() if route in found} == found


async def _given(world: World, what: str) -> Mapping[str, str]:
    someone = await world.flowpilot.accounts.add_user(
        world.owner.account_id, email=f"{new_id()}@example.test", name="Someone", role=Role.ENGINEER
    )
    things = {**await things_of(world.junior, world.senior, world.owner), "colleague_id": world.senior.id, "user_id": str(someone.id)}
    if what == "helped":
        session = await world.junior.session()
        await world.senior.made(f"/ai-sessions/{session['id']}/join")
        things["session_id"] = session["id"]
    if what == "walked":
        things["session_id"] = (await world.junior.session(tree_id=things["tree_id"]))["id"]
    if what == "shown":
        things |= await listed_in_gallery(world)
    if what == "claimed":
        await world.senior.made(f"/handoffs/{things['handoff_id']}/claim")
    return things


def _query(who: Who, things: Mapping[str, str]) -> str:
    return f"?{who.query}={things.get(who.query.rpartition('&')[2], NUMBERED['number'])}" if who.query else ""


async def _may(who: Somebody, method: str, path: str, operation: Operation | None, things: Mapping[str, str], *, hidden: bool) -> bool:
    """Whether the answer is none that keeps somebody out; whether the move is possible just now is another question."""
    body = a_body(operation, things)
    if "user_id" in body:
        body["user_id"] = things["colleague_id"]
    answer = await asked(who, method, filled(path, things), body)
    if answer.status_code == 403:
        assert answer.json()["code"] in ("role_forbidden", "not_assignee"), (method, path, answer.text)
        return False
    if hidden and answer.status_code == 404:
        return False
    # Nobody pushes in this world: whoever may listen is told that.
    nobody_pushes = answer.status_code == 503 and path == "/events"
    assert nobody_pushes or answer.status_code in (200, 201, 204, 409, 422), (method, path, who.user.name, answer.text)
    return True


async def _is_hidden(world: World, method: str, path: str, operation: Operation | None, things: Mapping[str, str]) -> None:
    """Signed out, and from another account."""
    address, body = filled(path, things), a_body(operation, things)
    signed_out = await world.nobody.request(method, address, json=None if method == "GET" else body)
    foreign = await asked(world.rival_owner, method, address, body)

    assert 401 == signed_out.status_code, (method, path)
    if path.startswith(GALLERY):
        return  # What is listed is everybody's.
    if "{" in path and path != TICKET_PATH:
        assert (404, "not_found") == (foreign.status_code, foreign.json()["code"]), (method, path)
    told = {name: thing for name, thing in things.items() if name not in NUMBERED}
    assert not [name for name, thing in told.items() if thing in foreign.text], (method, path)


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_what_is_nobodys_is_open_to_all_and_tells_of_nobody(world: World, path: str) -> None:
    things = await things_of(world.junior, world.senior, world.owner)

    answer = await world.nobody.get(path)

    assert 200 == answer.status_code
    assert not [name for name, thing in things.items() if thing in answer.text]
