"""The same request with the same Idempotency-Key is done once."""

import re
from datetime import timedelta
from functools import partial

import anyio
import httpx
import msgspec
import pytest

from flowpilot_http import api_request
from flowpilot_http.made_anew import ANEW, made_anew, referring
from flowpilot_http.schemas.access.account import AccountOut
from flowpilot_http.schemas.access.branding import BrandingOut
from flowpilot_http.schemas.access.identity_providers import ProviderOut
from flowpilot_http.schemas.access.tokens import TokenOut
from flowpilot_http.schemas.insights import WeeklyDigestOut
from flowpilot_http.schemas.knowledge.ratings import TemplateRatingOut
from flowpilot_http.schemas.knowledge.trees import CategoryOut
from flowpilot_http.schemas.maintenance import CalendarLinkOut
from flowpilot_http.schemas.notifications.webhooks import WebhookOut
from flowpilot_http.schemas.psa import PostOut, PsaWebhookOut
from flowpilot_http.schemas.sessions import PictureOut
from tests.support.http import World
from tests.support.routes import a_body, asked, filled, routes_of_accounts, things_of

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

SMALL = (
    AccountOut,
    BrandingOut,
    PictureOut,
    TokenOut,
    ProviderOut,
    WebhookOut,
    PsaWebhookOut,
    CategoryOut,
    TemplateRatingOut,
    CalendarLinkOut,
    WeeklyDigestOut,
)
"""Answers of a few names and addresses, each of which has its bound."""
REPLAYED = "idempotency-replayed"
START = {"title": "No mail", "problem": "Nothing arrives"}
SECRET = re.compile(r"whsec_|[a-z2-7]{52}")
"""What the secrets look like that answers show: those of webhooks, and the ends of tokens and addresses."""


async def test_a_repeat_gets_the_first_answer_byte_for_byte(world: World) -> None:
    first = await world.junior.post("/ai-sessions", START, idempotency_key="one")
    again = await world.junior.post("/ai-sessions", START, idempotency_key="one")

    assert (201, first.content) == (again.status_code, again.content)
    assert ("true", None) == (again.headers["idempotency-replayed"], first.headers.get("idempotency-replayed"))
    assert 1 == len((await world.junior.seen("/ai-sessions"))["items"])


async def test_the_winner_of_a_claim_gets_their_200_again(world: World) -> None:
    handoff = await world.junior.escalation()
    path = f"/handoffs/{handoff['id']}/claim"

    first = await world.senior.post(path, idempotency_key="mine")
    again = await world.senior.post(path, idempotency_key="mine")
    other = await world.admin.post(path, idempotency_key="mine")

    assert (200, 200, first.content) == (first.status_code, again.status_code, again.content)
    assert (409, world.senior.by) == (other.status_code, other.json()["claimed_by"])


@pytest.mark.parametrize("body", [{**START, "title": "Other"}, {**START, "priority": "normal"}])
async def test_a_key_with_another_body_is_refused_and_nothing_is_written(world: World, body: dict[str, str]) -> None:
    """F06"""
    await world.junior.post("/ai-sessions", START, idempotency_key="one")

    answer = await world.junior.post("/ai-sessions", body, idempotency_key="one")

    assert (422, "idempotency_key_reused") == (answer.status_code, answer.json()["code"])
    assert 1 == len((await world.junior.seen("/ai-sessions"))["items"])


async def test_a_key_at_another_address_is_refused(world: World) -> None:
    """F06"""
    handoff, other = await world.junior.escalation(), await world.junior.escalation()
    await world.senior.post(f"/handoffs/{handoff['id']}/claim", idempotency_key="one")

    answer = await world.senior.post(f"/handoffs/{other['id']}/claim", idempotency_key="one")

    assert (422, "idempotency_key_reused") == (answer.status_code, answer.json()["code"])


async def test_a_key_is_known_for_24_hours(world: World) -> None:
    """F07: after that the same request is a new one."""
    first = await world.junior.post("/ai-sessions", START, idempotency_key="one")
    world.clock.jump(timedelta(hours=23, minutes=59))
    known = await world.junior.post("/ai-sessions", START, idempotency_key="one")
    world.clock.jump(timedelta(hours=1, minutes=1))
    forgotten = await world.junior.post("/ai-sessions", START, idempotency_key="one")

    assert first.json()["id"] == known.json()["id"] != forgotten.json()["id"]


