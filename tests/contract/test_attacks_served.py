"""Attacks over the network: a served process on PostgreSQL, account A that has something of everything, and people of B who try."""

import json
import re
import socket
from base64 import b32decode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from statistics import mean
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from flowpilot_adapters.openid import MOST_KEYS, RSA_BITS, RSA_EXPONENTS
from flowpilot_adapters.system import SystemClock
from flowpilot_core.domain.kernel.rate_limit import FAILED_FROM_ADDRESS
from flowpilot_core.domain.kernel.text import EVIDENCE
from tests.support.attacked import INVITED, NOT_MAILED, SENDER, Served, a_served, hidden, neighbours, waiting
from tests.support.forging import FORGED, forged
from tests.support.loop_lag import breathing
from tests.support.mail_server import Envelope
from tests.support.postgres import PostgresServer
from tests.support.provider import CLIENT, Provider, slow_keys
from tests.support.psa import AutotaskSimulator, HaloPsaSimulator, Note
from tests.support.serving import named, ran, until
from tests.support.smuggling import ENCODED, SMUGGLED, one_mail

KIB = 1024
MIB = KIB * KIB
START = {"title": "No mail", "problem": "Nothing arrives"}
VARY = {"date", "x-request-id"}
_SECRET = re.compile(r"fp[a-z]?_[a-z2-7]{26}_([a-z2-7]{52})_[0-9a-f]{8}")
"""The secret in a token, a link, a cookie or the address that a PSA calls."""


@pytest.fixture(scope="module")
def served(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = postgres.database()
    with neighbours() as around, a_served(database, around, tmp_path_factory.mktemp("served")) as served:
        yield served
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
        gone = served.rival.post(f"/users/{served.seeded.people['rita'].id}/deactivate", json={})
        assert 200 == gone.status_code, gone.text
        for _ in stream.iter_raw():
            pass

    assert 401 == served.leaver.get("/events").status_code


def test_a_stream_ends_when_its_browser_signs_out(served: Served) -> None:
    """A33: the cookie that opened it opens nothing more; the same person's token does."""
    browser, page = served.browser("jo")
    kept = dict(browser.cookies)

    with browser.stream("GET", "/events") as stream:
        assert 200 == stream.status_code
        assert "/signed-out" == browser.post("/sign-out", data=hidden(page)).url.path
        for _ in stream.iter_raw():
            pass

    assert kept
    assert 401 == httpx.get(f"{browser.base_url}/events", cookies=kept).status_code
    assert 200 == served.anna.get("/users/me").status_code


def test_a_forged_token_is_nobodys_and_sends_the_server_nowhere(served: Served) -> None:
    """A36: every way to forge one; each but for that would be good, as one that is not forged shows."""
    honest = served.neighbours.provider.token(aud=served.audience)

    def asks(token: str) -> int:
        return served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}"}).status_code

    assert 200 == asks(honest)
    assert dict.fromkeys(FORGED, 401) == {how: asks(forged(served.neighbours.provider, served.audience, how)) for how in FORGED}
    assert not [path for path in served.neighbours.provider.asked if "thief" in path]


@pytest.mark.parametrize(
    "claims", [{"aud": CLIENT}, {"aud": None}, {"exp": 1}, {"exp": None}, {"nbf": 2**40}, {"iss": "https://other.test"}, {"sub": None}]
)
def test_a_token_for_somebody_else_or_another_time_is_nobodys(served: Served, claims: dict[str, Any]) -> None:
    """A36"""
    token = served.neighbours.provider.token(**{"aud": served.audience, **claims})

    assert 401 == served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}"}).status_code


def test_a_token_for_one_account_is_nobody_in_another_that_trusts_the_same_provider(served: Served) -> None:
    """A36: A's person, vouched for by the provider that B trusts as well."""
    token = served.neighbours.provider.token(aud=served.rivals_audience)

    assert 401 == served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}"}).status_code


def _spelled(served: Served) -> list[str]:
    """Addresses that lead to this machine, or to a cloud's own."""
    port = urlsplit(served.neighbours.provider.issuer).port
    hosts = ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0")
    return [
        *(f"https://{host}:{port}" for host in hosts),
        served.neighbours.provider.issuer,
        "https://169.254.169.254",
        "https://[fd00:ec2::254]",
    ]


