"""An address of the API that a browser opens: it is led to the page, and whoever speaks JSON sees no difference."""

import pytest

from flowpilot_http.negotiation import wants_page
from flowpilot_http.pages.page_request import HOME, here
from tests.support.browser import Browser
from tests.support.http import Somebody, World
from tests.support.routes import MISSING

pytestmark = pytest.mark.anyio

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        CHROMIUM,
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "application/xhtml+xml, application/json",
        "application/json;q=0.5, text/html",
        "*/*;q=0.1, text/html;q=0.2",
    ],
)
def test_who_asks_for_a_page_first_wants_a_page(accept: str) -> None:
    assert wants_page([accept.encode()])


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/html",
        "text/html;q=0.5, application/json",
        "text/html;q=0.9, */*",
        "text/html;q=0",
        "text/*",
        ";;q=,,",
        "text/htmlx",
        "\xff\xfe",
    ],
)
def test_whoever_takes_anything_or_json_first_gets_json(accept: str) -> None:
    assert not wants_page([accept.encode("latin-1")])


def test_a_header_that_comes_twice_is_one_list() -> None:
    assert [False, True] == [wants_page([b"application/json", b"text/html"]), wants_page([b"text/html", b"application/json"])]
    assert not wants_page([])


async def signed_in(world: World, who: Somebody) -> Browser:
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
    await browser.send()
    return browser


async def test_each_address_that_has_a_page_leads_a_browser_to_it(world: World) -> None:
    handoff = await world.junior.escalation()
    escalation, session = f"/escalations/{handoff['id']}", f"/sessions/{handoff['session_id']}"
    browser = await signed_in(world, world.senior)
    browser.client.headers["accept"] = CHROMIUM
    pages = {
        "/handoffs/queue": "/queue",
        f"/handoffs/{handoff['id']}": escalation,
        f"/handoffs/{handoff['id']}/snapshot": escalation,
        f"/handoffs/{handoff['id']}/changes": escalation,
        f"/handoffs/{handoff['id']}/deliveries": escalation,
        f"/handoffs/{handoff['id']}/assessments": escalation,
        f"/ai-sessions/{handoff['session_id']}": session,
        f"/ai-sessions/{handoff['session_id']}/timeline": session,
    }

    for address, page in pages.items():
        led = await browser.client.get(address)
        await browser.open(address)
        assert (303, page, "Authorization, Cookie, Accept") == (led.status_code, led.headers["location"], led.headers["vary"])
        assert (200, page, True) == (browser.page.status_code, browser.path, browser.page.text.startswith("<!doctype html>"))


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.9"])
async def test_who_speaks_json_gets_json(world: World, accept: str | None) -> None:
    handoff = await world.junior.escalation()
    client = world.senior.client
    if accept is None:
        client.headers.pop("accept")
    else:
        client.headers["accept"] = accept

    for address in (f"/handoffs/{handoff['id']}", f"/ai-sessions/{handoff['session_id']}", "/handoffs/queue"):
        answer = await client.get(address)
        assert (200, "application/json", "Authorization, Cookie, Accept") == (
            answer.status_code,
            answer.headers["content-type"],
            answer.headers["vary"],
        )
    assert 401 == (await world.nobody.get(f"/handoffs/{handoff['id']}", headers={"accept": accept or "*/*"})).status_code


async def test_where_it_leads_tells_nobody_what_there_is(world: World) -> None:
    """A27: it is the same for an id of another account, for one that never was, and signed out."""
    handoff = await world.junior.escalation()

    for client in (world.nobody, world.rival.client):
        led = [await client.get(f"/handoffs/{which}", headers={"accept": "text/html"}) for which in (handoff["id"], MISSING)]
        assert [303, 303] == [answer.status_code for answer in led]
        assert [handoff["id"], MISSING] == [answer.headers["location"].removeprefix("/escalations/") for answer in led]


@pytest.mark.parametrize("which", ["%2F%2Fevil.test", "x%0d%0aset-cookie:%20a=b", "%5C%5Cevil.test", "..%2F..", "x%3Fnext=https:"])
async def test_no_address_leads_to_another_server_or_says_a_header(world: World, which: str) -> None:
    led = await world.nobody.get(f"/handoffs/{which}", headers={"accept": "text/html"})

    assert led.headers.get("location", "/escalations/").startswith("/escalations/")
    assert "set-cookie" not in led.headers
    assert "evil" not in led.headers.get("location", "").partition("/escalations/")[0]


