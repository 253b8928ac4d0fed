"""What holds for every route there is, read from the application's own list: nobody can add one that leaks."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from itertools import count

import httpx
import msgspec
import pytest

from flowpilot_adapters.sql.connection import recorded_round_trips
from tests.support.http import World, client_of
from tests.support.routes import (
    MISSING,
    NUMBERED,
    OF_PLATFORM,
    OPEN,
    PAGES,
    TICKET,
    TICKET_PATH,
    a_body,
    asked,
    filled,
    listed_in_gallery,
    paths_with_a_page,
    routes,
    routes_of_accounts,
    things_of,
)

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

SMUGGLED = ("account_id", "state", "status", "claimed_by", "role", "version", "assignee_id", "created_by", "tree_id", "wake_at")
"""Members that no request may set."""


async def test_the_list_of_routes_is_the_contracts(world: World) -> None:
    session, handoff, webhook = "/ai-sessions/{session_id:str}", "/handoffs/{handoff_id:str}", "/webhooks/{webhook_id:str}"
    connection, script = "/psa-connections/{connection_id:str}", "/script-templates/{template_id:str}"
    tree, schedule = "/trees/{tree_id:str}", "/maintenance-schedules/{schedule_id:str}"
    posts = (
        "steps",
        "suggestions",
        "suggestions/{suggestion_id:str}/decision",
        "forks",
        "active-branch",
        "branches/{branch_id:str}/close",
        "handoff",
        "resume",
        "reassign",
        "resolve",
        "reopen",
        "abandon",
        "join",
        "leave",
        "steps/{step_id:str}/feedback",
        "steps/{step_id:str}/pictures",
        "scripts",
        "walk/steps",
        "save-as-tree",
        "walk/leave",
    )
    moves = (
        "claim",
        "unclaim",
        "reroute",
        "withdraw",
        "seen",
        "verdict",
        "deliveries/{delivery_id:str}/retry",
        "assessments",
        "assessments/{assessment_id:str}/feedback",
    )

    assert {
        *(("GET", path) for path in OPEN),
        *PAGES,
        *(("GET", path) for path in ("/psa-connections", connection, "/psa-posts", TICKET_PATH)),
        *((method, connection) for method in ("PATCH", "DELETE")),
        *((method, f"{connection}/webhook") for method in ("POST", "DELETE")),
        *(("POST", path) for path in ("/psa-connections", f"{connection}/test", f"{connection}/preview", "/psa-posts/{post_id:str}/retry")),
        *(("GET", f"{handoff}/{part}") for part in ("snapshot", "changes", "deliveries", "assessments")),
        *(
            ("GET", path)
            for path in ("/events", "/ai-sessions", session, f"{session}/timeline", f"{session}/suggestions", "/handoffs/queue", handoff)
        ),
        *((method, f"{session}/outputs") for method in ("GET", "POST")),
        *((method, f"{session}/outputs/{{output_id:str}}") for method in ("GET", "PATCH")),
        *(("POST", f"{session}/outputs/{{output_id:str}}/{move}") for move in ("approve", "post")),
        ("GET", f"{session}/outputs/{{output_id:str}}/export"),
        ("GET", f"{session}/steps/{{step_id:str}}/pictures/{{picture_id:str}}"),
        ("GET", f"{handoff}/pictures/{{picture_id:str}}"),
        *((method, path) for path in ("/escalation-policy", "/notification-preferences", "/weekly-digest") for method in ("GET", "PUT")),
        ("POST", "/escalation-policy/preview"),
        ("GET", "/handoffs/preview"),
        *(("GET", path) for path in ("/users", "/users/me", "/users/{user_id:str}", "/teams", "/teams/{team_id:str}")),
        ("GET", "/account"),
        *((method, "/branding") for method in ("GET", "PUT")),
        *((method, "/branding/logo") for method in ("GET", "PUT", "DELETE")),
        ("GET", "/audit-log"),
        ("GET", "/search"),
        *(("GET", f"/analytics/{of}") for of in ("escalations", "work", "deliveries", "psa", "assistant", "knowledge")),
        *((method, "/tokens") for method in ("GET", "POST")),
        ("DELETE", "/tokens/{token_id:str}"),
        ("GET", "/users/{user_id:str}/tokens"),
        *(("PATCH", path) for path in ("/account", "/users/{user_id:str}", "/teams/{team_id:str}")),
        *(("POST", f"/users/{{user_id:str}}/{move}") for move in ("invitation", "deactivate", "reactivate")),
        *(("POST", path) for path in ("/ai-sessions", "/users", "/teams")),
        ("PATCH", f"{session}/steps/{{step_id:str}}"),
        *((method, "/identity-providers") for method in ("GET", "POST")),
        *((method, "/identity-providers/{provider_id:str}") for method in ("PATCH", "DELETE")),
        *((method, "/webhooks") for method in ("GET", "POST")),
        *((method, "/script-templates") for method in ("GET", "POST")),
        ("POST", "/script-templates/detect"),
        ("GET", "/gallery"),
        ("GET", "/gallery/{subject:str}/{subject_id:str}"),
        ("POST", "/gallery/{subject:str}/{subject_id:str}/copy"),
        ("GET", "/admin/gallery"),
        ("PUT", "/admin/gallery/{subject:str}/{subject_id:str}"),
        *((method, "/ratings") for method in ("GET", "POST")),
        ("DELETE", "/ratings/{rating_id:str}"),
        *((method, script) for method in ("GET", "PATCH", "DELETE")),
        ("PUT", f"{script}/content"),
        *(("POST", f"{script}/{move}") for move in ("publish", "archive", "restore", "copy", "draft-from-origin", "render")),
        *(("GET", f"{script}/{part}") for part in ("revisions", "revisions/{number:str}")),
        *((method, webhook) for method in ("PATCH", "DELETE")),
        ("GET", f"{webhook}/deliveries"),
        *(("POST", f"{webhook}/{part}") for part in ("secret", "test", "deliveries/{message_id:str}/replay")),
        *((method, tree) for method in ("GET", "PATCH", "DELETE")),
        ("PUT", f"{tree}/content"),
        *(("GET", f"{tree}/{part}") for part in ("revisions", "revisions/{number:str}", "nodes", "diff", "export")),
        *(("POST", f"{tree}/{part}") for part in ("publish", "archive", "restore", "copy", "draft-from-origin")),
        ("POST", "/trees/import"),
        *((method, "/maintenance-schedules") for method in ("GET", "POST")),
        *((method, schedule) for method in ("GET", "PATCH", "DELETE")),
        *(("GET", path) for path in (f"{schedule}/runs", "/maintenance-schedules/calendar", "/maintenance-runs/{run_id:str}")),
        *(("POST", path) for path in (f"{schedule}/run-now", "/maintenance-schedules/calendar/renew")),
        *((method, f"{session}/walk") for method in ("GET", "POST")),
        ("GET", f"{session}/trees"),
        *((method, path) for path in ("/trees", "/tree-categories") for method in ("GET", "POST")),
        ("GET", "/tree-proposals"),
        *(("POST", f"/tree-proposals/{{proposal_id:str}}/{move}") for move in ("accept", "reject")),
        *((method, "/tree-categories/{category_id:str}") for method in ("PATCH", "DELETE")),
        *(("POST", f"{session}/{part}") for part in posts),
        *(("POST", f"{handoff}/{part}") for part in moves),
    } == {(method, path) for method, path, _ in routes(world)}


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic eDp5", "Bearer {token}x", "{token}"])
async def test_signed_out_every_route_of_an_account_answers_401(world: World, authorization: str | None) -> None:
    things = await things_of(world.junior, world.senior, world.owner)
    headers = {} if authorization is None else {"authorization": authorization.format(token=world.junior.token)}

    answers = [
        await client.request(method, filled(path, things), json=a_body(operation, things), headers=headers)
        for client, (method, path, operation) in zip(_clients(world), routes_of_accounts(world), strict=False)
    ]

    assert {(401, "unauthenticated", 'Bearer realm="FlowPilot"')} == {
        (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) for answer in answers
    }


def _clients(world: World, token: str | None = None) -> Iterator[httpx.AsyncClient]:
    """Each at an address of its own: from one, only so many sign-ins may fail."""
    return (client_of(world.app, token, address=str(IPv4Address(number))) for number in count(1))


async def test_a_deactivated_person_is_signed_out_everywhere(world: World) -> None:
    things = await things_of(world.junior, world.senior, world.owner)
    await world.flowpilot.accounts.deactivate(world.viewer.account_id, world.viewer.user.id)

    answers = [
        await client.request(method, filled(path, things), json={})
        for client, (method, path, _) in zip(_clients(world, world.viewer.token), routes_of_accounts(world), strict=False)
    ]

    assert {401} == {answer.status_code for answer in answers}


async def test_another_accounts_things_are_as_unknown_as_those_that_never_were(world: World) -> None:
    """A27, A28: every route that names something: same status, body, headers and statements, and nothing happens."""
    things = await things_of(world.junior, world.senior, world.owner)
    before = await world.owner.seen(f"/ai-sessions/{things['session_id']}")
    missing = dict.fromkeys(things, MISSING)
    for thief in (world.rival, world.rival_owner):
        await thief.seen("/account")  # That their tokens are used is written down once.
    tried = 0

    for method, path, operation in routes_of_accounts(world):
        if "{" not in path:
            continue
        tried += 1
        for thief in (world.rival, world.rival_owner):
            with recorded_round_trips() as for_foreign:
                foreign = await asked(thief, method, filled(path, things), a_body(operation, things))
            with recorded_round_trips() as for_unknown:
                unknown = await asked(thief, method, filled(path, missing), a_body(operation, missing))
            assert 404 == foreign.status_code == unknown.status_code, (method, path)
            assert foreign.content == unknown.content, (method, path)
            assert _telling(foreign.headers) == _telling(unknown.headers), (method, path)
            assert _work(for_foreign) == _work(for_unknown), (method, path)

    assert before == await world.owner.seen(f"/ai-sessions/{things['session_id']}")
    assert tried >= 45


async def test_a_part_of_another_accounts_thing_is_unknown_under_ones_own(world: World) -> None:
    """A28: an id of another account behind an id of one's own."""
    theirs = await things_of(world.junior, world.senior, world.owner)
    own = await things_of(world.rival, world.rival_owner, world.rival_owner)

    for method, path, operation in routes_of_accounts(world):
        inner = [
            name for name in re.findall(r"{(\w+):str}", path) if name not in ("session_id", "handoff_id", "webhook_id", *TICKET, *NUMBERED)
        ]
        if inner:
            answer = await asked(
                world.rival_owner, method, filled(path, {**own} | {name: theirs[name] for name in inner}), a_body(operation, own)
            )
            assert answer.status_code in (403, 404) if path.endswith("close") else answer.status_code == 404, (method, path, answer.text)


