"""`flowpilot serve --workers 2`: two processes at one port, which are one to whoever asks."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from attrs import define, field

from flowpilot_core.domain.kernel.rate_limit import FAILED_FROM_ADDRESS
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim, be_killed, die_again_and_again, draw_ids, fail_to_begin
from tests.support.serving import LONGEST_WAIT, Serving, jo_and_ada, named, ran, serving, until

START = {"title": "No mail", "problem": "Nothing arrives"}
STUCK = {"intent": "escalate", "reason": "Stuck"}
NOBODY = "fp_" + "a" * 26 + "_" + "b" * 52 + "_00000000"


@define
class Pair:
    """Two workers that serve, as their log and their port show them."""

    server: Serving
    address: str = ""
    pids: dict[int, int] = field(factory=dict)
    relaying: list[int] = field(factory=list)
    """Workers that began to do the relay's work, in order."""
    by: dict[str, int] = field(factory=dict)
    """Which worker answered a request, by the request's id."""

    def until(self, event: str, worker: int) -> dict[str, Any]:
        """The next line of its log that says this of, or is by, that worker."""
        while (line := self._next()).get("event") != event or line.get("worker") != worker:
            pass
        return line

    def answered(self, request_id: str) -> int:
        """Which worker answered that request, once its log says so."""
        while request_id not in self.by:
            self._next()
        return self.by[request_id]

    def client_of(self, worker: int, token: str | None = None) -> httpx.Client:
        """A client whose one connection is to that worker, which is left to chance until it is."""
        found: list[httpx.Client] = []

        def look() -> bool:
            client = httpx.Client(base_url=self.address, timeout=LONGEST_WAIT, limits=httpx.Limits(max_connections=1))
            answer = client.get("/health/live")
            if answer.status_code != 200 or self.answered(answer.headers["x-request-id"]) != worker:
                client.close()
                return False
            if token:
                client.headers["authorization"] = f"Bearer {token}"
            self.server.clients.callback(client.close)
            found.append(client)
            return True

        until(look)
        return found[0]

    def kill(self, worker: int) -> None:
        """Kill it, and come back once it is known to be dead."""
        os.kill(self.pids[worker], signal.SIGKILL)
        self.until("a worker ended, and is replaced", worker)

    def _next(self) -> dict[str, Any]:
        line = self.server.lines.get(timeout=LONGEST_WAIT)
        assert line is not None, "it ended"
        match line.get("event"):
            case "worker begun":
                self.pids[line["worker"]] = line["pid"]
            case "relaying":
                self.relaying.append(line["worker"])
            case "request":
                self.by[line["request_id"]] = line["worker"]
            case "serving":
                self.address = line["address"]
        return line


@contextmanager
def a_pair(database: PostgresDatabase, *arguments: str, **settings: str) -> Iterator[Pair]:
    """Two workers, both of which serve."""
    with serving("--workers", "2", *arguments, **named(database), **settings) as server:
        pair = Pair(server)
        pair.until("serving", 1)
        pair.until("serving", 2)
        yield pair


