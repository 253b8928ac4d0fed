"""People signed in with a browser: the cookie, what it is good for, and what no other site can do with it."""

import re
from datetime import timedelta
from gzip import decompress as gunzip
from hashlib import sha256

import pytest

from flowpilot_core.domain.access.sign_in import LASTS, LINK_LASTS
from flowpilot_core.domain.kernel.secret_text import Prefix, parse_token
from flowpilot_http.auth import Cookies, Visitor
from flowpilot_http.pages.assets import ASSETS
from flowpilot_http.pages.page_request import HOME, here, zipped
from tests.support.browser import Browser
from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

COOKIE = "__Host-flowpilot_sign_in"
VISIT = "__Host-flowpilot_visit"
START = {"title": "No mail", "problem": "Nothing arrives"}


async def _link(world: World, who: Somebody) -> str:
    return f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}"


async def _signed_in(world: World, who: Somebody) -> Browser:
    browser = Browser(world.app)
    await browser.open(await _link(world, who))
    await browser.send()
    assert (200, HOME) == (browser.page.status_code, browser.path)
    return browser


async def test_a_link_signs_its_person_in_once(world: World) -> None:
    link = await _link(world, world.junior)
    browser, thief = Browser(world.app), Browser(world.app)

    await browser.open(link)
    await browser.send()
    await thief.open(link)
    await thief.send()

    assert "You are Jo, engineer" in browser.page.text
    assert (401, None) == (thief.page.status_code, thief.client.cookies.get(COOKIE))


async def test_whoever_only_looks_at_a_link_has_not_used_it_up(world: World) -> None:
    """A35: scanners of mails open every link."""
    link = await _link(world, world.junior)

    for _ in range(3):
        await world.nobody.get(link)
        await world.nobody.head(link)
        await world.nobody.post(link)

    browser = Browser(world.app)
    await browser.open(link)
    assert 200 == (await browser.send()).status_code


async def test_a_link_is_good_for_a_quarter_of_an_hour(world: World) -> None:
    browser = Browser(world.app)
    await browser.open(await _link(world, world.junior))
    world.clock.jump(LINK_LASTS)

    assert 401 == (await browser.send()).status_code


@pytest.mark.parametrize("link", ["nonsense", "fp_x", "{token}"])
async def test_what_is_no_link_signs_nobody_in(world: World, link: str) -> None:
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{link.format(token=world.junior.token)}")

    assert 401 == (await browser.send()).status_code


async def test_a_browser_reads_and_changes_what_its_person_may(world: World) -> None:
    browser = await _signed_in(world, world.junior)

    made = await browser.client.post("/ai-sessions", json=START, headers={"x-csrf-token": browser.csrf_token})
    seen = await browser.client.get(f"/ai-sessions/{made.json()['id']}")

    assert (201, 200, world.junior.id) == (made.status_code, seen.status_code, seen.json()["assignee_id"])


@pytest.mark.parametrize("token", [None, "", "x", "of another browser"])
async def test_a_change_by_cookie_alone_is_refused(world: World, token: str | None) -> None:
    browser = await _signed_in(world, world.junior)
    if token == "of another browser":
        token = (await _signed_in(world, world.junior)).csrf_token

    answer = await browser.client.post("/ai-sessions", json=START, headers={} if token is None else {"x-csrf-token": token})
    form = await browser.client.post("/sign-out", data={} if token is None else {"csrf_token": token})

    assert (403, "csrf_failed") == (answer.status_code, answer.json()["code"])
    assert 403 == form.status_code
    assert [] == (await browser.client.get("/ai-sessions")).json()["items"]


@pytest.mark.parametrize(("site", "status"), [("same-origin", 303), ("same-site", 403), ("cross-site", 403), ("none", 403), (None, 403)])
async def test_whoever_is_not_signed_in_yet_sends_a_form_whose_cookie_another_page_replaced(
    world: World, site: str | None, status: int
) -> None:
    """Two pages that are opened at once each bring a cookie. The browser itself says whether the form is one of ours."""
    browser, other = Browser(world.app), Browser(world.app)
    await browser.open(await _link(world, world.junior))
    await other.open("/sign-in")
    replaced = {"cookie": f"{VISIT}={other.client.cookies[VISIT]}"}
    browser.client.cookies.clear()

    answer = await browser.client.post(browser.path, data=browser.hidden, headers=replaced | ({"sec-fetch-site": site} if site else {}))

    assert status == answer.status_code


