"""`flowpilot serve` and the operator's commands as they run, each a process of its own on a real database."""

import json
import signal
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.support.postgres import PostgresDatabase, PostgresServer, running_server, set_up
from tests.support.serving import data_dir_of, jo_and_ada, named, ran, running, said, serving, until

FIXED = {18: 7, 17: 12, 16: 16, 15: 20}
"""The first minor version of each major one in which a foreign row cannot be read by ON CONFLICT."""
START = {"title": "No mail", "problem": "Nothing arrives"}
MAKING_A_DATABASE = (
    "making a database, once, which takes some seconds",
    "starting the database",
    "bringing the schema of the database to this version, which takes some seconds",
)
"""What a first start says, each line before what it tells of."""


def _somebody(name: str = "Jo", role: str = "engineer", account: str | None = None, **settings: str) -> dict[str, Any]:
    """A person with a token, made as an operator makes them."""
    account = account or said("account", "create", "Acme", **settings)["id"]
    person = said("user", "create", "--account", account, "--email", f"{name}@example.test", "--name", name, "--role", role, **settings)
    token = said("token", "create", "--account", account, "--user", person["id"], **settings)
    return {**person, "token": token["token"]}


@pytest.fixture
def a_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A database server for one test that stops it."""
    with running_server(tmp_path / "own") as server:
        yield server


def test_with_nothing_set_up_it_brings_its_own_database_and_keeps_the_data(tmp_path: Path) -> None:
    settings = data_dir_of(tmp_path / "data")
    with serving(**settings) as server:
        for slow in MAKING_A_DATABASE:
            server.says(slow)
        client = server.client()
        jo = _somebody(**settings)
        ada = _somebody("Ada", "admin", jo["account_id"], **settings)
        client.headers["authorization"] = f"Bearer {jo['token']}"
        session = client.post("/ai-sessions", json=START).json()
        handoff = client.post(f"/ai-sessions/{session['id']}/handoff", json={"intent": "escalate", "reason": "Stuck"}).json()
        by_ada = {"authorization": f"Bearer {ada['token']}"}
        until(lambda: client.get(f"/handoffs/{handoff['id']}/deliveries", headers=by_ada).json()["items"][0]["state"] == "sent")
        claimed = client.post(f"/handoffs/{handoff['id']}/claim", headers=by_ada)
        ready = client.get("/health/ready").json()
        server.asked_to_end()
        assert 0 == server.ended()

    assert 200 == claimed.status_code
    assert ("ready", {"database": "ok", "migrations": "ok", "relay": "ok"}) == (ready["status"], ready["checks"])
    key = tmp_path / "data" / "secret_key"
    assert (0o600, 65) == (stat.S_IMODE(key.stat().st_mode), key.stat().st_size)
    made = key.read_text()
    with serving(**settings) as server:
        kept = server.client(jo["token"]).get(f"/handoffs/{handoff['id']}")
    assert {"id": ada["id"], "name": "Ada"} == kept.json()["claimed_by"]
    assert made == key.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_answers_what_was_begun_and_ends_with_0(own_database: PostgresDatabase, number: int) -> None:
    settings = named(own_database)
    jo, _ = jo_and_ada(own_database)
    body = json.dumps(START).encode()
    head = f"POST /ai-sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {jo.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(**settings) as server:
        base = urlsplit(server.says("serving")["address"])
        with socket.create_connection((base.hostname, base.port)) as begun:
            begun.sendall(head.encode() + body[:5])
            # One that is answered after it was begun tells that it was begun.
            assert 200 == httpx.get(f"{base.geturl()}/health/live").status_code
            server.asked_to_end(number)
            server.says("ending")
            begun.sendall(body[5:])
            answered = begun.recv(65_536)
        assert 0 == server.ended()

    assert answered.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("role", ["admin", "owner", "relay", "backup"])
def test_it_serves_as_the_applications_role_alone(own_database: PostgresDatabase, role: str) -> None:
    """A01: not as a superuser, nor as who owns the tables, passes row security, or is somebody else's role."""
    settings = named(own_database) | {"database_url": getattr(own_database, role)}

    ended = ran("serve", "--port", "0", **settings)

    assert (1, "") == (ended.returncode, ended.stdout)
    assert "this role may not serve" in ended.stderr
    assert "FLOWPILOT_DATABASE_URL" in ended.stderr