def events(response: httpx.Response) -> Iterator[str]:
    """The kinds of what a stream tells of."""
    return (line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: "))


def answer(line: socket.socket) -> int:
    """The status of the next answer over a connection, which is read whole."""
    response = HTTPResponse(line)
    response.begin()
    response.read()
    return response.status


def tells(client: httpx.Client, *lines: str) -> bool:
    """Whether the figures have these lines."""
    text = client.get("/metrics").text
    return all(line in text for line in lines)


def test_two_workers_answer_for_one_another(own_database: PostgresDatabase) -> None:
    jo, _ = jo_and_ada(own_database)
    counted = (
        'flowpilot_http_requests_total{method="POST",route="/ai-sessions",status="201"} 1.0',
        'flowpilot_http_requests_total{method="GET",route="/ai-sessions/{session_id}",status="200"} 1.0',
    )
    with a_pair(own_database) as pair:
        one, other = pair.client_of(1, jo.token), pair.client_of(2, jo.token)
        made = one.post("/ai-sessions", json=START)
        seen = other.get(f"/ai-sessions/{made.json()['id']}")
        ready = [client.get("/health/ready").json()["status"] for client in (one, other)]
        for client in (one, other):
            # A request is counted just after it was answered.
            until(partial(tells, client, *counted))

    assert (201, 200) == (made.status_code, seen.status_code)
    assert ["ready", "ready"] == ready


def test_a_worker_that_is_killed_is_replaced_and_what_was_not_in_flight_is_answered(own_database: PostgresDatabase) -> None:
    """F53"""
    with a_pair(own_database) as pair:
        kept = pair.client_of(1)
        pair.kill(2)
        meanwhile = [httpx.get(f"{pair.address}/health/live", timeout=LONGEST_WAIT).status_code for _ in range(30)]
        again = pair.client_of(2)
        answers = [client.get("/health/ready").status_code for client in (kept, again)]
        text = again.get("/metrics").text
        pair.server.asked_to_end()
        assert 0 == pair.server.ended()

    assert [200] * 30 == meanwhile
    assert [200, 200] == answers
    (live,) = [line for line in text.splitlines() if line.startswith('flowpilot_http_requests_total{method="GET",route="/health/live"')]
    assert float(live.split()[-1]) >= 32


def test_a_stream_at_either_worker_hears_what_was_committed_through_the_other(own_database: PostgresDatabase) -> None:
    jo, ada = jo_and_ada(own_database)
    with a_pair(own_database, "--no-relay") as pair:
        writing = [pair.client_of(worker, jo.token) for worker in (1, 2)]
        listening = [pair.client_of(worker, ada.token) for worker in (1, 2)]
        with listening[0].stream("GET", "/events") as first, listening[1].stream("GET", "/events") as second:
            told = [events(first), events(second)]
            heard = []
            for client in writing:
                made = client.post("/ai-sessions", json=START).json()
                client.post(f"/ai-sessions/{made['id']}/handoff", json=STUCK)
                heard.append([next(kind for kind in kinds if kind == "handoff.escalated") for kinds in told])

    assert [["handoff.escalated"] * 2] * 2 == heard


def test_nobody_has_more_streams_at_both_workers_than_one_person_may(own_database: PostgresDatabase) -> None:
    """F53: those at a worker that was killed count no more."""
    jo, _ = jo_and_ada(own_database)
    with a_pair(own_database, streams_per_person="2") as pair:
        clients = [pair.client_of(worker, jo.token) for worker in (1, 2)]
        more = [pair.client_of(worker, jo.token) for worker in (1, 2)]
        with clients[0].stream("GET", "/events") as first, clients[1].stream("GET", "/events") as second:
            refused = [client.get("/events").status_code for client in more]
            assert [200, 200] == [first.status_code, second.status_code]
            pair.kill(2)
            with more[0].stream("GET", "/events") as third:
                allowed = third.status_code

    assert [429, 429] == refused
    assert 200 == allowed


def test_sign_ins_that_fail_at_either_worker_are_counted_together(own_database: PostgresDatabase) -> None:
    with a_pair(own_database) as pair:
        clients = [pair.client_of(worker, NOBODY) for worker in (1, 2)]
        failed = [clients[number % 2].get("/ai-sessions").status_code for number in range(FAILED_FROM_ADDRESS.most)]
        refused = [client.get("/ai-sessions").status_code for client in clients]

    assert [401] * FAILED_FROM_ADDRESS.most == failed
    assert [429, 429] == refused


def test_no_address_has_more_connections_to_both_workers_than_it_may(
    own_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A52: and whoever asks for nothing makes room at their own worker."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1")
    jo, _ = jo_and_ada(own_database)
    with a_pair(own_database, connections_per_address="2") as pair:
        streams = []
        for worker in (1, 2):
            client = pair.client_of(worker, jo.token)
            streams.append(pair.server.clients.enter_context(client.stream("GET", "/events")))
        refused = [httpx.get(f"{pair.address}/health/live", timeout=LONGEST_WAIT).status_code for _ in range(3)]

    assert [200, 200] == [stream.status_code for stream in streams]
    assert [503] * 3 == refused


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_both_workers_answer_what_was_begun(own_database: PostgresDatabase, number: int) -> None:
    """F50"""
    jo, _ = jo_and_ada(own_database)
    body = json.dumps(START).encode()
    live = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\n\r\n"
    head = f"POST /ai-sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {jo.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    with a_pair(own_database) as pair:
        base = urlsplit(pair.address)
        begun: dict[int, socket.socket] = {}

        def begin() -> bool:
            line = pair.server.clients.enter_context(socket.create_connection((base.hostname, base.port), LONGEST_WAIT))
            name = f"line.{line.getsockname()[1]}"
            line.sendall(live % name.encode())
            assert 200 == answer(line)
            begun.setdefault(pair.answered(name), line)
            return len(begun) == 2

        until(begin)
        for line in begun.values():
            line.sendall(head.encode() + body[:5])
        # Both have read the head, since each answers in turn what it was asked before.
        assert [200, 200] == [pair.client_of(worker).get("/health/live").status_code for worker in (1, 2)]
        pair.server.asked_to_end(number)
        for _ in begun:
            pair.server.says("ending")
        answers = []
        for line in begun.values():
            line.sendall(body[5:])
            answers.append(answer(line))
        assert 0 == pair.server.ended()

    assert [201, 201] == answers


def test_one_worker_relays_and_whoever_replaces_it_relays_on(own_database: PostgresDatabase) -> None:
    """F53"""
    jo, ada = jo_and_ada(own_database)
    with a_pair(own_database) as pair:
        pair.kill(1)
        pair.until("serving", 1)
        client, looking = pair.client_of(2, jo.token), pair.client_of(2, ada.token)
        made = client.post("/ai-sessions", json=START).json()
        handoff = client.post(f"/ai-sessions/{made['id']}/handoff", json=STUCK).json()
        until(lambda: looking.get(f"/handoffs/{handoff['id']}/deliveries").json()["items"][0]["state"] == "sent")

    assert [1, 1] == pair.relaying


def test_workers_whose_parent_was_killed_end_too(own_database: PostgresDatabase) -> None:
    """F53: nobody would replace or end them."""
    with a_pair(own_database) as pair:
        pair.server.process.kill()
        pair.until("served", 1)
        assert -signal.SIGKILL == pair.server.ended()


def test_what_keeps_the_first_from_serving_is_said_once_and_ends_all(own_database: PostgresDatabase) -> None:
    ended = ran("serve", "--port", "0", "--workers", "3", **named(own_database) | {"database_url": own_database.relay})

    assert 1 == ended.returncode
    assert 1 == ended.stderr.count("this role may not serve")


def test_where_the_first_cannot_begin_no_other_does() -> None:
    """F54"""
    victim = Victim.of(fail_to_begin, daemon=False)

    assert ([1], 3) == (victim.hears(), victim.hears())
    assert 0 == victim.ended()


def test_whoever_dies_again_and_again_is_replaced_after_longer_and_longer() -> None:
    """F54"""
    victim = Victim.of(die_again_and_again, daemon=False)

    assert ([0.01, 0.02, 0.04], 0) == (victim.hears(), victim.hears())
    assert 0 == victim.ended()


def test_workers_forked_from_one_process_draw_other_ids() -> None:
    """Their last 32 bits are chance, which a fork must not copy."""
    victim = Victim.of(draw_ids, daemon=False)

    drawn = [victim.hears().int % 2**32 for _ in range(3)]
    victim.asked_to_end()

    assert 3 == len({*drawn})
    assert 0 == victim.ended()


def test_asked_twice_to_end_it_waits_for_nobody() -> None:
    victim = Victim.of(be_killed, daemon=False)

    assert 1 == victim.hears()
    assert 0 == victim.ended()