async def test_who_is_signed_in_sends_the_token_whatever_the_browser_says_of_where_the_form_is_from(world: World) -> None:
    browser = await _signed_in(world, world.junior)

    refused = await browser.client.post("/sign-out", data={}, headers={"sec-fetch-site": "same-origin"})
    tried = await browser.client.post("/ai-sessions", json=START, headers={"sec-fetch-site": "same-origin"})

    assert (403, 403) == (refused.status_code, tried.status_code)


async def test_a_token_beside_a_cookie_is_who_asks(world: World) -> None:
    browser = await _signed_in(world, world.junior)

    made = await browser.client.post("/ai-sessions", json=START, headers={"authorization": f"Bearer {world.senior.token}"})

    assert (201, world.senior.id) == (made.status_code, made.json()["assignee_id"])


async def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(world: World) -> None:
    browser = Browser(world.app)
    await browser.open(await _link(world, world.junior))
    answer = await browser.client.post(browser.path, data=browser.hidden)

    said = answer.headers["set-cookie"]
    assert said.startswith(f"{COOKIE}=fps_")
    assert "Max-Age=43200; Path=/; HttpOnly; SameSite=Lax; Secure" == said.partition("; ")[2]


@pytest.mark.parametrize(
    ("base_url", "secure"),
    [
        ("https://flowpilot.example", True),
        ("http://flowpilot.example", True),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
        ("https://localhost", True),
    ],
)
def test_only_plain_http_to_the_machine_itself_does_without_secure(base_url: str, secure: bool) -> None:
    _, said = Cookies(base_url).signed_in("x")

    assert (secure, secure) == (b"; Secure" in said, said.startswith(b"__Host-"))


async def test_signing_in_makes_a_new_cookie_and_ends_the_one_before(world: World) -> None:
    browser = await _signed_in(world, world.junior)
    before = browser.client.cookies[COOKIE]

    await browser.open(await _link(world, world.senior))
    await browser.send()

    assert before != browser.client.cookies[COOKIE]
    assert "You are Sam, engineer" in browser.page.text
    assert 401 == (await world.nobody.get("/ai-sessions", headers={"cookie": f"{COOKIE}={before}"})).status_code


async def test_a_cookie_that_was_planted_is_worth_nothing_after_signing_in(world: World) -> None:
    browser = Browser(world.app)
    await browser.open(await _link(world, world.junior))
    planted = browser.client.cookies["__Host-flowpilot_visit"]
    await browser.send()

    for name in (COOKIE, "__Host-flowpilot_visit"):
        assert 401 == (await world.nobody.get("/ai-sessions", headers={"cookie": f"{name}={planted}"})).status_code


async def test_signing_out_ends_it_at_once_and_everywhere(world: World) -> None:
    """A33: whatever asks again who is signed in, as a stream does, ends."""
    browser = await _signed_in(world, world.junior)
    kept = browser.client.cookies[COOKIE]

    await browser.send("/sign-out")

    assert ("/signed-out", None) == (browser.path, browser.client.cookies.get(COOKIE))
    assert 401 == (await world.nobody.get("/ai-sessions", headers={"cookie": f"{COOKIE}={kept}"})).status_code


async def test_it_is_over_after_a_working_day(world: World) -> None:
    browser = await _signed_in(world, world.junior)
    world.clock.jump(LASTS - timedelta(seconds=1))
    before = await browser.client.get(HOME)
    other = await _signed_in(world, world.junior)
    world.clock.jump(timedelta(seconds=1))

    # What counted as good a moment ago may do so for a second.
    kept = browser.client.cookies[COOKIE]
    with pytest.raises(Exception, match="nobody who is active"):
        await world.flowpilot.signing_in.person(kept)
    assert 200 == before.status_code == (await other.client.get(HOME)).status_code


async def test_a_browser_of_one_account_sees_nothing_of_another(world: World) -> None:
    session = await world.junior.session()
    browser = await _signed_in(world, world.rival)

    assert 404 == (await browser.client.get(f"/ai-sessions/{session['id']}")).status_code
    assert world.rival.account_id == parse_token(browser.client.cookies[COOKIE], Prefix.SIGN_IN).account_id


@pytest.mark.parametrize("cookie", ["", "x", "fps_x", "{token}", "{link}"])
async def test_what_is_no_sign_in_signs_nobody_in(world: World, cookie: str) -> None:
    link = (await _link(world, world.junior)).rpartition("/")[2]
    cookie = cookie.format(token=world.junior.token, link=link)

    answer = await world.nobody.get("/ai-sessions", headers={"cookie": f"{COOKIE}={cookie}"})

    assert (401, "unauthenticated") == (answer.status_code, answer.json()["code"])


