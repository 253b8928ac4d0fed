"""Identity providers: JWTs that they issue and browsers that they send back, with whatever can be wrong about either."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwk

from flowpilot_adapters import openid
from flowpilot_adapters.openid import BETWEEN_LOOKS, LARGEST, LEEWAY, MOST_KEYS, REMEMBERED, HttpOpenId
from flowpilot_core.domain.access.identity_provider import audience
from flowpilot_core.domain.kernel.actor import Role, System
from flowpilot_core.domain.kernel.errors import InvalidValue, RoleForbidden
from flowpilot_core.testing.builders import SetClock
from tests.support.browser import Browser
from tests.support.forging import FORGED, forged
from tests.support.http import Somebody
from tests.support.provider import CLIENT, slow_keys
from tests.support.trust import Trust, a_trust

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trust(anyio_backend: str) -> AsyncIterator[Trust]:
    async with a_trust() as made:
        yield made


async def test_a_jwt_of_a_trusted_issuer_is_its_person(trust: Trust) -> None:
    answer = await trust.world.nobody.post(
        "/ai-sessions",
        json={"title": "No mail", "problem": "x"},
        headers={"authorization": f"Bearer {trust.provider.token(aud=['x', trust.aud])}"},
    )

    assert (201, trust.world.junior.id) == (answer.status_code, answer.json()["assignee_id"])


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_jwt_is_nobodys(trust: Trust, how: str) -> None:
    """A36: algorithm confusion, keys that a token brings or points to, and what was changed after it was signed."""
    answer = await trust.asks(forged(trust.provider, trust.aud, how))

    assert (401, "unauthenticated") == (answer.status_code, answer.json()["code"])
    assert not {path for path in trust.provider.asked if "thief" in path}


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": None},
        {"aud": CLIENT},
        {"aud": "urn:flowpilot:nonsense"},
        {"aud": "of the rival"},
        {"iss": None},
        {"iss": "with a slash"},
        {"iss": "https://login.other.test"},
        {"exp": None},
        {"exp": "of before"},
        {"exp": "soon"},
        {"nbf": "of later"},
        {"sub": None},
        {"sub": 7},
        {"sub": "a stranger", "email": "stranger@example.test"},
        {"sub": "a stranger", "email_verified": False},
        {"sub": "a stranger", "email_verified": None},
        {"sub": "a stranger", "email_verified": 1},
        {"sub": "a stranger", "email": None},
    ],
)
async def test_a_jwt_for_somebody_else_or_another_time_is_nobodys(trust: Trust, claims: dict[str, Any]) -> None:
    """A36: wrong `aud`, wrong `iss`, over, early, and of people whom the account does not know by a verified address."""
    now = int(trust.world.clock.now().timestamp())
    meant: dict[Any, Any] = {
        "of before": now - LEEWAY,
        "soon": "soon",
        "of later": now + LEEWAY + 1,
        "with a slash": f"{trust.provider.issuer}/",
        "of the rival": audience(trust.world.rival.account_id),
    }
    told: dict[str, Any] = {"aud": trust.aud, **{name: meant.get(value, value) for name, value in claims.items()}}
    token = trust.provider.token(**told)

    assert 401 == (await trust.asks(token)).status_code


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "jo\0"},
        {"sub": "\ud800"},
        {"sub": ""},
        {"email": "jo\0@acme.example"},
        {"email": "\udfff@acme.example"},
        {"iss": "https://login.example\0"},
        {"iss": "\ud800"},
    ],
)
async def test_a_jwt_with_a_name_that_nobody_can_have_is_nobodys(trust: Trust, claims: dict[str, Any]) -> None:
    """P12: NUL and half a character, which no store takes."""
    answer = await trust.asks(trust.provider.token(aud=trust.aud, **{"sub": "jo", **claims}))

    assert (401, "unauthenticated") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("email", ["bob@straße.example", "bob@xn--strae-oqa.example", "bob@\u017ftrasse.example"])
async def test_a_jwt_for_an_address_that_only_looks_alike_is_nobodys(trust: Trust, email: str) -> None:
    """P1: whoever has the one domain does not have the other."""
    account_id = trust.world.junior.account_id
    await trust.world.flowpilot.accounts.add_user(account_id, email="bob@strasse.example", name="Bob", role=Role.ENGINEER)

    answers = [await trust.asks(trust.provider.token(aud=trust.aud, sub="bob", email=one)) for one in (email, "Bob@Strasse.Example")]

    assert [401, 200] == [answer.status_code for answer in answers]


async def test_a_minute_of_difference_between_clocks_is_forgiven(trust: Trust) -> None:
    now = int(trust.world.clock.now().timestamp())

    answer = await trust.asks(trust.provider.token(aud=trust.aud, exp=now - LEEWAY + 1, nbf=now + LEEWAY))

    assert (200, True) == (answer.status_code, LEEWAY <= 60)


async def test_a_jwt_of_one_account_is_nobody_in_another_that_trusts_the_same_issuer(trust: Trust) -> None:
    """A36: A's token on B."""
    rival = trust.world.rival.account_id
    await trust.world.flowpilot.identities.add(
        System(account_id=rival, cause="a test"), name="Login", issuer=trust.provider.issuer, client_id="x"
    )

    ours, theirs = await trust.asks(trust.provider.token(aud=trust.aud)), await trust.asks(trust.provider.token(aud=audience(rival)))
    both = await trust.asks(trust.provider.token(aud=[trust.aud, audience(rival)]))

    assert (200, 401, 401) == (ours.status_code, theirs.status_code, both.status_code)