def test_nothing_that_an_account_enters_leads_into_the_network(served: Served) -> None:
    """A38: the base URL of a PSA, an issuer, a webhook; however the address is spelled, nobody is asked there, and it is said why."""
    before, told = len(served.neighbours.provider.asked), []
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

    assert before == len(served.neighbours.provider.asked)
    assert [] == [said for said in told if "private network" not in said and "https://" not in said]


def _refused(client: httpx.Client, hook: httpx.Response) -> str:
    """What keeps a webhook from being told: at once, or as its log says of a test."""
    if not hook.is_success:
        return hook.text
    webhook = f"/webhooks/{hook.json()['id']}"
    client.post(f"{webhook}/test").raise_for_status()

    def said() -> str:
        (message,) = client.get(f"{webhook}/deliveries").json()["items"]
        return str(message["last_error"] or "")

    until(lambda: said() != "")
    return said()


def test_no_redirect_is_followed(served: Served) -> None:
    """A38: not even where addresses on this machine may be asked."""
    away = httpx.Response(302, headers={"location": f"{served.neighbours.provider.issuer}/metadata"})
    served.neighbours.provider.answers |= {"/login/companyinfo/acme": lambda: away, "/x/.well-known/openid-configuration": lambda: away}
    owner = served.elsewhere(served.rival)
    credentials = {"company_id": "acme", "public_key": "a", "private_key": "b", "client_id": "c"}
    new = {"system": "connectwise", "name": "Desk", "base_url": served.neighbours.provider.issuer, "credentials": credentials}

    made = served.trusting.post("/psa-connections", json=new, headers=owner).json()
    tested = served.trusting.post(f"/psa-connections/{made['id']}/test", headers=owner).json()
    issuer = {"name": "x", "issuer": f"{served.neighbours.provider.issuer}/x", "client_id": "x"}
    provider = served.trusting.post("/identity-providers", json=issuer, headers=owner)

    assert (False, 422) == (tested["ok"], provider.status_code), tested
    assert {"/login/companyinfo/acme", "/x/.well-known/openid-configuration"} <= set(served.neighbours.provider.asked)
    assert "/metadata" not in served.neighbours.provider.asked


def test_nothing_that_somebody_writes_makes_a_second_mail(served: Served) -> None:
    """A39: in the title of a session, its problem, the reason and the note of a handoff, on the wire to a mail server."""
    for text in (SMUGGLED, f"x\n.\n{SMUGGLED}"):
        mails = served.mails(served.anna, served.escalated(served.anna, title=ENCODED, text=text))

        assert mails
        for mail in mails:
            one_mail(mail, sender=SENDER, to=mail.recipients[0])
    assert not [line for line in served.neighbours.mail.commands if "evil" in line or "victim" in line]


def test_what_people_write_is_text_in_mails_and_on_pages(served: Served) -> None:
    """A40: nothing is loaded, linked or run."""
    hostile = '<img src="https://canary.example/x"><script>canary()</script><a href="https://canary.example">x</a>'
    handoff_id = served.escalated(served.anna, title=hostile[:180], text=hostile)

    mail = next(one for one in served.mails(served.anna, handoff_id) if one.recipients == ("sam@example.test",))
    page = _claim_page(served, "sam", mail)

    for markup in (mail.message.html or "", page.text):
        assert "canary" in markup
        assert not [tag for tag in ('<img src="https://canary', "<script>", 'href="https://canary') if tag in markup]


def _claim_page(served: Served, name: str, mail: Envelope) -> httpx.Response:
    """Where the link of a mail leads whoever is signed in."""
    browser, _ = served.browser(name)
    return browser.get(_link(mail))


def _link(mail: Envelope) -> str:
    """The path of the link that a mail asks to follow."""
    (link,) = set(re.findall(r"https?://[^/\s]+(/claim/\S+)", mail.message.text))
    return str(link)