async def test_signed_out_it_leads_over_the_sign_in_to_the_page(world: World) -> None:
    handoff = await world.junior.escalation()
    browser = Browser(world.app)
    browser.client.headers["accept"] = CHROMIUM

    await browser.open(f"/handoffs/{handoff['id']}")
    asked = browser.path, browser.page.status_code
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.senior.account_id, world.senior.user.id)}")
    await browser.send()

    assert (f"/sign-in?next=%2Fescalations%2F{handoff['id']}", 200) == asked
    assert (f"/escalations/{handoff['id']}", 200) == (browser.path, browser.page.status_code)
    assert "__Host-flowpilot_going" not in browser.client.cookies


async def test_the_browser_remembers_its_account_and_else_asks_for_it(world: World) -> None:
    handoff = await world.junior.escalation()
    page, account_id = f"/escalations/{handoff['id']}", world.senior.account_id
    sign_in = f"/sign-in/{account_id}?next=%2Fescalations%2F{handoff['id']}"
    known, new = await signed_in(world, world.senior), Browser(world.app)
    await known.send("/sign-out")

    await known.open(page)
    await new.open(page)
    asked = new.page.text
    await new.open(f"/sign-in?next={page}&account=Acme")
    mistaken = new.page.text
    await new.open(f"/sign-in?next={page}&account=https://flowpilot.test/sign-in/{account_id}")

    assert [sign_in, sign_in] == [known.path, new.path]
    assert 'name="account"' in asked
    assert "That is not an account." in mistaken


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "https://evil.test",
        "https:evil.test",
        "https:/evil.test",
        "javascript:alert(1)",
        "/%0d%0aset-cookie:x=y\r\n",
        "/\tevil",
        " //evil.test",
        "/.//evil.test",
        "/x//evil.test",
        "/@evil.test",
        "evil.test",
    ],
)
async def test_signing_in_leads_to_no_other_server(world: World, elsewhere: str) -> None:
    """A35: neither by the address nor by the cookie that keeps it."""
    browser = Browser(world.app)
    link = f"/sign-in-link/{await world.flowpilot.signing_in.link(world.senior.account_id, world.senior.user.id)}"
    await browser.client.get("/sign-in", params={"next": elsewhere})
    await browser.client.get(f"/sign-in/{world.senior.account_id}", params={"next": elsewhere})
    await browser.open(link)
    if elsewhere.isprintable() and " " not in elsewhere:
        browser.client.cookies.set("__Host-flowpilot_going", elsewhere, domain="flowpilot.test")

    await browser.send()

    assert HOME == here(elsewhere) == browser.path
    assert "flowpilot.test" == browser.page.url.host


@pytest.mark.parametrize("encoded", ["/%2F%2Fevil.test", "/%5C%5Cevil.test", "/%2e%2f%2fevil.test"])
async def test_what_stands_encoded_in_a_path_stays_on_this_server(world: World, encoded: str) -> None:
    browser = await signed_in(world, world.senior)

    answer = await browser.client.get(f"/sign-in/{world.senior.account_id}", params={"next": encoded}, follow_redirects=True)

    assert "flowpilot.test" == answer.url.host


async def test_an_address_without_a_page_leads_over_the_sign_in_and_back(world: World) -> None:
    browser = Browser(world.app)
    browser.client.headers["accept"] = CHROMIUM

    await browser.open("/ai-sessions?limit=5")
    asked = browser.path
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.senior.account_id, world.senior.user.id)}")
    await browser.send()

    assert "/sign-in?next=%2Fai-sessions%3Flimit%3D5" == asked
    assert ("/ai-sessions?limit=5", []) == (browser.path, browser.page.json()["items"])


@pytest.mark.parametrize("address", ["/nothing", f"/ai-sessions/{MISSING}/outputs", "/ai-sessions?limit=none"])
async def test_what_is_refused_is_told_a_browser_on_a_page(world: World, address: str) -> None:
    browser = await signed_in(world, world.senior)

    page = await browser.client.get(address, headers={"accept": CHROMIUM})
    problem = await browser.client.get(address, headers={"accept": "application/json"})

    assert ("text/html; charset=utf-8", "application/problem+json") == (page.headers["content-type"], problem.headers["content-type"])
    assert page.status_code == problem.status_code
    assert problem.json()["detail"] in page.text


async def test_what_an_address_takes_is_told_whoever_asks_for_its_options(world: World) -> None:
    answer = await world.senior.send("OPTIONS", "/account", b"")

    assert (204, {"GET", "OPTIONS", "PATCH"}) == (answer.status_code, set(answer.headers["allow"].split(", ")))
