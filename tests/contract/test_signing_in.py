"""Signing in end to end: the served program on PostgreSQL, with a mail server and an identity provider on this machine."""

import asyncio
import re
from html import unescape

import httpx
import pytest

from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock
from flowpilot_core.domain.kernel.actor import Role
from tests.support.escalation import a_flowpilot
from tests.support.mail_server import AiosmtpdServer
from tests.support.postgres import PostgresDatabase
from tests.support.provider import CLIENT, CLIENT_SECRET, Provider
from tests.support.serving import Serving, named, ran, said, serving, until

pytestmark = pytest.mark.anyio

NEW = ("--client-id", CLIENT, "--name", "Acme Login")


async def _account(database: PostgresDatabase) -> str:
    """One with Jo in it."""
    opened = Database(database.app, pool_size=1)
    accounts = a_flowpilot(opened.begin, opened.view).accounts
    account = await accounts.create("Acme")
    await accounts.add_user(account.id, email="jo@example.test", name="Jo", role=Role.ENGINEER)
    await opened.close()
    return str(account.id)


def _hidden(page: httpx.Response) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)}


async def test_a_code_comes_by_mail_and_signs_in_the_browser_that_asked(own_database: PostgresDatabase) -> None:
    async with AiosmtpdServer().running() as mail:
        settings = named(own_database) | {"smtp_url": mail.url, "mail_from": "flowpilot@acme.test"}
        account = await _account(own_database)

        def signs_in() -> tuple[httpx.Response, httpx.Response]:
            with serving(**settings) as server:
                browser = server.client()
                browser.follow_redirects = True
                page = browser.get(f"/sign-in/{account}")
                page = browser.post(page.url, data={**_hidden(page), "email": "Jo@example.test"})
                until(lambda: browser.get("/health/live").is_success and bool(mail.accepted))
                (code,) = re.findall(r"^ {4}(\S+)$", mail.accepted[0].message.text, re.MULTILINE)
                wrong = browser.post(page.url, data={**_hidden(page), "code": "WRONG-WRONG"})
                return wrong, browser.post(page.url, data={**_hidden(wrong), "code": code})

        wrong, signed_in = await asyncio.to_thread(signs_in)

    assert (401, 200, "/signed-in") == (wrong.status_code, signed_in.status_code, signed_in.url.path)
    assert "You are Jo, engineer" in signed_in.text
    assert ("jo@example.test", "Jo", "Sign in to Acme") == (
        (message := mail.accepted[0].message).to,
        message.to_name,
        message.subject,
    )


async def test_a_provider_is_trusted_by_command_signs_people_in_and_vouches_for_its_jwts(own_database: PostgresDatabase) -> None:
    settings = named(own_database) | {"allow_private_targets": "1", "client_secret": CLIENT_SECRET}
    async with Provider(SystemClock()).running() as provider:
        account = await _account(own_database)
        trust = ("provider", "add", "--account", account, *NEW)
        guarded = settings | {"allow_private_targets": "0"}

        def bearer(server: Serving, browser: httpx.Client, aud: str, name: str) -> int:
            headers = {"authorization": f"Bearer {provider.token(aud=aud, jti=name)}"}
            return httpx.get(f"{browser.base_url}/users/me", headers=headers).status_code

        def happens() -> None:
            inside = ran(*trust, "--issuer", provider.issuer, **guarded)
            misspelled = ran(*trust, "--issuer", f"{provider.issuer}/", **settings)
            made = said(*trust, "--issuer", provider.issuer, **settings)
            assert (2, 2) == (inside.returncode, misspelled.returncode)
            assert "the address must begin with https://" in inside.stderr
            assert "is not what it calls itself" in misspelled.stderr

            with serving(**settings) as server:
                browser = server.client()
                browser.follow_redirects = True
                page = browser.get(f"/sign-in/{account}")
                (way,) = re.findall(r'<a class="button" href="([^"]+)">Sign in with Acme Login</a>', page.text)
                page = browser.get(unescape(way))
                assert (200, "/signed-in", True) == (page.status_code, page.url.path, "You are Jo, engineer" in page.text)
                assert [302, 303] == [answer.status_code for answer in page.history[-2:]]

                assert 200 == bearer(server, browser, made["audience"], "while trusted")
                provider.rotate()
                provider.claims = {"nonce": "another's"}
                browser.post("/sign-out", data=_hidden(page))
                assert 401 == browser.get(unescape(way)).status_code

                said("provider", "remove", "--account", account, "--provider", made["id"], **settings)
                assert 401 == bearer(server, browser, made["audience"], "once it is not")
                assert "Email me a code" in browser.get(f"/sign-in/{account}").text

            again = ran("provider", "remove", "--account", account, "--provider", made["id"], **settings)
            assert (1, True) == (again.returncode, "no such identity provider" in again.stderr)

        await asyncio.to_thread(happens)

    assert {"/.well-known/openid-configuration", "/keys", "/authorize", "/token"} == set(provider.asked)