def test_the_link_in_a_mail_takes_nothing_by_itself(served: Served) -> None:
    """A35: a scanner that follows it and sends every form, somebody of another account, and whoever it was not for."""
    handoff_id = served.escalated(served.anna)
    mails = {one.recipients[0]: _link(one) for one in served.mails(served.anna, handoff_id)}
    scanner, (colleague, _), (stranger, page) = served.stranger(), served.browser("olga"), served.browser("rob")
    link = mails["sam@example.test"]

    for body in ({}, {"csrf_token": "x"}, hidden(scanner.get(link)), {"List-Unsubscribe": "One-Click"}):
        scanner.post(link, data=body)
        stranger.post(link, data={**hidden(page), **body})
        colleague.post(link, data={**hidden(colleague.get(mails["olga@example.test"])), **body})
    assert "open" == served.anna.get(f"/handoffs/{handoff_id}").json()["state"]

    own = colleague.get(mails["olga@example.test"])
    assert [200, 409] == [colleague.post(own.url, data=hidden(own)).status_code for _ in range(2)]
    assert "claimed" == served.anna.get(f"/handoffs/{handoff_id}").json()["state"]


def test_what_is_remembered_of_a_ticket_is_one_accounts(served: Served) -> None:
    """A32: two accounts with the same vendor, the same keys and the same ticket number, asked by turns."""
    with AutotaskSimulator.running() as theirs, AutotaskSimulator.running() as ours:
        told = []
        for who, psa, title in ((served.owner, ours, "Ours"), (served.rival, theirs, "Theirs")):
            psa.tickets[1001].title = title
            new = {"system": "autotask", "name": "Desk", "base_url": psa.url, "credentials": dict(psa.credentials)}
            assert 201 == served.trusting.post("/psa-connections", json=new, headers=served.elsewhere(who)).status_code
        for who in (served.owner, served.rival) * 2:
            told.append(served.trusting.get("/tickets/autotask/1001", headers=served.elsewhere(who)).json()["title"])

    assert ["Ours", "Theirs"] * 2 == told


def test_a_model_is_asked_with_the_case_of_one_account(served: Served) -> None:
    """A41: two accounts escalate the same, but for a word of each."""
    handoffs = [
        (who, served.escalated(who, title="VPN down", text=f"Nobody gets in since the update {canary}"))
        for who, canary in ((served.anna, "canary-ours"), (served.rival, "canary-theirs"))
    ]
    for who, handoff_id in handoffs:
        _assessed(who, handoff_id)

    asked = [served.neighbours.model.heard(number) for number in range(len(served.neighbours.model.requests))]
    assert {1} == {sum(canary in one for canary in ("canary-ours", "canary-theirs")) for one in asked if "canary-" in one}


def _assessed(who: httpx.Client, handoff_id: str) -> None:
    """Wait until a model has said what it thinks of a handoff."""
    until(lambda: who.get(f"/handoffs/{handoff_id}").json()["assessment"]["provider"] == "openai")


def test_a_copy_mails_only_whom_its_operator_named(served: Served) -> None:
    """A43: the others' deliveries are dead and say why, and the mail server never hears of them."""
    handoff_id = served.escalated(served.anna)
    mailed = {one.recipients[0] for one in served.mails(served.anna, handoff_id)}

    dead = [one for one in served.anna.get(f"/handoffs/{handoff_id}/deliveries").json()["items"] if one["state"] == "dead"]
    assert "sam@example.test" in mailed
    assert ["this installation mails only whom its operator named"] == [one["last_error"] for one in dead]
    assert not [line for line in served.neighbours.mail.commands if NOT_MAILED in line]