@pytest.mark.parametrize("header", ["x-account", "x-account-id", "x-flowpilot-account", "x-forwarded-user"])
async def test_no_header_names_an_account(world: World, header: str) -> None:
    """A28: the account comes from the token alone."""
    await world.junior.session()

    answer = await world.rival.client.get("/ai-sessions", headers={header: str(world.junior.account_id)})

    assert [] == answer.json()["items"]


@pytest.mark.parametrize("name", ["account_id", "user", "as"])
async def test_no_query_takes_a_name_that_is_not_its_own(world: World, name: str) -> None:
    """A28: nobody acts for another account, or as somebody else, by saying so."""
    things = {**await things_of(world.junior, world.senior, world.owner), **await listed_in_gallery(world)}

    for method, path, operation in routes_of_accounts(world):
        if path.startswith(OF_PLATFORM):
            continue  # Those of the platform's own people: `test_gallery.py`.
        answer = await asked(world.junior, method, f"{filled(path, things)}?{name}={world.rival.account_id}", a_body(operation, things))
        assert (400, "unknown_field", f"/{name}") == (
            answer.status_code,
            answer.json()["code"],
            answer.json()["errors"][0]["pointer"],
        ), (method, path)


@pytest.mark.parametrize("member", SMUGGLED)
async def test_no_request_takes_a_member_that_is_not_its_own(world: World, member: str) -> None:
    """A29: request types are closed, every one of them."""
    things = {**await things_of(world.junior, world.senior, world.owner), **await listed_in_gallery(world)}
    tried = 0

    for method, path, operation in routes_of_accounts(world):
        if method == "GET" or path.startswith(OF_PLATFORM):
            continue
        assert operation is not None
        if operation.files:
            continue  # A file has no members.
        assert operation.body is not None
        if member in {field.name for field in msgspec.structs.fields(operation.body)}:
            continue
        tried += 1
        answer = await asked(world.junior, method, filled(path, things), {**a_body(operation, things), member: "x"})
        assert (400, "unknown_field", f"/{member}") == (
            answer.status_code,
            answer.json()["code"],
            answer.json()["errors"][0]["pointer"],
        ), (method, path)

    assert tried >= 17