async def test_a_deactivated_persons_jwt_is_nobodys(trust: Trust) -> None:
    junior = trust.world.junior
    await trust.world.flowpilot.accounts.deactivate(junior.account_id, junior.user.id)

    assert 401 == (await trust.asks(trust.provider.token(aud=trust.aud))).status_code


async def test_a_key_that_was_rotated_in_is_found_and_one_that_was_rotated_out_is_gone(trust: Trust) -> None:
    old = trust.provider.token(aud=trust.aud, jti="1")
    assert 200 == (await trust.asks(old)).status_code
    trust.provider.rotate()
    trust.time[0] += BETWEEN_LOOKS

    assert 200 == (await trust.asks(trust.provider.token(aud=trust.aud))).status_code
    trust.provider.header = {"kid": "key 1"}
    assert 401 == (await trust.asks(trust.provider.token(aud=trust.aud, jti="2"))).status_code


async def test_whoever_makes_up_names_of_keys_makes_the_provider_no_work(trust: Trust) -> None:
    await trust.asks(trust.provider.token(aud=trust.aud))
    before = len(trust.provider.asked)

    for number in range(20):
        trust.provider.header = {"kid": f"made up {number}"}
        assert 401 == (await trust.asks(trust.provider.token(aud=trust.aud))).status_code

    assert before == len(trust.provider.asked)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, html="<!doctype html><title>Sign in</title>"),
        httpx.Response(302, headers={"location": "https://thief.example.test"}),
        httpx.Response(200, content=b"x" * (LARGEST + 1)),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"issuer": "https://thief.example.test", "keys": "x"}),
    ],
)
async def test_a_provider_that_answers_nonsense_is_not_available(trust: Trust, path: str, answer: httpx.Response) -> None:
    trust.provider.answers[path] = lambda: answer

    refused = await trust.asks(trust.provider.token(aud=trust.aud))

    assert (503, "unavailable") == (refused.status_code, refused.json()["code"])


def _keys(*keys: jwk.Key) -> list[Mapping[str, Any]]:
    return [key.as_dict(private=False) for key in keys]