def _ways_in(served: Served) -> Mapping[str, str]:
    """Everything that lets somebody in or signs for us, as it was told once; what was asked for with a key may be kept for its repeats."""

    def made(path: str, body: Mapping[str, object] | None = None) -> Any:
        answer = served.owner.post(path, json=body or {}, headers={"Idempotency-Key": str(uuid4())})
        assert answer.is_success, answer.text
        return answer.json()

    credentials = {"company_id": "Acme", "public_key": "canary-public-4k", "private_key": "canary-private-9z", "client_id": "canary-id-3x"}
    connection = {"system": "connectwise", "name": "Desk", "base_url": "https://psa.example", "credentials": credentials}
    called = made(f"/psa-connections/{made('/psa-connections', connection)['id']}/webhook")
    hook = made("/webhooks", {"url": "https://hooks.example/canary-path-7q", "kinds": ["handoff.escalated"], "name": "Chat"})
    client = {"client_secret": "canary-client-2m"}
    served.owner.patch(f"/identity-providers/{served.ids['provider_id']}", json=client).raise_for_status()
    made("/users", {"email": INVITED, "name": "Nina", "role": "viewer"})
    until(lambda: served.owner.get("/users/me").is_success and any(one.recipients == (INVITED,) for one in served.neighbours.mail.accepted))
    (invitation,) = [one.message.text for one in served.neighbours.mail.accepted if one.recipients == (INVITED,)]
    browser, _ = served.browser("vera")
    (cookie,) = [value for name, value in browser.cookies.items() if name.endswith("sign_in")]
    return {
        **credentials,
        **client,
        "a webhook's address": "canary-path-7q",
        "a webhook's secret": hook["secret"],
        "its next secret": made(f"/webhooks/{hook['id']}/secret")["secret"],
        "a token": made("/tokens", {"name": "x"})["token"],
        "a token made by command": served.owner.headers["authorization"].removeprefix("Bearer "),
        "the address that a PSA calls": called["url"].rpartition("/")[2],
        "a sign-in link": served.seeded.links["rita"],
        "an invitation": next(_SECRET.finditer(invitation))[0],
        "a cookie": cookie,
    }


def test_whoever_has_a_copy_of_the_database_has_no_way_in(served: Served) -> None:
    """A43: no token, link, cookie, key or address that was ever told stands in any table, as it is or as bytes."""
    ways = {name: way for name, way in _ways_in(served).items() if name != "company_id"}
    tables = served.database.do("SELECT table_name FROM information_schema.tables WHERE table_schema = 'flowpilot'")
    kept = {table: str(served.database.do(f"SELECT row_to_json(one)::text FROM flowpilot.{table} AS one")) for (table,) in tables}

    assert [] == [(name, table) for name, way in ways.items() for table, rows in kept.items() if any(form in rows for form in _forms(way))]
    assert any(form in kept["person"] for form in _forms("nina@example.test")), "what is no secret is found"


def _forms(way: str) -> list[str]:
    """How something would look in a row: as text, as the bytes of that, and a token's secret as the bytes that it stands for."""
    found = _SECRET.search(way)
    secret = found[1] if found else way
    raw = [b32decode(secret.upper() + "====").hex()] if found else []
    return [secret, secret.encode().hex(), *raw]


def test_an_admin_who_runs_an_identity_provider_is_an_admin(served: Served) -> None:
    """A45: they neither add it nor turn the one that is trusted into a client of theirs, so that what it says of the owner is nobody's."""
    admin = served.trusting
    headers = {"authorization": f"Bearer {served.seeded.people['adam'].token}"}
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Provider(SystemClock()).running()) as theirs:
        new = {"name": "Theirs", "issuer": theirs.issuer, "client_id": CLIENT}
        added = admin.post("/identity-providers", json=new, headers=headers)
        changed = admin.patch(f"/identity-providers/{served.ids['provider_id']}", json={"client_id": "theirs"}, headers=headers)
        owner = theirs.token(aud=served.audience, sub="x", email="olga@example.test")
        answer = admin.get("/users/me", headers={"authorization": f"Bearer {owner}"})

        assert [(403, "role_forbidden")] * 2 == [(one.status_code, one.json()["code"]) for one in (added, changed)]
        assert (401, []) == (answer.status_code, theirs.asked)


def test_the_owners_deeds_say_by_which_way_in_they_were_done(served: Served) -> None:
    """A45: the provider that both accounts trust vouches for the owner, as it may; whoever reads the log sees that it was not her token."""
    vouched = served.neighbours.provider.token(aud=served.audience, sub="subject of Olga", email="olga@example.test")

    made = served.trusting.post("/teams", json={"name": "Vouched"}, headers={"authorization": f"Bearer {vouched}"})
    served.owner.post("/teams", json={"name": "By token"}).raise_for_status()

    by_token, by_provider = served.owner.get("/audit-log?limit=2").json()["items"]
    providers = {one["issuer"]: one["id"] for one in served.owner.get("/identity-providers").json()["items"]}
    assert 201 == made.status_code, made.text
    assert by_token["by"] == by_provider["by"]
    assert {"way": "provider", "id": providers[served.neighbours.provider.issuer]} == by_provider["way_in"]
    assert "token" == by_token["way_in"]["way"]