async def test_every_answer_of_an_account_is_kept_by_nobody(world: World) -> None:
    """A31: refusals too; and what a browser is led to a page from is not kept for others either."""
    things = await things_of(world.junior, world.senior, world.owner)
    led = paths_with_a_page(world)

    for method, path, _ in routes_of_accounts(world):
        for who in (world.junior, world.rival):
            answer = await asked(who, method, filled(path, things), {"nonsense": 1})
            vary = "Authorization, Cookie, Accept" if path in led else "Authorization, Cookie"
            assert ("private, no-store", vary) == (answer.headers["cache-control"], answer.headers["vary"]), (
                method,
                path,
            )


async def test_every_answer_carries_what_keeps_browsers_safe_and_a_name(world: World) -> None:
    for method, path, _ in routes(world):
        answer = await world.nobody.request(
            method,
            filled(
                path,
                dict.fromkeys(("session_id", "handoff_id", "account_id", "provider_id", "link", "signed", "token", "token_id"), MISSING)
                | dict.fromkeys(
                    (
                        "step_id",
                        "picture_id",
                        "branch_id",
                        "delivery_id",
                        "assessment_id",
                        "output_id",
                        "suggestion_id",
                        "webhook_id",
                        "template_id",
                        "rating_id",
                        "subject_id",
                        "colour",
                        "sha256",
                        "message_id",
                        "user_id",
                        "team_id",
                    ),
                    MISSING,
                )
                | dict.fromkeys(("connection_id", "post_id", "tree_id", "category_id", "proposal_id", "schedule_id", "run_id"), MISSING),
            ),
        )
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert "max-age=31536000" == answer.headers["strict-transport-security"]
        assert ("same-origin", "same-origin") == (
            answer.headers["cross-origin-opener-policy"],
            answer.headers["cross-origin-resource-policy"],
        )
        assert "no-referrer" == answer.headers["referrer-policy"]
        assert "microphone=()" in answer.headers["permissions-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]


def _telling(headers: Mapping[str, str]) -> dict[str, str]:
    """All headers but the request's own name."""
    return {name: value for name, value in headers.items() if name != "x-request-id"}


def _work(trips: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What the database was asked, but for who asks, which is looked up once a second, and for what the pool tidies afterwards."""
    return [trip for trip in trips if "authenticate" not in trip and "rollback" not in trip]


async def test_every_path_tells_all_the_methods_it_takes(world: World) -> None:
    methods: dict[str, set[str]] = {}
    for method, path, _ in routes(world):
        methods.setdefault(path, {"OPTIONS"}).add(method)

    for path, taken in methods.items():
        answer = await world.nobody.options(re.sub(r"{\w+:str}", MISSING, path))
        assert ", ".join(sorted(taken)) == answer.headers["allow"], path