async def test_a_key_is_its_users_alone(world: World) -> None:
    """A34: neither another account nor a colleague ever gets the saved answer."""
    answers = [await who.post("/ai-sessions", START, idempotency_key="one") for who in (world.junior, world.rival, world.senior)]

    assert [201, 201, 201] == [answer.status_code for answer in answers]
    assert 3 == len({answer.json()["id"] for answer in answers})
    assert [None] * 3 == [answer.headers.get("idempotency-replayed") for answer in answers]


async def test_a_refusal_is_not_remembered(world: World) -> None:
    refused = await world.junior.post("/ai-sessions", {**START, "title": " "}, idempotency_key="one")
    done = await world.junior.post("/ai-sessions", START, idempotency_key="one")

    assert (422, 201) == (refused.status_code, done.status_code)


async def test_a_secret_that_an_answer_shows_is_not_kept_for_its_repeats(world: World) -> None:
    """A42: a repeat is told what was kept, so that none may be told a secret; of every route that there is."""
    things = await things_of(world.junior, world.senior, world.owner)
    showed, kept = set(), set()

    for method, path, operation in routes_of_accounts(world):
        if method not in ("GET", "DELETE"):
            ask = (world.owner, method, filled(path, things), a_body(operation, things))
            first, again = [await asked(*ask, idempotency_key=f"{method}{path}") for _ in range(2)]
            showed |= {path} if SECRET.search(first.text) else set()
            kept |= {path} if SECRET.search(again.text) else set()
            assert first.status_code == again.status_code, (path, again.text)

    connection, webhook = "/psa-connections/{connection_id:str}", "/webhooks/{webhook_id:str}"
    assert ({"/tokens", "/webhooks", f"{webhook}/secret", f"{connection}/webhook"}, set()) == (showed, kept)


async def test_a_large_answer_is_not_kept_but_made_anew_from_the_thing_as_it_is(world: World) -> None:
    """A53: twelve requests of 52 bytes kept 187 MB for a day."""
    session = await world.junior.made("/ai-sessions", START)
    path = f"/ai-sessions/{session['id']}"
    for _ in range(3):
        await world.junior.made(f"{path}/steps", {"kind": "note", "content": "a log", "evidence": "x" * 40_000})

    first = await world.senior.post(f"{path}/join", idempotency_key="one")
    await world.junior.made(f"{path}/steps", {"kind": "note", "content": "and more"})
    again = await world.senior.post(f"{path}/join", idempotency_key="one")

    assert (200, 200, None, "true") == (first.status_code, again.status_code, *(one.headers.get(REPLAYED) for one in (first, again)))
    assert (3, 4) == (len(first.json()["steps"]), len(again.json()["steps"]))
    assert again.json() == await world.senior.seen(path)
    kinds = [one["kind"] for one in (await world.senior.seen(f"{path}/timeline"))["items"]]
    assert 1 == kinds.count("session.joined")


async def test_what_a_large_answer_showed_is_named_as_the_first_time(world: World) -> None:
    """A53"""
    session = await world.junior.made("/ai-sessions", START)
    ask = partial(world.junior.post, f"/ai-sessions/{session['id']}/steps", idempotency_key="one")
    step = {"kind": "note", "content": "a log", "evidence": "x" * 100_000}

    first, again = [await ask(step) for _ in range(2)]

    assert (201, 201, "true") == (first.status_code, again.status_code, again.headers[REPLAYED])
    assert first.json() == again.json()
    assert 1 == len((await world.junior.seen(f"/ai-sessions/{session['id']}"))["steps"])


async def test_a_large_answer_is_not_repeated_to_who_may_no_longer_read_the_thing(world: World) -> None:
    """A53: it is parked meanwhile, which is its assignee's business."""
    session = await world.junior.made("/ai-sessions", START)
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/steps", {"kind": "note", "content": "a log", "evidence": "x" * 100_000})
    await world.senior.post(f"{path}/join", idempotency_key="one")
    await world.junior.made(f"{path}/handoff", {"intent": "park", "reason": "Waiting for the client"})

    again = await world.senior.post(f"{path}/join", idempotency_key="one")

    assert (404, "not_found") == (again.status_code, again.json()["code"])