def _waits(served: Served) -> float:
    """Seconds that somebody of A waits for the queue at the other process."""
    began = perf_counter()
    served.trusting.get("/handoffs/queue", headers=served.elsewhere(served.anna)).raise_for_status()
    return perf_counter() - began


@pytest.mark.parametrize(
    ("address", "keys"),
    [("203.0.113.77", slow_keys()), ("203.0.113.78", slow_keys(MOST_KEYS, bits=RSA_BITS[-1], exponent=RSA_EXPONENTS[-1]))],
    ids=["236 of 3,072 bits with exponents of 3,071", "the slowest that count, and as many"],
)
def test_a_provider_whose_keys_take_long_to_verify_with_holds_nobody_up(
    served: Served, address: str, keys: list[Mapping[str, Any]]
) -> None:
    """A46: and tokens that name none of them; what fails is counted, as any other sign-in."""
    owner = served.elsewhere(served.rival)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Provider(SystemClock()).running()) as theirs:
        new = {"name": "Slow", "issuer": theirs.issuer, "client_id": CLIENT}
        provider = served.trusting.post("/identity-providers", json=new, headers=owner).json()
        theirs.published, theirs.header, before = keys, {"kid": None}, len(theirs.asked)
        token = theirs.token(aud=served.rivals_audience)

        def tries(_: int) -> int:
            return served.trusting.get("/users/me", headers={"authorization": f"Bearer {token}", "x-forwarded-for": address}).status_code

        idle = mean(_waits(served) for _ in range(50))
        with breathing(served.trusting, idle=served.anna), ThreadPoolExecutor(10) as ten:
            trying = ten.map(tries, range(FAILED_FROM_ADDRESS.most))
            meanwhile = mean(_waits(served) for _ in range(50))
            failed = list(trying)
        after, asked = tries(0), len(theirs.asked) - before
        removed = served.trusting.delete(f"/identity-providers/{provider['id']}", headers=owner)

    assert ({401}, 429, 204) == (set(failed), after, removed.status_code)
    assert 2 == asked, "one look: what it publishes, and its keys"
    # With the first of these keys, verified on the loop, it was 600 times, and the loop stood still for a second and more.
    assert meanwhile < 20 * idle


def test_not_even_where_private_addresses_may_be_asked_does_a_cloud_tell_its_secrets(served: Served) -> None:
    """A48: Azure's own address, which is one of the open internet, and that of most clouds."""
    told = []
    for address in ("http://168.63.129.16", "https://[::ffff:168.63.129.16]", "http://169.254.169.254", "http://[fd00:ec2::254]"):
        new = {"name": "x", "issuer": address, "client_id": "x"}
        refused = served.trusting.post("/identity-providers", json=new, headers=served.elsewhere(served.rival))
        told.append((refused.status_code, "what a cloud answers its own machines at" in refused.text))
    guarded = served.rival.post("/identity-providers", json={"name": "x", "issuer": "https://168.63.129.16", "client_id": "x"})

    assert [(422, True)] * 4 == told
    assert (422, True) == (guarded.status_code, "private network" in guarded.text)


def test_no_name_turns_what_is_beside_it_round_or_moves_a_terminal(served: Served) -> None:
    """A47: over HTTP none is taken, and what an older version took is shown escaped by the commands."""
    new = {"/webhooks": {"url": "https://x.example", "kinds": ["handoff.escalated"]}, "/tokens": {}}
    unseen = ("\x1b[2J", "\x07", "a\r\nb", "a\u202eb", "a\u200bb", "a\u2066b")
    asked = [served.owner.post(path, json={**new[path], "name": name}) for path in new for name in unseen]
    served.owner.post("/tokens", json={"name": "OLD"}).raise_for_status()
    served.database.do("UPDATE flowpilot.api_token SET name = E'\\x1b[2J\\u202edlo' WHERE name = 'OLD'")
    asks = ("token", "list", "--account", served.account_id, "--user", served.seeded.people["olga"].id)
    shown, as_json = ran(*asks, **named(served.database)), ran(*asks, "--json", **named(served.database))

    assert [(422, "/name")] * len(asked) == [(one.status_code, one.json()["errors"][0]["pointer"]) for one in asked]
    assert "\\x1b[2J\\u202edlo" in shown.stdout
    assert "\\u001b[2J\\u202edlo" in as_json.stdout
    assert not {"\x1b", "\u202e"} & {*shown.stdout, *as_json.stdout}