@pytest.mark.parametrize(
    "published",
    [
        slow_keys(1),
        [{**slow_keys(1)[0], "n": _keys(jwk.RSAKey.generate_key(2048))[0]["n"]}],
        [{"kty": "RSA", "n": _keys(jwk.RSAKey.generate_key(2048))[0]["n"][:170], "e": "AQAB"}],
        [{"kty": "RSA", "n": "x", "e": "AQAB"}, {"kty": "RSA"}, {"kty": ["RSA"], "crv": {}}, {"kty": "EC", "crv": "P-256", "x": 7}, "x"],
        _keys(jwk.ECKey.generate_key("secp256k1"), jwk.OKPKey.generate_key("X25519")),
    ],
    ids=["a long exponent", "a long exponent of a good modulus", "a short modulus", "no keys", "other curves"],
)
async def test_a_key_that_no_sane_provider_has_verifies_nothing(trust: Trust, published: list[Mapping[str, Any]]) -> None:
    """A46"""
    operator = System(account_id=trust.world.rival.account_id, cause="a test")
    trust.provider.published = published
    trust.provider.header = {"kid": None}

    with pytest.raises(InvalidValue, match="publishes no key of a type that it may sign with: RSA of 2048 to 4096 bits, EC or Ed25519"):
        await trust.world.flowpilot.identities.add(operator, name="x", issuer=trust.provider.issuer, client_id="x")
    assert 401 == (await trust.asks(trust.provider.token(aud=trust.aud))).status_code


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (jwk.RSAKey.generate_key(4096), "PS512"),
        (jwk.ECKey.generate_key("P-256"), "ES256"),
        (jwk.ECKey.generate_key("P-521"), "ES512"),
        (jwk.OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
    ids=["RSA", "P-256", "P-521", "Ed25519"],
)
async def test_a_key_of_each_type_verifies_what_it_signed(trust: Trust, key: jwk.Key, algorithm: str) -> None:
    trust.provider.published = _keys(key)
    trust.provider.header = {"alg": algorithm, "kid": None}

    assert 200 == (await trust.asks(trust.provider.token(sign_with=key, aud=trust.aud))).status_code


async def test_a_provider_of_more_keys_than_anybody_needs_is_not_trusted(trust: Trust) -> None:
    """A46: those that may not sign are not counted."""
    operator = System(account_id=trust.world.rival.account_id, cause="a test")
    keys = _keys(*(jwk.ECKey.generate_key("P-256") for _ in range(MOST_KEYS + 1)))
    trust.provider.published = keys

    with pytest.raises(InvalidValue, match="publishes more than 16 keys that it may sign with"):
        await trust.world.flowpilot.identities.add(operator, name="x", issuer=trust.provider.issuer, client_id="x")
    trust.provider.published = [*keys[1:], *({**key, "use": "enc"} for key in keys)]
    await trust.world.flowpilot.identities.add(operator, name="x", issuer=trust.provider.issuer, client_id="x")


@pytest.mark.parametrize(("place", "named", "status"), [(3, False, 200), (4, False, 401), (4, True, 200), (15, True, 200)])
async def test_a_token_names_its_key_or_is_tried_on_a_few(trust: Trust, place: int, named: bool, status: int) -> None:
    """A46"""
    keys = [jwk.ECKey.generate_key("P-256", {"kid": f"{number}"}) for number in range(MOST_KEYS)]
    trust.provider.published = _keys(*keys)
    trust.provider.header = {"alg": "ES256", "kid": f"{place}" if named else None}

    assert status == (await trust.asks(trust.provider.token(sign_with=keys[place], aud=trust.aud))).status_code


async def test_a_provider_that_does_not_answer_is_looked_at_once_a_minute_and_by_one_at_a_time(trust: Trust) -> None:
    """A46: whoever makes up names of keys makes it no work then either."""
    await trust.asks(trust.provider.token(aud=trust.aud))
    trust.provider.answers["/keys"] = lambda: httpx.Response(503)
    before = len(trust.provider.asked)

    async def made_up(number: int) -> int:
        trust.provider.header = {"kid": f"made up {number}"}
        return (await trust.asks(trust.provider.token(aud=trust.aud))).status_code

    for minute in (1, 2):
        trust.time[0] += BETWEEN_LOOKS
        assert {401, 503} >= set(await asyncio.gather(*(made_up(number) for number in range(5))))
        assert {401} == {await made_up(number) for number in range(5)}
        assert 2 * minute == len(trust.provider.asked) - before