async def test_whatever_may_be_large_can_be_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A53: every change of the document, as if no answer were small enough to be kept."""
    things = await things_of(world.junior, world.senior, world.owner)
    resolved = await world.junior.made("/ai-sessions", START)
    await world.junior.post(f"/ai-sessions/{resolved['id']}/resolve", {"summary": "Restarted it"})
    output = await world.junior.made(f"/ai-sessions/{resolved['id']}/outputs", {"kind": "kb_article"})
    monkeypatch.setattr(api_request, "LARGEST_KEPT", 0)
    made = set()

    for method, path, operation in routes_of_accounts(world):
        if method in ("GET", "DELETE") or operation is None or operation.answer in SMALL:
            continue
        named = {**things}
        if "/outputs" in path:
            named |= {"session_id": resolved["id"], "output_id": output["id"]}
        elif path.startswith("/ai-sessions/"):
            session = await world.owner.made("/ai-sessions", START)
            step = await world.owner.made(f"/ai-sessions/{session['id']}/steps", {"kind": "note", "content": "Looked at it"})
            named |= {"session_id": session["id"], "step_id": step["id"], "branch_id": session["active_branch_id"]}
        ask = (world.owner, method, filled(path, named), a_body(operation, named))
        first, again = [await asked(*ask, idempotency_key=f"{method}{path}") for _ in range(2)]
        assert first.status_code == again.status_code, (path, again.text)
        if REPLAYED in again.headers:
            assert first.json().keys() == again.json().keys(), path
            made.add(operation.answer.__name__)

    assert {"PostOut", "WalkedOut"} == set(ANEW) - made


async def test_a_step_of_a_walk_can_be_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A53"""
    nodes = [
        {"id": "start", "kind": "action", "text": "Ping it", "next": "end"},
        {"id": "end", "kind": "outcome", "text": "It answers", "outcome": "solved"},
    ]
    tree = await world.junior.made("/trees", {"name": "x", "kind": "procedure", "content": {"root": "start", "nodes": nodes}})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    session = await world.junior.session(tree_id=tree["id"])
    monkeypatch.setattr(api_request, "LARGEST_KEPT", 0)

    ask = (world.junior, "POST", f"/ai-sessions/{session['id']}/walk/steps", {"node_id": "start"})
    first, again = [await asked(*ask, idempotency_key="walk") for _ in range(2)]

    assert REPLAYED in again.headers
    assert first.json() == again.json()


async def test_a_post_that_was_tried_again_can_be_made_anew(world: World) -> None:
    """A53"""
    things = await things_of(world.junior, world.senior, world.owner)
    (shown,) = [one for one in (await world.owner.seen("/psa-posts"))["items"] if one["id"] == things["post_id"]]
    post = msgspec.convert(shown, PostOut)
    by = world.owner.user.acting(world.owner.account_id)

    assert shown == msgspec.json.decode(await made_anew(referring(post, None), world.flowpilot, by))


async def test_the_same_request_many_times_at_once_is_done_once(world: World) -> None:
    """F05"""
    answers: list[httpx.Response] = []

    async def ask() -> None:
        answers.append(await world.junior.post("/ai-sessions", START, idempotency_key="one"))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)

    assert {201, 409} >= {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers if answer.status_code == 201})
    assert 1 == len((await world.junior.seen("/ai-sessions"))["items"])


async def test_of_two_hundred_claims_at_once_one_wins_and_all_others_are_told_the_same(world: World) -> None:
    handoff = await world.junior.escalation()
    answers: list[httpx.Response] = []

    async def ask() -> None:
        who = (world.senior, world.admin, world.owner)[len(answers) % 3]
        answers.append(await who.post(f"/handoffs/{handoff['id']}/claim"))

    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(ask)

    assert 1 == sum(answer.status_code == 200 for answer in answers)
    assert 1 == len({answer.content for answer in answers if answer.status_code == 409})
