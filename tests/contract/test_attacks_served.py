"""Attacks over the network: one served process on PostgreSQL, account A that has something of everything, and people of B who try."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from attrs import frozen

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.vault import AesGcmVault
from tests.support.http import a_world_in
from tests.support.postgres import PostgresServer
from tests.support.routes import things_of
from tests.support.serving import SECRET_KEY, Serving, named, serving

START = {"title": "No mail", "problem": "Nothing arrives"}
VARY = {"date", "x-request-id"}


@frozen(kw_only=True)
class Served:
    """A server, an engineer of A with what is there, the owner of B, and somebody of B who is about to go."""

    server: Serving
    anna: httpx.Client
    rival: httpx.Client
    leaver: httpx.Client
    leaver_id: str
    ids: Mapping[str, str]
    account_id: str


@pytest.fixture(scope="module")
def served(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = postgres.database()

    async def seeded() -> tuple[list[str], Mapping[str, str], str, str]:
        storage, outbox = Database(database.app), SqlOutbox(database.relay)
        world = await a_world_in(storage.begin, storage.view, outbox, vault=AesGcmVault([SECRET_KEY.encode()]))
        ids = await things_of(world.junior, world.senior, world.owner)
        await storage.close()
        await outbox.close()
        tokens = [world.junior.token, world.rival_owner.token, world.rival.token]
        return tokens, ids, world.rival.id, str(world.junior.account_id)

    tokens, ids, leaver_id, account_id = asyncio.run(seeded())
    with serving("--no-relay", **{**named(database), "data_dir": str(tmp_path_factory.mktemp("data"))}) as server:
        address = server.says("serving")["address"]
        anna, rival, leaver = (
            server.clients.enter_context(httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=30))
            for token in tokens
        )
        yield Served(server=server, anna=anna, rival=rival, leaver=leaver, leaver_id=leaver_id, ids=ids, account_id=account_id)
    postgres.drop(database)


def _told(answer: httpx.Response) -> tuple[int, str, Mapping[str, str]]:
    return answer.status_code, answer.text, {name: value for name, value in answer.headers.items() if name not in VARY}


def test_whatever_is_asked_of_anothers_thing_is_answered_as_if_it_never_was(served: Served) -> None:
    """A27, A28: every operation of the document with an id in its path, by the owner of another account."""
    asked = 0
    for path, operations in served.rival.get("/openapi.json").json()["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        if not names or not served.ids.keys() >= set(names):
            continue
        theirs = path.format(**{name: served.ids[name] for name in names})
        nobodys = path.format(**{name: str(uuid4()) for name in names})
        for method in sorted(operations.keys() & {"get", "post", "patch", "put", "delete"}):
            body: dict[str, object] | None = None if method in ("get", "delete") else {}
            missing, foreign = (served.rival.request(method, one, json=body) for one in (nobodys, theirs))
            assert 404 == foreign.status_code, (method, path, foreign.text)
            assert _told(missing) == _told(foreign), (method, path)
            asked += 1

    assert 40 < asked


def test_no_header_query_or_body_names_the_account_to_act_in(served: Served) -> None:
    """A28, A29."""
    headers = {"X-Account": served.account_id, "X-Account-Id": served.account_id}

    assert [] == served.rival.get("/ai-sessions", headers=headers).json()["items"]
    assert 400 == served.rival.get("/ai-sessions", params={"account_id": served.account_id}).status_code
    for extra in ("account_id", "assignee_id", "status", "created_by", "role"):
        refused = served.rival.post("/ai-sessions", json={**START, extra: served.account_id})
        assert (400, "unknown_field") == (refused.status_code, refused.json()["code"]), extra


def test_a_cursor_of_another_account_or_a_changed_one_is_none(served: Served) -> None:
    """A30."""
    for _ in range(2):
        served.anna.post("/ai-sessions", json=START)
    cursor = served.anna.get("/ai-sessions?limit=1").json()["next_cursor"]

    changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    answers = [served.rival.get("/ai-sessions", params={"cursor": cursor}), served.anna.get("/ai-sessions", params={"cursor": changed})]

    assert [(400, "invalid_cursor")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in answers]


def test_an_etag_of_another_account_opens_nothing(served: Served) -> None:
    """A31."""
    path = f"/handoffs/{served.ids['handoff_id']}/snapshot"
    etag = served.anna.get(path).headers["etag"]

    assert 304 == served.anna.get(path, headers={"If-None-Match": etag}).status_code
    for guess in (etag, "*"):
        assert 404 == served.rival.get(path, headers={"If-None-Match": guess}).status_code


def test_one_key_in_two_accounts_is_two_requests(served: Served) -> None:
    """A34."""
    key = {"Idempotency-Key": str(uuid4())}

    ours = served.anna.post("/ai-sessions", json=START, headers=key)
    theirs = served.rival.post("/ai-sessions", json=START, headers=key)

    assert (201, 201) == (ours.status_code, theirs.status_code)
    assert ours.json()["id"] != theirs.json()["id"]
    assert "idempotency-replayed" not in theirs.headers
    assert ours.json() == served.anna.post("/ai-sessions", json=START, headers=key).json()


def test_what_is_sent_forges_no_line_of_the_log_and_is_not_in_it(served: Served) -> None:
    """A42: line breaks, quotes and terminal codes, in the path, in a query and in headers."""
    forged = 'canary"}\n{"event": "forged"}\r\n\x1b[31m'
    hostile = httpx.QueryParams({"q": forged})
    headers = {"User-Agent": 'canary"} {"event": "forged"}', "X-Request-Id": 'canary"}\t{"event": "forged"}'}

    for path in (f"/ai-sessions?{hostile}", f"/{hostile}", f"/ai-sessions/{hostile}"):
        assert served.anna.get(path, headers=headers).status_code in (400, 404)
    served.anna.get("/handoffs/queue", headers={"X-Request-Id": "the-end"})

    line: Mapping[str, Any] = {}
    while line.get("request_id") != "the-end":
        line = served.server.lines.get(timeout=30) or {"event": "ended"}
        assert line["event"] not in ("forged", "not json", "ended"), line
        assert "canary" not in json.dumps(line)


def test_a_stream_ends_when_its_person_is_deactivated(served: Served) -> None:
    """A33: and nothing of theirs opens another."""
    with served.leaver.stream("GET", "/events") as stream:
        assert 200 == stream.status_code
        gone = served.rival.post(f"/users/{served.leaver_id}/deactivate", json={})
        assert 200 == gone.status_code, gone.text
        for _ in stream.iter_raw():
            pass

    assert 401 == served.leaver.get("/events").status_code
