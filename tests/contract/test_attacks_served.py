"""Attacks over the network: a served process on PostgreSQL, account A that has something of everything, and people of B who try.

Beside it another of the same database, which may ask addresses on this machine: it is told of an identity provider here.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from attrs import evolve, frozen

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.domain.actor import System
from flowpilot_core.domain.identifiers import AccountId
from flowpilot_core.domain.identity import audience
from tests.support.forging import FORGED, forged
from tests.support.http import a_world_in
from tests.support.mail_server import ScriptedServer
from tests.support.postgres import PostgresServer
from tests.support.provider import CLIENT, Provider
from tests.support.routes import things_of
from tests.support.serving import SECRET_KEY, Serving, named, serving, until
from tests.support.smuggling import ENCODED, SMUGGLED, one_mail

START = {"title": "No mail", "problem": "Nothing arrives"}
SENDER = "flowpilot@acme.test"
VARY = {"date", "x-request-id"}


@frozen(kw_only=True)
class Seeded:
    """What is in the database before anything is served."""

    tokens: list[str]
    ids: Mapping[str, str]
    leaver_id: str
    account_id: AccountId
    rival_account_id: AccountId
    link: str


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
    link: str
    """The end of an address that signs the engineer in."""
    mail: ScriptedServer
    neighbour: Provider
    """A's identity provider, which answers on this machine: nobody but `trusting` may ask it."""
    trusting: httpx.Client
    """Nobody yet, at the other process."""
    audience: str
    rivals_audience: str


@pytest.fixture(scope="module")
def neighbours() -> Iterator[tuple[Provider, ScriptedServer]]:
    """An identity provider and a mail server on this machine."""
    with start_blocking_portal() as portal, ExitStack() as stack:
        provider = stack.enter_context(portal.wrap_async_context_manager(Provider(SystemClock()).running()))
        yield provider, stack.enter_context(portal.wrap_async_context_manager(ScriptedServer().running()))


@pytest.fixture(scope="module")
def served(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory, neighbours: tuple[Provider, ScriptedServer]
) -> Iterator[Served]:
    database, (provider, mail) = postgres.database(), neighbours

    async def seeded() -> Seeded:
        storage, outbox = Database(database.app), SqlOutbox(database.relay)
        world = await a_world_in(storage.begin, storage.view, outbox, vault=AesGcmVault([SECRET_KEY.encode()]))
        ids = await things_of(world.junior, world.senior, world.owner)
        for account_id in (world.junior.account_id, world.rival.account_id):
            await world.flowpilot.identities.add(
                System(account_id=account_id, cause="a test"), name="Here", issuer=provider.issuer, client_id=CLIENT
            )
        signing_in = evolve(world.flowpilot.signing_in, clock=SystemClock())
        link = await signing_in.link(world.junior.account_id, world.junior.user.id)
        await storage.close()
        await outbox.close()
        return Seeded(
            tokens=[world.junior.token, world.rival_owner.token, world.rival.token],
            ids=ids,
            leaver_id=world.rival.id,
            account_id=world.junior.account_id,
            rival_account_id=world.rival.account_id,
            link=link,
        )

    settings = named(database) | {"smtp_url": mail.url, "mail_from": SENDER}
    folders = [str(tmp_path_factory.mktemp("data")) for _ in range(2)]
    with (
        serving(**{**settings, "data_dir": folders[0]}) as server,
        serving("--no-relay", **{**settings, "data_dir": folders[1], "allow_private_targets": "1"}) as other,
    ):
        seed = asyncio.run(seeded())
        address = server.says("serving")["address"]
        anna, rival, leaver = (
            server.clients.enter_context(httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=30))
            for token in seed.tokens
        )
        yield Served(
            server=server,
            anna=anna,
            rival=rival,
            leaver=leaver,
            leaver_id=seed.leaver_id,
            ids=seed.ids,
            account_id=str(seed.account_id),
            link=seed.link,
            mail=mail,
            neighbour=provider,
            trusting=other.client(),
            audience=audience(seed.account_id),
            rivals_audience=audience(seed.rival_account_id),
        )
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


def _browser(served: Served) -> httpx.Client:
    """Somebody's, at the served process."""
    return served.server.clients.enter_context(httpx.Client(base_url=served.anna.base_url, follow_redirects=True, timeout=30))


def _hidden(page: httpx.Response) -> Mapping[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)}


def test_a_stream_ends_when_its_browser_signs_out(served: Served) -> None:
    """A33: the cookie that opened it opens nothing more; the same person's token does."""
    browser = _browser(served)
    page = browser.get(f"/sign-in-link/{served.link}")
    page = browser.post(page.url, data=_hidden(page))
    kept = dict(browser.cookies)

    with browser.stream("GET", "/events") as stream:
        assert 200 == stream.status_code
        assert "/signed-out" == browser.post("/sign-out", data=_hidden(page)).url.path
        for _ in stream.iter_raw():
            pass

    assert kept
    assert 401 == httpx.get(f"{browser.base_url}/events", cookies=kept).status_code
    assert 200 == served.anna.get("/users/me").status_code


def test_a_forged_token_is_nobodys_and_sends_the_server_nowhere(served: Served) -> None:
    """A36: every way to forge one; each but for that would be good, as one that is not forged shows."""
    honest = served.neighbour.token(aud=served.audience)

    def asks(token: str) -> int:
        return served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}"}).status_code

    assert 200 == asks(honest)
    assert dict.fromkeys(FORGED, 401) == {how: asks(forged(served.neighbour, served.audience, how)) for how in FORGED}
    assert not [path for path in served.neighbour.asked if "thief" in path]