async def test_a_sign_in_is_no_api_token(world: World) -> None:
    browser = await _signed_in(world, world.junior)

    answer = await world.nobody.get("/ai-sessions", headers={"authorization": f"Bearer {browser.client.cookies[COOKIE]}"})

    assert 401 == answer.status_code


async def test_a_page_for_somebody_signed_in_leads_to_the_account_the_browser_was_signed_in_to(world: World) -> None:
    browser = await _signed_in(world, world.junior)
    kept = browser.client.cookies[COOKIE]
    await browser.send("/sign-out")

    answer = await world.nobody.get(HOME, headers={"cookie": f"{COOKIE}={kept}"})

    assert (303, f"/sign-in/{world.junior.account_id}?next=%2Fsigned-in") == (answer.status_code, answer.headers["location"])
    assert 401 == (await Browser(world.app).open(HOME)).status_code


async def test_the_sign_in_page_of_no_account_is_that_of_any(world: World) -> None:
    """A27"""
    known = await world.nobody.get(f"/sign-in/{world.junior.account_id}")
    unknown = await world.nobody.get("/sign-in/01998c2e-7a10-7000-8000-000000000001")

    assert (200, known.text) == (
        unknown.status_code,
        unknown.text.replace("01998c2e-7a10-7000-8000-000000000001", str(world.junior.account_id)),
    )


@pytest.mark.parametrize("path", ["/claim/fpx_abc", "/handoffs/01998c2e?limit=3", "/", "/a-b_c~d"])
def test_a_path_of_this_server_is_gone_back_to(path: str) -> None:
    assert path == here(path)


@pytest.mark.parametrize(
    "path",
    ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "", "x", "/a\r\nset-cookie:x=y", "/" + "a" * 2000, "/\t/e"],
)
def test_no_path_leads_to_another_server(path: str) -> None:
    assert HOME == here(path)


async def test_a_page_runs_our_own_scripts_alone_and_loads_nothing_from_elsewhere(world: World) -> None:
    browser = await _signed_in(world, world.junior)

    policy = browser.page.headers["content-security-policy"]
    assert (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ) == policy
    loaded = re.findall(r'(?:src|href)="([^"]*)"', browser.page.text)
    assert [] == [address for address in loaded if not address.startswith(("/", "#"))]
    assert [f'<script src="{ASSETS[name].path}" defer></script>' for name in ("htmx", "script")] == re.findall(
        "<script.*?</script>", browser.page.text, re.S
    )


async def test_what_a_page_loads_is_named_by_its_digest_and_kept_for_ever(world: World) -> None:
    for asset in ASSETS.values():
        whole, zipped = [
            await world.nobody.get(asset.path, headers={"accept-encoding": coding}) for coding in ("identity", "br;q=1, gzip;q=0.8")
        ]
        assert (200, "public, max-age=31536000, immutable") == (whole.status_code, whole.headers["cache-control"])
        assert sha256(whole.content).hexdigest()[:16] in asset.path
        assert ("gzip", whole.content) == (zipped.headers["content-encoding"], zipped.content)
        assert "content-encoding" not in whole.headers


@pytest.mark.parametrize("right", range(8, 52, 11))
def test_how_small_a_page_gets_says_nothing_of_how_much_of_its_secret_somebody_wrote(right: int) -> None:
    secret = Visitor(kept="x").csrf_token

    def page(guess: str) -> bytes:
        return f"{'<p>Nobody can print</p>' * 50}{guess}<input value={secret}>{'<p>Nobody can print</p>' * 50}".encode()

    near, far = (page(guess) for guess in (secret[:right], secret[:right][::-1]))

    assert gunzip(zipped(near, apart=secret.encode())) == near
    assert abs(len(zipped(near, apart=secret.encode())) - len(zipped(far, apart=secret.encode()))) <= 2


async def test_somebody_can_have_pages_dark(world: World) -> None:
    browser = await _signed_in(world, world.junior)
    await browser.open("/queue")

    await browser.send("/appearance?next=%2Fqueue", theme="dark")
    dark = browser.path, '<html lang="en" data-theme="dark">' in browser.page.text
    await browser.send("/appearance?next=%2Fqueue", theme="")

    assert ("/queue", True) == dark
    assert '<html lang="en">' in browser.page.text


async def test_the_kit_is_shown_on_a_developers_machine_alone(world: World) -> None:
    browser = await _signed_in(world, world.junior)

    assert 404 == (await browser.open("/kit")).status_code
