"""The link in a mail: what it shows to whom, and that it takes nothing by itself (A35)."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import frozen

from flowpilot_core.application.kernel.links import LINKS_LAST, Links
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_http.pages.page_request import HOME
from tests.support.browser import Browser
from tests.support.http import BASE, SECRET_KEY, Somebody, World

pytestmark = pytest.mark.anyio

LINKS = Links.of(BASE, SECRET_KEY)


@frozen
class Mailed:
    """The junior has escalated, and everybody has a link."""

    world: World
    handoff: Any

    @classmethod
    async def of(cls, world: World, title: str = "VPN down") -> "Mailed":
        session = await world.junior.made("/ai-sessions", {"title": title, "problem": "Nobody gets in", "client_name": "Contoso"})
        handoff = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "I am stuck"})
        return cls(world, handoff)

    def link(self, who: Somebody) -> str:
        link = LINKS.claim(who.account_id, HandoffId(UUID(self.handoff["id"])), who.user.id, at=self.world.clock.now())
        return link.removeprefix(BASE)

    async def state(self) -> str:
        return str((await self.world.junior.seen(f"/handoffs/{self.handoff['id']}"))["state"])


async def signed_in(world: World, who: Somebody) -> Browser:
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
    await browser.send()
    assert HOME == browser.path
    return browser


@pytest.fixture
async def mailed(world: World) -> Mailed:
    return await Mailed.of(world)


async def test_the_link_of_a_mail_leads_from_sign_in_to_the_claim(world: World, mailed: Mailed) -> None:
    browser = Browser(world.app)
    link = mailed.link(world.senior)

    await browser.open(link)
    sign_in_page = browser.path
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.senior.account_id, world.senior.user.id)}")
    await browser.send()
    await browser.open(sign_in_page)

    assert sign_in_page.startswith(f"/sign-in/{world.senior.account_id}?next=%2Fclaim%2F")
    assert link == browser.path
    for words in ("VPN down", "Contoso", "I am stuck", world.junior.user.name, ">Claim<"):
        assert words in browser.page.text
    assert "open" == await mailed.state()

    await browser.send(link)

    assert "This has been yours" in browser.page.text
    assert "claimed" == await mailed.state()


async def test_looking_changes_nothing_however_often(world: World, mailed: Mailed) -> None:
    browser = await signed_in(world, world.senior)

    for _ in range(3):
        await browser.open(mailed.link(world.senior))
        await browser.client.head(mailed.link(world.senior))

    assert 200 == browser.page.status_code
    assert "open" == await mailed.state()


async def test_who_comes_second_reads_by_whom_and_when(world: World, mailed: Mailed) -> None:
    browser = await signed_in(world, world.senior)
    await browser.open(mailed.link(world.senior))
    await world.admin.made(f"/handoffs/{mailed.handoff['id']}/claim")

    await browser.send(mailed.link(world.senior))
    late = browser.page
    await browser.open(mailed.link(world.senior))

    assert 409 == late.status_code
    for page in (late, browser.page):
        assert f'{world.admin.user.name} has had this since <time datetime="20' in page.text
        assert ">Claim<" not in page.text


async def test_one_that_was_withdrawn_needs_nobody(world: World, mailed: Mailed) -> None:
    await world.junior.made(f"/handoffs/{mailed.handoff['id']}/withdraw")
    browser = await signed_in(world, world.senior)

    await browser.open(mailed.link(world.senior))

    assert "This was withdrawn" in browser.page.text
    assert ">Claim<" not in browser.page.text
    assert 409 == (await browser.client.post(mailed.link(world.senior), data={"csrf_token": browser.csrf_token})).status_code


async def test_a_scanner_of_mails_takes_nothing(world: World, mailed: Mailed) -> None:
    """A35: it opens each link, follows where it leads, runs what is there and sends every form it finds, filled in or not."""
    scanner = Browser(world.app)
    for who in (world.senior, world.admin, world.owner):
        link = mailed.link(who)
        for page in (await scanner.open(link), await scanner.client.head(link, follow_redirects=True)):
            for action in {link, scanner.path, *re.findall(r'action="([^"]+)"', page.text)}:
                for form in ({}, scanner.hidden, {**scanner.hidden, "csrf_token": "x"}, {"List-Unsubscribe": "One-Click"}):
                    await scanner.client.post(action, data=form, follow_redirects=True)
            for found in re.findall(r'href="(/[^"]*)"', page.text):
                await scanner.client.get(found.replace("&amp;", "&"), follow_redirects=True)
        await scanner.client.post(link, json={})
        await scanner.client.put(link)
        await scanner.client.delete(link)

    assert "open" == await mailed.state()


async def test_a_form_of_another_site_takes_nothing(world: World, mailed: Mailed) -> None:
    """A35: the cookie alone does not do, nor a token of another visit."""
    browser, stranger = await signed_in(world, world.senior), Browser(world.app)
    await stranger.open("/signed-out")
    await browser.open(mailed.link(world.senior))

    for token in ("", "x", stranger.client.cookies.get("__Host-flowpilot_visit") or "y"):
        assert 403 == (await browser.client.post(mailed.link(world.senior), data={"csrf_token": token})).status_code
    assert "open" == await mailed.state()


async def test_a_forwarded_link_is_no_use_to_a_colleague(world: World, mailed: Mailed) -> None:
    """A35: who finds it by themselves may claim it all the same."""
    browser = await signed_in(world, world.admin)

    await browser.open(mailed.link(world.senior))
    taken = await browser.client.post(mailed.link(world.senior), data={"csrf_token": browser.csrf_token})

    assert (403, 403) == (browser.page.status_code, taken.status_code)
    assert "VPN down" not in browser.page.text
    assert "open" == await mailed.state()


async def test_somebody_of_another_account_is_asked_to_sign_in_and_told_nothing(world: World, mailed: Mailed) -> None:
    """A35."""
    browser = await signed_in(world, world.rival)

    await browser.open(mailed.link(world.senior))

    assert browser.path.startswith(f"/sign-in/{world.senior.account_id}?")
    for words in ("VPN down", "Contoso", world.junior.user.name, "Acme"):
        assert words not in browser.page.text
    await browser.client.post(mailed.link(world.senior), data={"csrf_token": browser.csrf_token})
    assert "open" == await mailed.state()


async def test_the_escalators_own_link_shows_and_takes_nothing(world: World, mailed: Mailed) -> None:
    browser = await signed_in(world, world.junior)

    await browser.open(mailed.link(world.junior))
    await browser.send(mailed.link(world.junior))

    assert 409 == browser.page.status_code
    assert "open" == await mailed.state()


async def test_an_expired_link_says_so_to_whom_it_was_for(world: World, mailed: Mailed) -> None:
    """A35."""
    link = mailed.link(world.senior)
    world.clock.jump(LINKS_LAST + timedelta(seconds=1))
    browser = await signed_in(world, world.senior)

    await browser.open(link)

    assert 410 == browser.page.status_code
    assert 410 == (await browser.client.post(link, data={"csrf_token": browser.csrf_token})).status_code
    assert "open" == await mailed.state()


@pytest.mark.parametrize("signed", ["x", "A" * 92, "fp_abc"])
async def test_what_is_no_link_of_ours_is_not_found(world: World, signed: str) -> None:
    """A35."""
    browser = await signed_in(world, world.senior)

    await browser.open(f"/claim/{signed}")

    assert 404 == browser.page.status_code


async def test_a_link_to_a_handoff_of_another_account_is_not_found(world: World, mailed: Mailed) -> None:
    """A35: even if we had signed it."""
    forged = LINKS.claim(world.rival.account_id, HandoffId(UUID(mailed.handoff["id"])), world.rival.user.id, at=world.clock.now())
    browser = await signed_in(world, world.rival)

    await browser.open(forged.removeprefix(BASE))

    assert 404 == browser.page.status_code
    assert "VPN down" not in browser.page.text


async def test_what_people_wrote_is_shown_as_text(world: World) -> None:
    """A40."""
    mailed = await Mailed.of(world, "<script>alert(1)</script><img src=https://evil.example>")
    browser = await signed_in(world, world.senior)

    await browser.open(mailed.link(world.senior))

    assert "&lt;script&gt;" in browser.page.text
    assert "<script>" not in browser.page.text
    assert "<img" not in browser.page.text


async def test_who_takes_it_by_the_link_chooses_where_they_go_on(world: World) -> None:
    mailed = await Mailed.of(world)
    path = f"/ai-sessions/{mailed.handoff['session_id']}"
    await world.junior.made(f"/handoffs/{mailed.handoff['id']}/withdraw")
    step = await world.junior.made(f"{path}/steps", {"kind": "note", "content": "It began today"})
    options = [{"label": "Line", "hypothesis": "The line is down"}, {"label": "Firewall", "hypothesis": "It <b>drops</b> us"}]
    fork = await world.junior.made(f"{path}/forks", {"at_step_id": step["id"], "reason": "Two causes fit", "options": options})
    mailed = Mailed(world, await world.junior.made(f"{path}/handoff", {"intent": "escalate", "reason": "Stuck"}))
    browser = await signed_in(world, world.senior)

    await browser.open(mailed.link(world.senior))
    for words in ("Where will you carry on?", "Line", "It &lt;b&gt;drops&lt;/b&gt; us", f"where {world.junior.user.name} stopped"):
        assert words in browser.page.text
    await browser.send(mailed.link(world.senior), branch_id=fork["branch_ids"][1])

    assert "This has been yours" in browser.page.text
    assert fork["branch_ids"][1] == (await world.senior.seen(path))["active_branch_id"]


async def test_where_there_is_one_line_of_work_nobody_is_asked_where_to_go_on(world: World, mailed: Mailed) -> None:
    browser = await signed_in(world, world.senior)

    await browser.open(mailed.link(world.senior))

    assert "Where will you carry on?" not in browser.page.text
