"""What the process says of itself: health, metrics, logs, and how it answers when what it needs is down."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest
from attrs import evolve
from structlog.testing import capture_logs

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.errors import FlowPilotError, OutcomeUnknown, Unavailable
from flowpilot_core.testing.builders import SetClock, new_id
from flowpilot_http.app import create_app
from flowpilot_http.logs import REQUEST_ID
from flowpilot_http.metrics import Metrics
from flowpilot_http.readiness import Readiness
from tests.support.http import BASE, SECRET_KEY, World, a_world_in, all_is_well, client_of

pytestmark = pytest.mark.anyio


def _broken(world: World, raising: Callable[[], Exception]) -> FlowPilot:
    """A FlowPilot whose store fails."""

    def fail(*_: object, **__: object) -> object:
        raise raising()

    clock = SetClock()
    broken = FlowPilot.of(begin=fail, view=fail, clock=clock, new_id=new_id, new_secret=lambda: b"x" * 32)  # type: ignore[arg-type]
    return evolve(broken, accounts=world.flowpilot.accounts)


async def _asked(world: World, flowpilot: FlowPilot, method: str = "GET") -> httpx.Response:
    app = create_app(
        flowpilot, clock=SetClock(), new_id=new_id, new_secret=new_secret, secret_keys=[SECRET_KEY], base_url=BASE, probe=all_is_well
    )
    client = client_of(app, world.junior.token)
    return await client.request(method, "/ai-sessions", json={"title": "canary-title", "problem": "x"} if method == "POST" else None)


@pytest.mark.parametrize(
    ("error", "code", "after"),
    [(Unavailable("database", retry_after=7), "unavailable", "7"), (OutcomeUnknown(), "outcome_unknown", "1")],
)
async def test_what_is_down_is_said_with_when_to_try_again(world: World, error: FlowPilotError, code: str, after: str) -> None:
    """F04, F09, F11"""
    answer = await _asked(world, _broken(world, lambda: error), "POST")

    assert (503, code, after) == (answer.status_code, answer.json()["code"], answer.headers["retry-after"])


async def test_a_bug_answers_500_and_tells_what_went_wrong_to_the_log_alone(world: World) -> None:
    """A26: neither the answer nor the log quotes what somebody sent."""
    with capture_logs() as logs:
        answer = await _asked(world, _broken(world, lambda: ValueError("canary-secret of canary-title")), "POST")

    assert (500, "internal") == (answer.status_code, answer.json()["code"])
    failed = next(line for line in logs if line["event"] == "request failed")
    assert ("error", "ValueError") == (failed["log_level"], failed["error"])
    assert "canary" not in answer.text + json.dumps(logs, default=str)


async def test_the_log_names_the_request_and_holds_no_content(world: World) -> None:
    """A42: no bodies, no tokens, no addresses, and no ids of things in the route."""
    with capture_logs() as logs:
        handoff = await world.junior.escalation(note="canary-note")
        answer = await world.senior.get(f"/handoffs/{handoff['id']}", x_request_id="my-request.1")

    line = logs[-1]
    assert "my-request.1" == answer.headers["x-request-id"]
    assert ("GET", "/handoffs/{handoff_id}", 200) == (line["method"], line["route"], line["status"])
    assert {"event", "log_level", "method", "route", "status", "seconds", "account_id", "user_id"} == line.keys()
    written = json.dumps(logs, default=str)
    assert not any(secret in written for secret in ("canary", world.senior.token, world.junior.token, "@", handoff["id"]))


async def test_a_request_id_goes_on_record_and_into_the_log_context(world: World) -> None:
    session = await world.junior.post("/ai-sessions", {"title": "x", "problem": "x"}, x_request_id="abc-1")

    events = await world.view(world.junior.account_id).events(after=0, limit=10)

    assert 201 == session.status_code
    assert ["abc-1"] == [logged.event.request_id for logged in events]
    assert REQUEST_ID.get() is None


@pytest.mark.parametrize("silly", ["", "a b", "x" * 65, "<script>", "é"])
async def test_a_silly_request_id_is_replaced(world: World, silly: str) -> None:
    answer = await world.junior.get("/health/live", x_request_id=silly)

    assert silly != answer.headers["x-request-id"]
    assert 32 == len(answer.headers["x-request-id"])


async def test_alive_and_ready_are_two_things(world: World) -> None:
    """F09: a process without its database lives, and is not ready."""

    async def down() -> Readiness:
        return Readiness(problems={"database": "the database does not answer", "migrations": None}, relay_lags=None)

    app = create_app(
        world.flowpilot, clock=SetClock(), new_id=new_id, new_secret=new_secret, secret_keys=[SECRET_KEY], base_url=BASE, probe=down
    )
    client = client_of(app)
    live, ready, well = await client.get("/health/live"), await client.get("/health/ready"), await world.nobody.get("/health/ready")

    assert (200, {"status": "live"}) == (live.status_code, live.json())
    assert (503, "not_ready", {"database": "the database does not answer", "migrations": "ok"}) == (
        ready.status_code,
        ready.json()["status"],
        ready.json()["checks"],
    )
    assert (200, "ready", 0.0) == (well.status_code, well.json()["status"], well.json()["relay_lag_seconds"])


async def test_a_head_is_a_get_without_the_body(world: World) -> None:
    """Load balancers ask so."""
    session = await world.junior.session()

    for client, path in (
        (world.nobody, "/health/ready"),
        (world.junior.client, f"/ai-sessions/{session['id']}"),
        (world.nobody, "/ai-sessions"),
    ):
        got, head = await client.get(path), await client.head(path)
        assert (got.status_code, b"") == (head.status_code, head.content)
        assert [*got.headers] == [*head.headers]
        assert got.headers["content-length"] == head.headers["content-length"]


async def test_metrics_count_by_route_and_name_nobody() -> None:
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    world = await a_world_in(store.begin, store.view, store.outbox, metrics=Metrics())
    handoff = await world.junior.escalation()
    await world.senior.get(f"/handoffs/{handoff['id']}")
    await world.senior.get("/no/such/place")

    text = (await world.nobody.get("/metrics")).text

    assert 'flowpilot_http_requests_total{method="GET",route="/handoffs/{handoff_id}",status="200"} 1.0' in text
    assert 'flowpilot_http_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'flowpilot_http_request_seconds_count{method="POST",route="/ai-sessions"} 1.0' in text
    assert not any(name in text for name in (handoff["id"], str(world.junior.account_id), world.junior.id, "no/such"))


async def test_whoever_finds_a_weakness_is_told_whom_to_tell(world: World) -> None:
    answer = await world.nobody.get("/.well-known/security.txt")

    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert "mailto:security@example.test" == fields["Contact"]
    left = datetime.fromisoformat(fields["Expires"]) - world.clock.now()
    assert timedelta(days=90) < left < timedelta(days=365)
