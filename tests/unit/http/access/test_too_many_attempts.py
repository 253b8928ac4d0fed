"""Sign-ins that fail too often: what is counted, where, and who is never refused for it."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from flowpilot_adapters.system import new_secret
from flowpilot_core.application.kernel.counting import TalliesHere
from flowpilot_core.domain.access.identity_provider import audience
from flowpilot_core.domain.kernel.errors import TooManyAttempts, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.rate_limit import FAILED_AT_ACCOUNT, FAILED_FROM_ADDRESS, Rate
from flowpilot_core.domain.kernel.secret_text import Prefix, token_text
from flowpilot_http.auth.attempts import Attempts, source
from flowpilot_http.auth.limiter import Limiter
from flowpilot_http.server import address, listening, serve
from tests.support.browser import Browser
from tests.support.http import World, client_of
from tests.support.trust import Trust, a_trust

pytestmark = pytest.mark.anyio

ACCOUNT = AccountId(UUID(int=1))
HERE, ELSEWHERE = {"client": ("192.0.2.1", 1)}, {"client": ("192.0.2.2", 1)}
JSON = "application/problem+json"


class _Attempts:
    """Attempts before a clock that is set, and what fails there."""

    def __init__(self) -> None:
        self.time = 0.0
        self.attempts = Attempts(monotonic=lambda: self.time)

    def fails(self, scope: Mapping[str, Any], credential: str = "x") -> int | None:
        """For how long somebody is sent away; None for a plain refusal."""
        try:
            with self.attempts.trying(scope, credential):
                raise Unauthenticated
        except TooManyAttempts as refused:
            return refused.retry_after
        except Unauthenticated:
            return None


def _token(account_id: AccountId = ACCOUNT, prefix: Prefix = Prefix.API) -> str:
    """One that looks right and is nobody's."""
    return token_text(account_id, new_secret(), prefix)


def test_after_too_many_from_an_address_only_what_fails_there_is_sent_away_and_only_for_a_while() -> None:
    door = _Attempts()
    refused = [door.fails(HERE) for _ in range(FAILED_FROM_ADDRESS.most)]
    door.time = 10.5

    with door.attempts.trying(HERE, "a good one"):
        pass

    assert {None} == set(refused)
    assert (290, None) == (door.fails(HERE), door.fails(ELSEWHERE))
    door.time = 300
    assert None is door.fails(HERE)


def test_after_too_many_at_an_account_what_fails_there_is_sent_away_wherever_it_comes_from() -> None:
    door = _Attempts()
    for number in range(FAILED_AT_ACCOUNT.most):
        assert None is door.fails({"client": (f"192.0.2.{number % 200}", 1)}, _token())

    assert (300, None) == (door.fails({"client": ("198.51.100.1", 1)}, _token()), door.fails(HERE, _token(AccountId(UUID(int=2)))))


def test_a_jwt_that_fails_counts_at_the_account_that_it_names() -> None:
    """A46: of whichever provider, and with whatever key."""
    door = _Attempts()
    claims = urlsafe_b64encode(json.dumps({"aud": audience(ACCOUNT), "iss": "https://login.example"}).encode()).decode()
    for number in range(FAILED_AT_ACCOUNT.most):
        assert None is door.fails({"client": (f"192.0.2.{number % 200}", 1)}, f"e30.{claims}.{number}")

    assert (300, None) == (door.fails(HERE, f"e30.{claims}.x"), door.fails(HERE, _token(AccountId(UUID(int=2)))))


def test_who_is_sent_away_from_an_address_uses_nothing_up_at_the_account() -> None:
    door = _Attempts()
    for _ in range(FAILED_FROM_ADDRESS.most + FAILED_AT_ACCOUNT.most):
        door.fails(HERE, _token())

    assert None is door.fails(ELSEWHERE, _token())


def test_of_more_names_than_there_is_room_for_those_heard_of_last_are_remembered() -> None:
    limiter = Limiter(Rate(most=1, within=timedelta(minutes=1)), TalliesHere(names=3), monotonic=lambda: 0.0)
    for number in range(100):
        limiter.count(f"name {number}")
        limiter.count("busy") if number == 0 else limiter.wait("busy")

    assert [60, 60, 60, 0, 0] == [limiter.wait(name) for name in ("busy", "name 99", "name 98", "name 97", "name 0")]


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("x" * 9000, 5), "x" * 64),
        (None, ""),
    ],
)
def test_whoever_has_a_network_to_himself_is_one(client: tuple[str, int] | None, name: str) -> None:
    assert name == source({"client": client})


async def _asked(client: httpx.AsyncClient, authorization: str) -> httpx.Response:
    return await client.get("/ai-sessions", headers={"authorization": authorization})


async def _used_up(world: World, *, but_for: int = 0) -> None:
    """Nobody may fail any more, or so often, from the address of everybody in these tests."""
    for _ in range(FAILED_FROM_ADDRESS.most - but_for):
        assert 401 == (await _asked(world.nobody, "Bearer x")).status_code


