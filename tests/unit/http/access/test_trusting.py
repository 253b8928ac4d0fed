"""Identity providers over HTTP: who an account trusts, what is wrong with whom it cannot, and what that does to its sign-in page."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from flowpilot_adapters import openid
from flowpilot_adapters.outgoing import guarded_client
from flowpilot_core.domain.access.identity_provider import audience
from tests.support.browser import Browser
from tests.support.provider import CLIENT, CLIENT_SECRET, said
from tests.support.trust import Trust, a_trust

pytestmark = pytest.mark.anyio

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
async def trust(anyio_backend: str) -> AsyncIterator[Trust]:
    """Acme trusts a provider already; Rival is about to."""
    async with a_trust() as made:
        yield made


def _new(trust: Trust, **values: object) -> dict[str, object]:
    return {"name": "Login", "issuer": trust.provider.issuer, "client_id": CLIENT, **values}


async def test_a_provider_is_added_changed_and_removed_and_its_secret_is_never_shown(trust: Trust) -> None:
    owner = trust.world.rival_owner
    here = f"https://flowpilot.test/sign-in/{owner.account_id}"

    made = await owner.made("/identity-providers", _new(trust, client_secret=CLIENT_SECRET))
    path = f"/identity-providers/{made['id']}"
    changed = await owner.patch(path, {"name": "Rival Login", "client_secret": "another secret"})
    listed = await owner.seen("/identity-providers")
    gone = await owner.send("DELETE", path, b"")

    assert {
        **_new(trust),
        "has_secret": True,
        "sign_in": here,
        "redirect_uri": f"{here}/callback",
        "audience": audience(owner.account_id),
    } == {name: value for name, value in made.items() if name not in ("id", "created_at")}
    assert ({**made, "name": "Rival Login"}, [changed.json()]) == (changed.json(), listed["items"])
    assert (204, []) == (gone.status_code, (await owner.seen("/identity-providers"))["items"])
    assert not any("secret" in str(value) for answer in (made, changed.json()) for value in answer.values())


async def test_a_new_secret_is_the_one_that_codes_are_redeemed_with(trust: Trust) -> None:
    path, browser = f"/identity-providers/{trust.trusted.id}", Browser(trust.world.app)
    pages = []

    for secret in ("a wrong one", CLIENT_SECRET):
        assert 200 == (await trust.world.owner.patch(path, {"client_secret": secret})).status_code
        pages.append(await trust.comes_back(browser, **trust.provider.signs_in(await trust.sets_out(browser))))

    assert [401, 200] == [page.status_code for page in pages]


async def test_a_repeat_adds_no_second_one(trust: Trust) -> None:
    first, again = [await trust.world.rival_owner.post("/identity-providers", _new(trust), idempotency_key="1") for _ in range(2)]

    assert (201, first.content, "true") == (first.status_code, again.content, again.headers["idempotency-replayed"])


async def test_no_issuer_is_trusted_twice(trust: Trust) -> None:
    refused = await trust.world.owner.post("/identity-providers", _new(trust))

    assert (422, "/issuer") == (refused.status_code, refused.json()["errors"][0]["pointer"])


def _published(trust: Trust, **otherwise: object) -> Callable[[], httpx.Response]:
    """What a provider says of itself, some of it otherwise."""
    ends = dict.fromkeys(("authorization_endpoint", "token_endpoint"), trust.provider.issuer)
    return said({"issuer": trust.provider.issuer, **ends, "jwks_uri": f"{trust.provider.issuer}/keys", **otherwise})


WRONG: dict[str, tuple[str, Callable[[Trust], Any]]] = {
    f"answers 404 at {DISCOVERY}": (DISCOVERY, lambda _: lambda: httpx.Response(404, json={})),
    f"answers 500 at {DISCOVERY}": (DISCOVERY, lambda _: lambda: httpx.Response(500)),
    f"answers 302 at {DISCOVERY}": (
        DISCOVERY,
        lambda trust: lambda: httpx.Response(302, headers={"location": f"{trust.provider.issuer}/x"}),
    ),
    "with what is no JSON": (DISCOVERY, lambda _: lambda: httpx.Response(200, html="<!doctype html>")),
    "with what is no JSON object": (DISCOVERY, lambda _: lambda: httpx.Response(200, json=[])),
    "answers too much": (DISCOVERY, lambda _: lambda: httpx.Response(200, content=b"x" * (openid.LARGEST + 1))),
    "gives no answer": (DISCOVERY, lambda _: lambda: None),
    "is not what it calls itself": (DISCOVERY, lambda trust: _published(trust, issuer="https://login.example.com")),
    "publishes no token_endpoint": (DISCOVERY, lambda trust: _published(trust, token_endpoint=None)),
    "publishes no authorization_endpoint": (DISCOVERY, lambda trust: _published(trust, authorization_endpoint="javascript:x")),
    "publishes no jwks_uri": (DISCOVERY, lambda trust: _published(trust, jwks_uri="file:///etc/passwd")),
    "publishes no jwks_uri that can be asked": (DISCOVERY, lambda trust: _published(trust, jwks_uri="http://h:abc/")),
    "publishes no token_endpoint that can be asked": (DISCOVERY, lambda trust: _published(trust, token_endpoint="http://[::1")),
    "answers 500 at /keys": ("/keys", lambda _: lambda: httpx.Response(500)),
    "publishes no keys": ("/keys", lambda _: said({"keys": "x"})),
    "publishes no key of a type": ("/keys", lambda _: said({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})),
}


@pytest.mark.parametrize("problem", WRONG)
async def test_what_is_wrong_with_a_provider_is_said_at_once(trust: Trust, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid, "PATIENCE", 0.3)
    path, answer = WRONG[problem]
    trust.provider.answers[path] = answer(trust)

    refused = await trust.world.rival_owner.post("/identity-providers", _new(trust))

    assert (422, "validation_failed") == (refused.status_code, refused.json()["code"])
    (at,) = refused.json()["errors"]
    assert ("/issuer", True) == (at["pointer"], problem in at["detail"]), at["detail"]
    assert [] == (await trust.world.rival_owner.seen("/identity-providers"))["items"]


async def test_a_provider_inside_the_network_is_not_asked(trust: Trust) -> None:
    """A38: unless the operator says so, an issuer leads to the open internet, and by https."""
    before = len(trust.provider.asked)
    async with guarded_client() as client:
        trust.openid.client = client
        plain, private = [
            await trust.world.rival_owner.post("/identity-providers", _new(trust, issuer=issuer))
            for issuer in (trust.provider.issuer, trust.provider.issuer.replace("http:", "https:"))
        ]

    assert "the address must begin with https://" in plain.json()["detail"]
    assert "the address leads to a private network" in private.json()["detail"]
    assert before == len(trust.provider.asked)


@pytest.mark.parametrize("who", ["rival", "admin"])
async def test_whoever_may_not_trust_a_provider_has_nobody_asked(trust: Trust, who: str) -> None:
    """A45: not even an admin, who would be whomever it vouches for."""
    before = len(trust.provider.asked)

    refused = await getattr(trust.world, who).post("/identity-providers", _new(trust, issuer=f"{trust.provider.issuer}/theirs"))

    assert (403, before) == (refused.status_code, len(trust.provider.asked))


async def test_an_admin_sees_who_is_trusted_and_changes_nothing_about_it(trust: Trust) -> None:
    """A45: nor with another client of the same issuer."""
    path = f"/identity-providers/{trust.trusted.id}"

    seen = await trust.world.admin.seen("/identity-providers")
    refused = [
        await trust.world.admin.patch(path, {"client_id": "the admin's own"}),
        await trust.world.admin.send("DELETE", path, b""),
    ]

    assert [str(trust.trusted.id)] == [one["id"] for one in seen["items"]]
    assert [(403, "role_forbidden")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in refused]


async def test_the_audit_log_says_by_which_way_in_its_doer_was_signed_in(trust: Trust) -> None:
    """A45: the owner's own token, and the provider that vouched for them, in a JWT and in a browser."""
    jwt = trust.provider.token(aud=trust.aud, sub="subject of Olga", email="olga@example.test")
    browser = Browser(trust.world.app)
    trust.provider.claims = {"sub": "subject of Olga", "email": "olga@example.test"}
    await trust.comes_back(browser, **trust.provider.signs_in(await trust.sets_out(browser)))

    await trust.world.owner.made("/teams", {"name": "By token"})
    headers = {"authorization": f"Bearer {jwt}"}
    assert 201 == (await trust.world.nobody.post("/teams", json={"name": "By JWT"}, headers=headers)).status_code
    headers = {"x-csrf-token": browser.csrf_token}
    assert 201 == (await browser.client.post("/teams", json={"name": "In a browser"}, headers=headers)).status_code

    entries = (await trust.world.owner.seen("/audit-log?limit=3"))["items"]
    (token,) = (await trust.world.owner.seen("/tokens"))["items"]
    vouched = {"way": "provider", "id": str(trust.trusted.id)}
    assert [vouched, vouched, {"way": "token", "id": token["id"]}] == [entry["way_in"] for entry in entries]
    assert {trust.world.owner.id} == {entry["by"]["id"] for entry in entries}