def _is_assessed(who: httpx.Client, handoff_id: str) -> bool:
    return bool(who.get(f"/handoffs/{handoff_id}").json()["assessment"]["state"] == "ready")


def test_texts_that_make_redaction_slow_delay_nobody(served: Served) -> None:
    """A55: twelve escalations of 9 MB of line ends and of names for secrets; another account's urgent mail came after 74 seconds."""
    text = {"line ends": "\n" * (255 * KIB) + "x", "names": "pwd=xxxxxxx " * (255 * KIB // 12)}
    urgent = {"intent": "escalate", "reason": "nobody can print", "priority": "urgent"}
    sessions = [served.rival.post("/ai-sessions", json=START).json()["id"] for _ in range(12)]
    for number, session in enumerate(sessions):
        step = {"kind": "note", "content": "a log", "evidence": text["names" if number % 2 else "line ends"]}
        for _ in range(36):
            assert 201 == served.rival.post(f"/ai-sessions/{session}/steps", json=step).status_code
    with breathing(served.anna, idle=served.trusting):
        theirs = [served.rival.post(f"/ai-sessions/{session}/handoff", json=urgent).json()["id"] for session in sessions]

        mine = served.escalated(served.anna, title="Nobody can print", text="Since noon")
        told = served.mails(served.anna, mine)
        for handoff_id in theirs:  # Those that take long are done too, in the end.
            until(partial(_is_assessed, served.rival, handoff_id))

    assert "sam@example.test" in {address for mail in told for address in mail.recipients}


def test_a_head_of_128_mib_is_refused_and_delays_nobody(served: Served) -> None:
    """A50: by somebody who is not signed in. The loop held others up for seven seconds, and 200 MiB were taken."""
    memory = served.memory()
    with breathing(served.anna, idle=served.trusting), served.connected() as sock:
        said = _sent_until_refused(sock, b"GET / HTTP/1.1\r\nHost: here\r\nX: ", 128 * MIB)

    assert said.startswith(b"HTTP/1.1 431 ")
    assert 64 * MIB > served.memory() - memory


def test_heads_and_bodies_that_come_for_ever_end(served: Served) -> None:
    """A50, A51: a byte now and then kept a connection for as long as somebody liked."""
    before = served.ended("head_too_slow"), served.ended("body_too_slow")
    begun = {
        "silent": b"",
        "head": b"GET / HTTP/1.1\r\nX: ",
        "body": b"POST /ai-sessions HTTP/1.1\r\nHost: here\r\nAuthorization: %s\r\nContent-Length: 90000\r\n\r\n"
        % _token(served.anna).encode(),
    }
    with ExitStack() as stack:
        dripping = {what: stack.enter_context(served.connected()) for what in begun}
        for what, sock in dripping.items():
            sock.sendall(begun[what])
            sock.settimeout(0.5)
        ended = [what for what, sock in dripping.items() if _drips_until_it_ends(sock, b"" if what == "silent" else b"x")]

    assert ["silent", "head", "body"] == ended
    assert (before[0] + 2, before[1] + 1) == (served.ended("head_too_slow"), served.ended("body_too_slow"))


def test_answers_of_many_mib_that_nobody_reads_take_no_memory_and_end(served: Served) -> None:
    """A51: 20 of them took 1.25 GiB, for ever."""
    session = served.anna.post("/ai-sessions", json=START).json()["id"]
    for _ in range(60):
        step = {"kind": "note", "content": "a log", "evidence": "a line of it\n" * (256 * KIB // 13)}
        assert 201 == served.anna.post(f"/ai-sessions/{session}/steps", json=step).status_code
    assert 15 * MIB < len(served.anna.get(f"/ai-sessions/{session}").content)
    memory, before = served.memory(), served.ended("unread")

    with ExitStack() as stack:
        for _ in range(20):
            sock = stack.enter_context(served.connected(reads=4 * KIB))
            sock.sendall(f"GET /ai-sessions/{session} HTTP/1.1\r\nHost: here\r\nAuthorization: {_token(served.anna)}\r\n\r\n".encode())
        until(lambda: before + 20 == served.ended("unread"))

    assert 64 * MIB > served.memory() - memory


def test_as_many_silent_connections_as_there_may_be_keep_nobody_out(served: Served) -> None:
    """A52: they filled the limit of files, and nobody else was let in."""
    with ExitStack() as stack:
        with breathing(served.anna, idle=served.trusting):
            silent = [stack.enter_context(served.connected()) for _ in range(12_500)]

            for _ in range(10):
                assert 200 == served.stranger().get("/health/live").status_code
        assert 500 <= served.ended("made_room") + served.ended("head_too_slow")
        assert 12_000 >= served.figure("flowpilot_connections")
        for sock in silent:
            while sock.recv(KIB):
                pass
    until(lambda: 100 > int(served.figure("flowpilot_connections")))


def _sent_until_refused(sock: socket.socket, first: bytes, size: int) -> bytes:
    """Send that many bytes more, or as many as the other side takes; what it said."""
    sock.sendall(first)
    part = b"x" * MIB
    with suppress(ConnectionError):
        for _ in range(size // MIB):
            sock.sendall(part)
    return sock.recv(KIB)


def _drips_until_it_ends(sock: socket.socket, drop: bytes) -> bool:
    while True:
        try:
            sock.sendall(drop)
            return not sock.recv(KIB)
        except TimeoutError:
            continue
        except ConnectionError:
            return True


def _token(who: httpx.Client) -> str:
    return who.headers["authorization"]


def test_repeats_of_large_answers_keep_next_to_nothing(served: Served) -> None:
    """A53: what twelve requests of 52 bytes kept was twelve times the session."""
    session = served.anna.post("/ai-sessions", json=START).json()["id"]
    for _ in range(8):
        step = {"kind": "note", "content": "a log", "evidence": "a line of it\n" * (256 * KIB // 13)}
        assert 201 == served.anna.post(f"/ai-sessions/{session}/steps", json=step).status_code
    ask = {"json": {"rating": 1}, "headers": {"Idempotency-Key": str(uuid4())}}
    step_id = served.anna.get(f"/ai-sessions/{session}").json()["steps"][0]["id"]

    first, again = [served.anna.post(f"/ai-sessions/{session}/steps/{step_id}/feedback", **ask) for _ in range(2)]  # type: ignore[arg-type]

    assert 2 * MIB < len(first.content)
    assert (200, "true", first.json()) == (again.status_code, again.headers["idempotency-replayed"], again.json())
    ((kept,),) = served.database.do("SELECT max(length(body)) FROM flowpilot.idempotency_key")
    assert 64 * KIB >= kept


def test_a_person_who_opens_all_the_streams_they_can_leaves_them_to_others(served: Served) -> None:
    """A54"""
    with ExitStack() as stack:
        for _ in range(30):
            sock = stack.enter_context(served.connected())
            sock.sendall(f"GET /events HTTP/1.1\r\nHost: here\r\nAuthorization: {_token(served.anna)}\r\n\r\n".encode())
        until(lambda: 20 == served.figure("flowpilot_streams"))
        refused = served.anna.get("/events")
        with served.rival.stream("GET", "/events") as other:
            assert 200 == other.status_code

    assert (429, "rate_limited") == (refused.status_code, refused.json()["code"])


def test_whatever_a_vendors_note_holds_keeps_nobody_waiting(served: Served) -> None:
    """A57: notes of a ticket, of what begins a tag or an entity over and over, as many as an answer has room for."""
    with HaloPsaSimulator.running() as psa:
        ours, theirs = served.elsewhere(served.owner), served.elsewhere(served.rival)
        new = {"system": "halopsa", "name": "Desk", "base_url": psa.url, "credentials": dict(psa.credentials)}
        assert 201 == served.trusting.post("/psa-connections", json=new, headers=ours).status_code
        for over_and_over, size in (("<", 128), ("<br", 128), ("</p ", 128), ("< ", 128), ("<!--", 128), ("&#9", 128), ("<", 3_500)):
            raw = {"id": 1, "note_html": over_and_over * (size * 1024 // len(over_and_over)), "who": "A", "datetime": "2026-11-02T09:00:00"}
            psa.tickets[1001].notes[:] = [Note(1, "", public=True, raw=raw)]

            def read() -> None:
                assert 200 == served.trusting.get("/tickets/halopsa/1001", headers=ours).status_code

            waited = waiting(served.trusting, read, headers=theirs, idle=served.anna)
            assert waited.fairly, (over_and_over, size, waited)


def _grown(served: Served, evidence: Sequence[str]) -> str:
    """A session of A with a step for each."""
    session = served.anna.post("/ai-sessions", json=START).json()["id"]
    for seen in evidence:
        step = {"kind": "action", "content": "Restarted it", "result": "failed", "evidence": seen}
        assert 201 == served.anna.post(f"/ai-sessions/{session}/steps", json=step).status_code
    return str(session)


@pytest.mark.parametrize("run", ["a", "7", "Ab3", "\n"])
def test_a_session_full_of_unbroken_runs_keeps_nobody_waiting(served: Served, run: str) -> None:
    """A58: as much evidence as a session may have, read in every way there is; and it is handed off all the same."""
    session = _grown(served, [(run * EVIDENCE)[:EVIDENCE]] * 60)

    def read() -> None:
        assert 200 == served.anna.get("/handoffs/preview", params={"session_id": session}).status_code
        assert 200 == served.anna.get(f"/ai-sessions/{session}").status_code
        assert 201 == served.anna.post(f"/ai-sessions/{session}/handoff", json={"intent": "park", "reason": "For later"}).status_code
        assert 200 == served.anna.post(f"/ai-sessions/{session}/resume", json={}).status_code
        assert 201 == served.anna.post(f"/ai-sessions/{session}/suggestions", json={}).status_code
        escalation = served.anna.post(f"/ai-sessions/{session}/handoff", json={"intent": "escalate", "reason": "Stuck"}).json()["id"]
        until(partial(_is_assessed, served.anna, escalation))
        assert 200 == served.anna.post(f"/handoffs/{escalation}/withdraw", json={}).status_code
        assert 200 == served.anna.post(f"/ai-sessions/{session}/resolve", json={"summary": "It was that"}).status_code

    waited = waiting(served.rival, read, idle=served.trusting)

    assert waited.fairly, waited


def test_a_session_whose_hypotheses_share_their_words_keeps_nobody_waiting(served: Served) -> None:
    """A58: 96 branches, each with as long a hypothesis as there may be, and one suggestion."""
    session = _grown(served, [""])
    detail = served.anna.get(f"/ai-sessions/{session}").json()
    words = "the driver port spooler switch cable firewall certificate mailbox profile " * 250
    for fork in range(12):
        options = [{"label": f"Way {fork}.{one}", "hypothesis": f"{words} {fork} {one}"} for one in range(8)]
        made = {"at_step_id": detail["steps"][0]["id"], "reason": "Several ways", "options": options}
        assert 201 == served.anna.post(f"/ai-sessions/{session}/forks", json=made).status_code

    def suggest() -> None:
        assert 201 == served.anna.post(f"/ai-sessions/{session}/suggestions", json={}).status_code

    waited = waiting(served.rival, suggest, idle=served.trusting)

    assert waited.fairly, waited


def test_a_session_that_is_full_says_so_and_can_be_handed_off_and_resolved(served: Served) -> None:
    """A58: branches split off branches for as long as it goes, and evidence for as long as there is room."""
    session, levels = _grown(served, []), 0
    while True:
        step = served.anna.post(f"/ai-sessions/{session}/steps", json={"kind": "action", "content": "Looked"}).json()
        options = [{"label": one, "hypothesis": f"it is {one}"} for one in ("this", "that")]
        fork = {"at_step_id": step["id"], "reason": "Two ways", "options": options}
        refused = served.anna.post(f"/ai-sessions/{session}/forks", json=fork)
        if refused.status_code != 201:
            break
        levels += 1

    assert (409, "session_full", "levels", levels) == (
        refused.status_code,
        *(refused.json()[name] for name in ("code", "bound", "most")),
    )
    assert 201 == served.anna.post(f"/ai-sessions/{session}/handoff", json={"intent": "park", "reason": "For later"}).status_code
    assert 200 == served.anna.post(f"/ai-sessions/{session}/resume", json={}).status_code
    assert 200 == served.anna.post(f"/ai-sessions/{session}/resolve", json={"summary": "It was that"}).status_code