@pytest.mark.parametrize("authorization", ["Bearer x", "Bearer {token}", "Bearer e30.eyJhdWQiOiJ4In0.x", "Basic x"])
async def test_guessing_at_tokens_ends_and_a_good_one_passes_meanwhile(world: World, authorization: str) -> None:
    """A44"""
    authorization = authorization.format(token=_token(world.junior.account_id))
    await _used_up(world)

    answer = await _asked(world.nobody, authorization)

    assert (429, "rate_limited", JSON) == (answer.status_code, answer.json()["code"], answer.headers["content-type"])
    assert 0 < int(answer.headers["retry-after"]) <= 300
    assert (200, 200) == ((await world.junior.get("/ai-sessions")).status_code, (await world.rival.get("/ai-sessions")).status_code)
    assert 401 == (await _asked(client_of(world.app, address="198.51.100.1"), authorization)).status_code


async def test_guessing_at_one_account_from_many_addresses_ends(world: World) -> None:
    """A44"""
    guess = f"Bearer {_token(world.junior.account_id)}"
    for number in range(FAILED_AT_ACCOUNT.most):
        if number % FAILED_FROM_ADDRESS.most == 0:
            client = client_of(world.app, address=f"198.51.100.{number // FAILED_FROM_ADDRESS.most}")
        assert 401 == (await _asked(client, guess)).status_code

    fresh = client_of(world.app, address="203.0.113.1")

    assert 429 == (await _asked(fresh, guess)).status_code
    assert 200 == (await _asked(fresh, f"Bearer {world.junior.token}")).status_code
    assert 401 == (await _asked(fresh, f"Bearer {_token(world.rival.account_id)}")).status_code


async def test_who_tries_nothing_is_asked_to_sign_in_however_often(world: World) -> None:
    await _used_up(world)

    assert 401 == (await world.nobody.get("/ai-sessions")).status_code


async def test_a_link_that_is_no_good_is_counted_and_a_good_one_signs_in(world: World) -> None:
    """A44"""
    link = await world.flowpilot.signing_in.link(world.junior.account_id, world.junior.user.id)
    await _used_up(world, but_for=1)

    guesses = [await _pressed(world, _token(world.junior.account_id, Prefix.LINK)) for _ in range(2)]

    assert [401, 429] == [page.status_code for page in guesses]
    assert ("text/html; charset=utf-8", True) == (guesses[1].headers["content-type"], "retry-after" in guesses[1].headers)
    assert "You are Jo, engineer" in (await _pressed(world, link)).text


async def _pressed(world: World, link: str) -> httpx.Response:
    """Where the button of a link that signs in leads to."""
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{link}")
    return await browser.send()


async def test_codes_are_asked_for_and_typed_so_often_and_a_good_one_signs_in(world: World) -> None:
    """A44"""
    browser = Browser(world.app)
    await browser.open(f"/sign-in/{world.junior.account_id}")
    await browser.send(email="jo@example.test")
    await world.relay_runs()
    code = world.mailbox.messages[-1].text.split("    ")[1].split()[0]
    await _used_up(world, but_for=2)  # Asking was one.

    assert [401, 429] == [(await browser.send(code="x")).status_code for _ in range(2)]
    stranger = Browser(world.app)
    await stranger.open(f"/sign-in/{world.junior.account_id}")
    assert 429 == (await stranger.send(email="sam@example.test")).status_code
    await world.relay_runs()
    assert ["jo@example.test"] == world.mailbox.recipients
    await browser.open(f"/sign-in/{world.junior.account_id}/code")
    assert "You are Jo, engineer" in (await browser.send(code=code)).text


async def test_a_proxy_on_this_machine_is_believed_whom_it_speaks_for(world: World) -> None:
    listener, stop = listening("127.0.0.1", 0), asyncio.Event()
    async with asyncio.TaskGroup() as tasks, httpx.AsyncClient(base_url=address(listener), trust_env=False) as proxy:
        tasks.create_task(serve(world.app, listener, stop))

        async def fails(spoken_for: str) -> int:
            headers = {"authorization": "Bearer x", "x-forwarded-for": spoken_for}
            return (await proxy.get("/ai-sessions", headers=headers)).status_code

        refused = [await fails(f"203.0.113.{number}, 198.51.100.1") for number in range(FAILED_FROM_ADDRESS.most)]
        answers = [await fails("198.51.100.1"), await fails("198.51.100.2")]
        stop.set()

    assert {401} == set(refused)
    assert [429, 401] == answers


@pytest.fixture
async def trust(anyio_backend: str) -> AsyncIterator[Trust]:
    async with a_trust() as trust:
        yield trust


async def test_what_no_provider_vouches_for_is_counted_and_what_one_does_passes(trust: Trust) -> None:
    """A44"""
    await _used_up(trust.world)
    browser = Browser(trust.world.app)

    assert 429 == (await trust.comes_back(browser, state="x", code="x")).status_code
    assert 429 == (await trust.asks(trust.provider.token(aud="urn:flowpilot:x"))).status_code
    assert 200 == (await trust.asks(trust.provider.token(aud=trust.aud))).status_code
    page = await trust.comes_back(browser, **trust.provider.signs_in(await trust.sets_out(browser)))
    assert (200, "/signed-in") == (page.status_code, browser.path)