@pytest.mark.parametrize(
    "claims", [{"aud": CLIENT}, {"aud": None}, {"exp": 1}, {"exp": None}, {"nbf": 2**40}, {"iss": "https://other.test"}, {"sub": None}]
)
def test_a_token_for_somebody_else_or_another_time_is_nobodys(served: Served, claims: dict[str, Any]) -> None:
    """A36"""
    token = served.neighbour.token(**{"aud": served.audience, **claims})

    assert 401 == served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}"}).status_code


def test_a_token_for_one_account_is_nobody_in_another_that_trusts_the_same_provider(served: Served) -> None:
    """A36: A's person, vouched for by the provider that B trusts as well."""
    token = served.neighbour.token(aud=served.rivals_audience)

    assert 401 == served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}"}).status_code


def _spelled(served: Served) -> list[str]:
    """Addresses that lead to this machine, or to a cloud's own."""
    port = urlsplit(served.neighbour.issuer).port
    hosts = ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0")
    return [*(f"https://{host}:{port}" for host in hosts), served.neighbour.issuer, "https://169.254.169.254", "https://[fd00:ec2::254]"]


def test_nothing_that_an_account_enters_leads_into_the_network(served: Served) -> None:
    """A38: the base URL of a PSA, an issuer, a webhook; however the address is spelled, nobody is asked there, and it is said why."""
    before, told = len(served.neighbour.asked), []
    credentials = {"client_id": "a", "client_secret": "b"}
    new = {"system": "halopsa", "name": "Desk", "base_url": "https://psa.example", "credentials": credentials}
    connection = f"/psa-connections/{served.rival.post('/psa-connections', json=new).json()['id']}"

    for address in _spelled(served):
        served.rival.patch(connection, json={"base_url": address}).raise_for_status()
        tested = served.rival.post(f"{connection}/test").json()
        provider = served.rival.post("/identity-providers", json={"name": "x", "issuer": address, "client_id": "x"})
        hook = served.rival.post("/webhooks", json={"url": f"{address}/x", "kinds": ["handoff.escalated"], "name": "x"})
        assert (False, 422) == (tested["ok"], provider.status_code), address
        told += [tested["hint"], provider.json()["detail"], _refused(served.rival, hook)]

    assert before == len(served.neighbour.asked)
    assert [] == [said for said in told if "private network" not in said and "https://" not in said]


def _refused(client: httpx.Client, hook: httpx.Response) -> str:
    """What keeps a webhook from being told: at once, or as its log says of a test."""
    if not hook.is_success:
        return hook.text
    webhook, last_error = f"/webhooks/{hook.json()['id']}", ""
    client.post(f"{webhook}/test").raise_for_status()

    def tried() -> bool:
        nonlocal last_error
        last_error = client.get(f"{webhook}/deliveries").json()["items"][0]["last_error"]
        return bool(last_error)

    until(tried)
    return last_error


def test_no_redirect_is_followed(served: Served) -> None:
    """A38: not even where addresses on this machine may be asked."""
    away = httpx.Response(302, headers={"location": f"{served.neighbour.issuer}/metadata"})
    served.neighbour.answers |= {"/login/companyinfo/acme": lambda: away, "/x/.well-known/openid-configuration": lambda: away}
    owner = {"authorization": served.rival.headers["authorization"]}
    credentials = {"company_id": "acme", "public_key": "a", "private_key": "b", "client_id": "c"}
    new = {"system": "connectwise", "name": "Desk", "base_url": served.neighbour.issuer, "credentials": credentials}

    made = served.trusting.post("/psa-connections", json=new, headers=owner).json()
    tested = served.trusting.post(f"/psa-connections/{made['id']}/test", headers=owner).json()
    issuer = {"name": "x", "issuer": f"{served.neighbour.issuer}/x", "client_id": "x"}
    provider = served.trusting.post("/identity-providers", json=issuer, headers=owner)

    assert (False, 422) == (tested["ok"], provider.status_code), tested
    assert {"/login/companyinfo/acme", "/x/.well-known/openid-configuration"} <= set(served.neighbour.asked)
    assert "/metadata" not in served.neighbour.asked


def test_nothing_that_somebody_writes_makes_a_second_mail(served: Served) -> None:
    """A39: in the title of a session, its problem, the reason and the note of a handoff, and on the wire to a mail server."""
    session = served.anna.post("/ai-sessions", json={"title": ENCODED, "problem": SMUGGLED, "client_name": ENCODED}).json()
    handoff = {"intent": "escalate", "reason": SMUGGLED, "note": f"x\n.\n{SMUGGLED}"}
    made = served.anna.post(f"/ai-sessions/{session['id']}/handoff", json=handoff)
    assert 201 == made.status_code, made.text
    deliveries = f"/handoffs/{made.json()['id']}/deliveries"
    until(lambda: {"sent"} == {one["state"] for one in served.anna.get(deliveries).json()["items"] if one["channel"] == "email"})

    mails = [one for one in served.mail.accepted if made.json()["id"].encode() in one.raw]
    assert mails
    for mail in mails:
        one_mail(mail, sender=SENDER, to=mail.recipients[0])
    assert not [line for line in served.mail.commands if "evil" in line or "victim" in line]
