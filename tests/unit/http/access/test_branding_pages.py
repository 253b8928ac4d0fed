"""What pages wear of their account: nothing where it says nothing, and where it says something, that and nobody else's."""

import re

import pytest

from tests.support.browser import Browser
from tests.support.http import World
from tests.support.pictures import a_picture, send

from .test_branding import SAID, say, show
from .test_settings_pages import does, signed_in

ADAPTERS = ("memory", "postgres")
STYLE = '<link rel="stylesheet" href="/brand/2563eb.css">'

pytestmark = pytest.mark.anyio


async def upload(browser: Browser, content: bytes, **files: bytes) -> None:
    """Send the form with a logo."""
    await browser.open("/settings/branding")
    data = {"csrf_token": browser.csrf_token, "once": browser.hidden["once"], "move": "logo"}
    browser.page = await browser.client.post(
        "/settings/branding", data=data, files={"file": ("logo.png", content, "image/png")}, follow_redirects=True
    )


async def test_without_anything_said_pages_look_as_they_did(world: World) -> None:
    browser = await signed_in(world, world.owner)

    for page in ("/queue", "/settings/account", "/settings/branding", f"/sign-in/{world.rival.account_id}"):
        text = (await browser.open(page)).text
        assert '<p class="name">FlowPilot</p>' in text
        assert "/brand/" not in text
    assert "<p>Acme</p>" in (await browser.open("/queue")).text


async def test_every_page_wears_what_its_account_says_at_once(world: World) -> None:
    owner, viewer, rival = [await signed_in(world, who) for who in (world.owner, world.viewer, world.rival)]
    for browser in (owner, viewer, rival):
        await browser.open("/work")

    await say(world.owner)
    await show(world.owner, a_picture())

    for browser, page in ((owner, "/queue"), (owner, "/settings/branding"), (viewer, "/work"), (viewer, "/sessions")):
        text = (await browser.open(page)).text
        assert STYLE in text
        assert "<p>Acme IT</p>" in text
        assert re.search(rf'<p class="logo"><img src="/brand/{world.owner.account_id}/[0-9a-f]{{64}}" width="40" height="20" alt="">', text)
        assert '<p class="name">' not in text
    assert "/brand/" not in (await rival.open("/work")).text


async def test_the_pages_on_the_way_in_wear_it_too(world: World) -> None:
    await say(world.owner)
    link = await world.flowpilot.signing_in.link(world.owner.account_id, world.owner.user.id)
    account = world.owner.account_id

    pages = [(await world.nobody.get(path)).text for path in (f"/sign-in/{account}", f"/sign-in/{account}/code", f"/sign-in-link/{link}")]

    assert [(True, True)] * 3 == [(STYLE in page, "<p>Acme IT</p>" in page) for page in pages]


async def test_what_is_said_is_shown_before_it_is_saved(world: World) -> None:
    browser = await signed_in(world, world.admin)

    await does(browser, "branding", "preview", **SAID)

    assert (200, True) == (browser.page.status_code, STYLE in browser.page.text)
    assert '<h2 id="preview">Preview</h2>' in browser.page.text
    assert "From: Acme Service Desk" in browser.page.text
    assert 'value="https://acme.example"' in browser.page.text
    assert None is (await world.admin.seen("/branding"))["display_name"]
    await does(browser, "branding", "set", **SAID)
    assert SAID == {name: value for name, value in (await world.admin.seen("/branding")).items() if name in SAID}
    assert STYLE in browser.page.text


@pytest.mark.parametrize("move", ["preview", "set"])
async def test_a_colour_that_is_hard_to_see_is_said_on_the_page_and_what_was_typed_stays(world: World, move: str) -> None:
    browser = await signed_in(world, world.owner)

    await does(browser, "branding", move, **{**SAID, "colour": "#ffff00"})

    assert 422 == browser.page.status_code
    assert "#ffff00 has a contrast of" in browser.page.text
    assert 'value="#ffff00"' in browser.page.text
    assert 'value="Acme Service Desk"' in browser.page.text
    assert "/brand/ffff00" not in browser.page.text


async def test_a_logo_is_uploaded_and_removed(world: World) -> None:
    browser = await signed_in(world, world.owner)

    await upload(browser, a_picture())
    assert 'alt="Your logo now"' in browser.page.text
    await does(browser, "branding", "no-logo")

    assert (200, False) == (browser.page.status_code, "/brand/" in browser.page.text)
    assert None is (await world.owner.seen("/branding"))["logo"]


async def test_what_is_no_logo_is_said_on_the_page_a66(world: World) -> None:
    """A66."""
    browser = await signed_in(world, world.owner)

    await upload(browser, b"<svg xmlns='http://www.w3.org/2000/svg'/>")

    assert 422 == browser.page.status_code
    assert "This picture cannot be kept" in browser.page.text


async def test_who_was_slower_reads_what_is_there_now_and_keeps_what_they_chose(world: World) -> None:
    owner, admin = [await signed_in(world, who) for who in (world.owner, world.admin)]
    await owner.open("/settings/branding")
    slower = {**SAID, "csrf_token": owner.csrf_token, "once": owner.hidden["once"], "shown": owner.hidden["shown"], "move": "set"}
    await does(admin, "branding", "set", **{**SAID, "display_name": "Quicker"})

    page = await owner.client.post("/settings/branding", data=slower)

    assert 409 == page.status_code
    assert "Now it is Quicker" in page.text
    assert 'value="Acme IT"' in page.text
    assert "Quicker" == (await world.owner.seen("/branding"))["display_name"]
    again = re.search(r'name="shown" value="(\w+)"', page.text)
    once = re.search(r'name="once" value="(\w+)"', page.text)
    assert again
    assert once
    await owner.client.post("/settings/branding", data={**slower, "shown": again[1], "once": once[1]})
    assert "Acme IT" == (await world.owner.seen("/branding"))["display_name"]


@pytest.mark.parametrize("field", ["display_name", "footer", "mail_sender_name"])
async def test_nothing_that_is_said_is_taken_for_markup_a66(world: World, field: str) -> None:
    """A66."""
    await say(world.owner, **{field: "<img src=x onerror=alert(1)>"})
    await send(world.owner, "/branding/logo", a_picture(), method="PUT")
    browser = await signed_in(world, world.owner)

    for page in ("/queue", "/settings/branding", f"/sign-in/{world.owner.account_id}"):
        assert "<img src=x" not in (await browser.open(page)).text


async def test_mails_wear_what_the_account_says_when_they_are_sent(world: World) -> None:
    await world.junior.escalation()
    await world.relay_runs()
    await say(world.owner)
    await show(world.owner, a_picture())
    await world.junior.escalation()
    await world.relay_runs()

    mails = [(mail.account_name, mail.text.endswith("Vienna\n")) for mail in world.mailbox.messages]

    assert {("Acme", False), ("Acme Service Desk", True)} == set(mails)
    assert ("Acme", False) == mails[0]