class Dripping(httpx.AsyncByteStream):
    """An answer that begins and never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()


@pytest.mark.parametrize("answer", [httpx.Response(200, stream=Dripping()), None])
async def test_a_provider_that_hangs_is_not_waited_for(
    trust: Trust, answer: httpx.Response | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "PATIENCE", 0.1)
    trust.provider.answers["/.well-known/openid-configuration"] = lambda: answer

    assert 503 == (await trust.asks(trust.provider.token(aud=trust.aud))).status_code


async def test_while_the_provider_is_down_what_it_published_still_counts(trust: Trust) -> None:
    await trust.asks(trust.provider.token(aud=trust.aud))
    trust.provider.answers["/keys"] = lambda: httpx.Response(503)
    trust.time[0] += REMEMBERED

    assert 200 == (await trust.asks(trust.provider.token(aud=trust.aud, jti="2"))).status_code


async def test_endpoints_are_no_less_safe_than_the_issuer() -> None:
    ends = {"authorization_endpoint": "https://x.test", "token_endpoint": "https://x.test", "jwks_uri": "http://login.example.test/keys"}
    answers = httpx.MockTransport(lambda _: httpx.Response(200, json={"issuer": "https://login.example.test", **ends}))
    speaking = HttpOpenId(client=httpx.AsyncClient(transport=answers), clock=SetClock())

    with pytest.raises(InvalidValue, match="publishes no jwks_uri that is as safe"):
        await speaking.examine("https://login.example.test")


@pytest.mark.parametrize(
    "token", [httpx.Response(200, html="<p>Hello"), httpx.Response(500), httpx.Response(200, json={"id_token": 7}), None]
)
async def test_a_provider_that_redeems_a_code_for_nonsense_signs_nobody_in(
    trust: Trust, token: httpx.Response | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(trust.world.app)
    answer = trust.provider.signs_in(await trust.sets_out(browser))
    monkeypatch.setattr(openid, "PATIENCE", 0.1)
    trust.provider.answers["/token"] = lambda: token

    page = await trust.comes_back(browser, **answer)

    assert (503, None) == (page.status_code, browser.client.cookies.get("__Host-flowpilot_sign_in"))


async def test_a_browser_goes_to_the_provider_and_comes_back_signed_in(trust: Trust) -> None:
    browser = Browser(trust.world.app)
    page = await browser.open(f"/sign-in/{trust.world.junior.account_id}?next=/signed-in?from=there")
    assert "Sign in with Acme Login" in page.text

    address = await trust.sets_out(browser)
    page = await trust.comes_back(browser, **trust.provider.signs_in(address))

    assert address.startswith(f"{trust.provider.issuer}/authorize?tenant=acme&response_type=code&scope=openid+email")
    assert (200, "/signed-in") == (page.status_code, browser.path)
    assert "You are Jo, engineer" in page.text


async def test_whoever_signed_in_once_is_known_by_their_subject_from_then_on(trust: Trust) -> None:
    browser = Browser(trust.world.app)
    await trust.comes_back(browser, **trust.provider.signs_in(await trust.sets_out(browser)))

    answer = await trust.asks(trust.provider.token(aud=trust.aud, email="sam@example.test"))
    again = Browser(trust.world.app)
    trust.provider.claims = {"email": None}
    page = await trust.comes_back(again, **trust.provider.signs_in(await trust.sets_out(again)))

    assert (200, True) == (answer.status_code, "You are Jo" in page.text)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another's"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT, "another client"]},
        {"iss": "https://login.other.test"},
        {"exp": 1},
        {"sub": "a stranger", "email": "stranger@example.test"},
        {"sub": "a stranger", "email_verified": False},
    ],
)
async def test_an_id_token_that_is_wrong_signs_nobody_in(trust: Trust, claims: dict[str, Any]) -> None:
    browser = Browser(trust.world.app)
    trust.provider.claims = claims

    page = await trust.comes_back(browser, **trust.provider.signs_in(await trust.sets_out(browser)))

    assert (401, 401) == (page.status_code, (await browser.open("/signed-in")).status_code)


async def test_an_id_token_is_no_bearer_token(trust: Trust) -> None:
    assert 401 == (await trust.asks(trust.provider.token(aud=CLIENT, nonce="x"))).status_code


@pytest.mark.parametrize("wrong", ["state", "code", "iss", "no state", "denied"])
async def test_an_answer_that_is_not_to_what_was_asked_signs_nobody_in(trust: Trust, wrong: str) -> None:
    browser = Browser(trust.world.app)
    answer = trust.provider.signs_in(await trust.sets_out(browser))
    answer |= (
        {"state": "x"} if wrong == "state" else {"code": "x"} if wrong == "code" else {"iss": "https://x.test"} if wrong == "iss" else {}
    )
    answer = {"error": "access_denied", "state": answer["state"]} if wrong == "denied" else answer
    if wrong == "no state":
        answer.pop("state")

    assert 401 == (await trust.comes_back(browser, **answer)).status_code


async def test_only_the_browser_that_set_out_comes_back_and_only_once(trust: Trust) -> None:
    browser, victim = Browser(trust.world.app), Browser(trust.world.app)
    first = trust.provider.signs_in(address := await trust.sets_out(browser))
    kept = browser.client.cookies["__Host-flowpilot_attempt"]

    planted = await trust.comes_back(victim, **first)
    signed_in = await trust.comes_back(browser, **first)
    victim.client.cookies.set("__Host-flowpilot_attempt", kept)
    again = await trust.comes_back(victim, **trust.provider.signs_in(address))

    assert (401, 200, 401) == (planted.status_code, signed_in.status_code, again.status_code)


async def test_a_browser_that_takes_its_time_is_not_believed(trust: Trust) -> None:
    browser = Browser(trust.world.app)
    answer = trust.provider.signs_in(await trust.sets_out(browser))
    trust.world.clock.jump(timedelta(minutes=10))

    assert 401 == (await trust.comes_back(browser, **answer)).status_code


async def test_it_comes_back_to_the_account_it_set_out_for(trust: Trust) -> None:
    browser = Browser(trust.world.app)
    answer = trust.provider.signs_in(await trust.sets_out(browser))

    page = await browser.open(f"/sign-in/{trust.world.rival.account_id}/callback?{urlencode(answer)}")

    assert 401 == page.status_code


async def test_a_path_of_another_server_is_not_gone_on_to(trust: Trust) -> None:
    browser = Browser(trust.world.app)

    await trust.comes_back(browser, **trust.provider.signs_in(await trust.sets_out(browser, next="//evil.test")))

    assert "/signed-in" == browser.path


async def test_another_accounts_provider_does_not_exist(trust: Trust) -> None:
    path = f"/sign-in/{trust.world.rival.account_id}/with/{trust.trusted.id}"

    assert 404 == (await trust.world.nobody.get(path)).status_code


@pytest.mark.parametrize("issuer", ["", "x", "ftp://x.test", "https://", "https://user@x.test", "https://x.test?y", "https://x.test#y"])
async def test_an_issuer_is_an_address(trust: Trust, issuer: str) -> None:
    operator = System(account_id=trust.world.junior.account_id, cause="a test")

    with pytest.raises(InvalidValue):
        await trust.world.flowpilot.identities.add(operator, name="x", issuer=issuer, client_id="x")


async def test_a_provider_that_is_removed_vouches_for_nobody(trust: Trust) -> None:
    owner = await trust.world.flowpilot.accounts.authenticate(trust.world.owner.token)
    token = trust.provider.token(aud=trust.aud)

    await trust.world.flowpilot.identities.remove(owner, trust.trusted.id)

    assert 401 == (await trust.asks(token)).status_code
    assert "Acme Login" not in (await trust.world.nobody.get(f"/sign-in/{trust.world.junior.account_id}")).text


@pytest.mark.parametrize("role", ["admin", "junior", "viewer"])
async def test_only_an_owner_of_the_account_says_whom_it_trusts(trust: Trust, role: str) -> None:
    """A45"""
    somebody: Somebody = getattr(trust.world, role)
    person = await trust.world.flowpilot.accounts.authenticate(somebody.token)

    with pytest.raises(RoleForbidden):
        await trust.world.flowpilot.identities.remove(person, trust.trusted.id)