def test_a_schema_that_is_not_at_head_is_refused_until_it_was_migrated(postgres: PostgresServer) -> None:
    database = postgres.empty_database()
    set_up(database)
    settings = named(database)

    refused = ran("serve", "--port", "0", **settings)
    examined = ran("doctor", **settings)
    migrated, again = said("migrate", **settings), said("migrate", **settings)
    with serving(**settings) as server:
        ready = server.client().get("/health/ready")
    well = said("doctor", **settings)

    assert 1 == refused.returncode
    assert "run: flowpilot migrate" in refused.stderr
    assert 1 == examined.returncode
    assert "flowpilot migrate" in examined.stdout
    assert (True, False, migrated["revision"]) == (migrated["changed"], again["changed"], again["revision"])
    assert migrated["library"]["new"] >= 40
    assert {"new": 0, "changed": 0} == again["library"]
    assert 200 == ready.status_code
    assert (True, []) == (well["ok"], [check for check in well["checks"] if not check["ok"]])
    postgres.drop(database)


def test_a_tenancy_that_was_broken_by_hand_is_found_by_the_doctor(own_database: PostgresDatabase) -> None:
    own_database.do("ALTER TABLE flowpilot.session NO FORCE ROW LEVEL SECURITY")

    ended = ran("doctor", "--json", **named(own_database))

    assert 1 == ended.returncode
    (found,) = [check for check in json.loads(ended.stdout)["checks"] if not check["ok"]]
    assert "session" in found["problem"]