async def test_the_sign_in_page_offers_the_provider_or_a_code_and_never_both(trust: Trust) -> None:
    """Else whoever reads a mailbox gets around what the provider asks for."""
    path, browser = f"/sign-in/{trust.world.junior.account_id}", Browser(trust.world.app)

    with_provider = await browser.open(path)
    asked = await browser.client.post(path, data={"csrf_token": browser.hidden.get("csrf_token", ""), "email": "jo@example.test"})
    await trust.world.owner.send("DELETE", f"/identity-providers/{trust.trusted.id}", b"")
    without = await browser.open(path)
    mailed = await browser.send(email="jo@example.test")

    assert (True, False) == ("Acme Login" in with_provider.text, "Email me a code" in with_provider.text)
    assert (False, True) == ("Acme Login" in without.text, "Email me a code" in without.text)
    assert (403, 200) == (asked.status_code, mailed.status_code)


async def test_a_code_that_is_on_its_way_is_no_good_once_there_is_a_provider(trust: Trust) -> None:
    browser = Browser(trust.world.app)
    await browser.open(f"/sign-in/{trust.world.rival.account_id}")
    await browser.send(email="rita@example.test")
    await trust.world.relay_runs()
    (code,) = re.findall(r"^ {4}(\S+)$", trust.world.mailbox.messages[0].text, re.MULTILINE)

    await trust.world.rival_owner.made("/identity-providers", _new(trust))
    typed = await browser.send(code=code)
    await browser.open(f"/sign-in/{trust.world.rival.account_id}/code")
    asked = await browser.send(f"/sign-in/{trust.world.rival.account_id}", email="rita@example.test")

    assert (404, 404) == (typed.status_code, asked.status_code)