def test_the_doctor_names_a_server_that_is_not_fixed_and_calls_that_no_failure(own_database: PostgresDatabase) -> None:
    """A11"""
    (version,) = own_database.do("SHOW server_version_num")[0]

    told = said("doctor", **named(own_database))

    (note,) = [check["note"] for check in told["checks"] if check["check"] == "database"]
    assert told["ok"]
    assert (int(version) % 10_000 < FIXED[int(version) // 10_000]) is (note is not None)


def test_a_full_pool_does_not_make_the_process_look_dead(own_database: PostgresDatabase) -> None:
    """F11: the probe has a connection of its own."""
    settings = named(own_database) | {"pool_size": "1"}
    jo, _ = jo_and_ada(own_database)
    with serving(**settings) as server, psycopg.connect(own_database.admin) as blocking, ThreadPoolExecutor() as threads:
        client = server.client(jo.token)
        made = client.post("/ai-sessions", json=START).json()
        blocking.execute("LOCK TABLE flowpilot.session IN ACCESS EXCLUSIVE MODE")
        stuck = threads.submit(client.get, f"/ai-sessions/{made['id']}")
        until(lambda: own_database.do("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == [(1,)])
        ready = client.get("/health/ready")
        blocking.rollback()
        answered = stuck.result()

    assert (200, "ready") == (ready.status_code, ready.json()["status"])
    assert answered.status_code in (200, 503)


def test_what_the_relay_waits_for_keeps_no_request_waiting(own_database: PostgresDatabase) -> None:
    """A59, F11: the relay has connections of its own, and having waited for one costs a delivery no try."""
    settings = named(own_database) | {"pool_size": "1"}
    jo, _ = jo_and_ada(own_database)
    waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with serving(**settings) as server, psycopg.connect(own_database.admin) as blocking:
        client = server.client(jo.token)
        blocking.execute("SELECT id FROM flowpilot.person FOR NO KEY UPDATE")
        for _ in range(3):
            made = client.post("/ai-sessions", json=START).json()
            escalated = client.post(f"/ai-sessions/{made['id']}/handoff", json={"intent": "escalate", "reason": "Stuck"})
            assert 201 == escalated.status_code
        until(lambda: own_database.do(waiting) == [(True,)])
        answers = [client.get("/handoffs/queue").status_code for _ in range(20)]
        blocking.rollback()
        until(lambda: own_database.do("SELECT DISTINCT state FROM flowpilot.delivery WHERE channel = 'email'") == [("sent",)])

    assert [200] * 20 == answers
    assert [(1,)] == own_database.do("SELECT DISTINCT attempts FROM flowpilot.delivery WHERE channel = 'email'")


def test_a_database_that_is_down_at_start_is_waited_for(a_server: PostgresServer) -> None:
    """F09"""
    database = a_server.database()
    settings = named(database)
    a_server.server.stop()
    with serving(**settings) as server:
        server.says("waiting for the database")
        a_server.server.start()
        ready = server.client().get("/health/ready")
        server.asked_to_end()
        assert 0 == server.ended()

    assert 200 == ready.status_code


def test_asked_to_end_while_it_waits_for_the_database_it_ends(a_server: PostgresServer) -> None:
    settings = named(a_server.database())
    a_server.server.stop()
    with serving(**settings) as server:
        server.says("waiting for the database")
        server.asked_to_end()
        assert 0 == server.ended()


def test_a_database_that_goes_away_is_said_and_come_back_to_without_a_restart(a_server: PostgresServer) -> None:
    """F09: 503 with when to try again, `/health/ready` red and `/health/live` green; then all is well by itself."""
    database = a_server.database()
    settings = named(database)
    jo, _ = jo_and_ada(database)
    with serving(**settings) as server:
        client = server.client(jo.token)
        first = client.post("/ai-sessions", json=START, headers={"idempotency-key": "one"})
        a_server.server.stop()
        gone = [client.get(path) for path in ("/ai-sessions", "/health/ready", "/health/live")]
        written = client.post("/ai-sessions", json=START, headers={"idempotency-key": "two"})
        a_server.server.start()
        until(lambda: client.get("/health/ready").status_code == 200)
        back = client.get("/ai-sessions")
        again = client.post("/ai-sessions", json=START, headers={"idempotency-key": "one"})
        server.asked_to_end()
        assert 0 == server.ended()

    assert [503, 503, 200] == [answer.status_code for answer in gone]
    assert ("unavailable", "1") == (gone[0].json()["code"], gone[0].headers["retry-after"])
    assert "not_ready" == gone[1].json()["status"]
    assert (503, "unavailable") == (written.status_code, written.json()["code"])
    assert [first.json()["id"]] == [session["id"] for session in back.json()["items"]]
    assert ("true", first.content) == (again.headers["idempotency-replayed"], again.content)


def test_two_servers_know_each_others_cursors(own_database: PostgresDatabase) -> None:
    settings = named(own_database)
    jo, _ = jo_and_ada(own_database)
    with serving(**settings) as one, serving("--no-relay", **settings) as other:
        first, second = one.client(jo.token), other.client(jo.token)
        made = [first.post("/ai-sessions", json=START).json()["id"] for _ in range(2)]
        page = first.get("/ai-sessions?limit=1").json()
        rest = second.get(f"/ai-sessions?limit=1&cursor={page['next_cursor']}").json()

    assert made[::-1] == [page["items"][0]["id"], rest["items"][0]["id"]]


@pytest.mark.parametrize(
    ("missing", "arguments", "hint"),
    [
        ("secret_key", (), "FLOWPILOT_SECRET_KEY"),
        ("relay_database_url", (), "--no-relay"),
    ],
)
def test_what_a_server_must_be_told_is_asked_for(
    own_database: PostgresDatabase, missing: str, arguments: tuple[str, ...], hint: str
) -> None:
    settings = {name: value for name, value in named(own_database).items() if name != missing}

    ended = ran("serve", "--port", "0", *arguments, **settings)

    assert 1 == ended.returncode
    assert hint in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_is_taken_is_said(own_database: PostgresDatabase) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = ran("serve", "--port", str(taken.getsockname()[1]), **named(own_database))

    assert 1 == ended.returncode
    assert "cannot listen on 127.0.0.1" in ended.stderr


def test_the_relay_alone_sends_what_the_server_left_to_it(own_database: PostgresDatabase) -> None:
    settings = named(own_database) | {"base_url": "https://flowpilot.example.test"}
    jo, ada = jo_and_ada(own_database)
    with serving("--no-relay", **settings) as server:
        client = server.client(jo.token)
        session = client.post("/ai-sessions", json=START).json()
        handoff = client.post(f"/ai-sessions/{session['id']}/handoff", json={"intent": "escalate", "reason": "Stuck"}).json()
        deliveries = f"/handoffs/{handoff['id']}/deliveries"
        before = client.get(deliveries).json()["items"]
        with running("relay", **settings) as relay:
            until(lambda: client.get(deliveries).json()["items"][0]["state"] == "sent")
            relay.asked_to_end()
            assert 0 == relay.ended()

    assert [(ada.id, "pending")] == [(delivery["user_id"], delivery["state"]) for delivery in before]
