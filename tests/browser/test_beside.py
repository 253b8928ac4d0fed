"""A list and one of its items, side by side on a wide screen."""

import re

from playwright.sync_api import Page, expect

from .cases import a_session, an_escalation
from .conftest import Browsing
from .site import Site


def beside(page: Page, name: str) -> list[str]:
    return page.get_by_role("complementary", name=name).get_by_role("article").get_by_role("heading").all_inner_texts()


def test_an_escalation_opens_beside_the_queue_and_its_address_shows_the_same_again(site: Site, browsing: Browsing) -> None:
    for title in ("Nobody can print", "VPN drops"):
        site.run(an_escalation(site, title=title))
    sam = browsing.of("sam", "/queue?priority=high")

    sam.get_by_role("link", name="Nobody can print").click()
    expect(sam.get_by_role("heading", level=1)).to_have_text("Nobody can print")
    expect(sam).to_have_url(re.compile(r"/escalations/[^/]+\?beside="))
    sam.reload()

    assert ["Nobody can print", "VPN drops"] == beside(sam, "Queue")
    expect(sam.get_by_role("heading", level=1)).to_have_text("Nobody can print")
    expect(sam.get_by_role("complementary").get_by_role("link", name="Queue")).to_have_attribute("href", "/queue?priority=high")


def test_the_next_one_opens_beside_the_queue_by_keyboard(site: Site, browsing: Browsing) -> None:
    for title in ("The first", "The second"):
        site.run(an_escalation(site, title=title))
    sam = browsing.of("sam")

    sam.keyboard.press("j")
    sam.keyboard.press("Enter")
    expect(sam.get_by_role("heading", level=1)).to_have_text("The first")
    sam.wait_for_load_state()
    sam.keyboard.press("j")
    expect(sam.get_by_role("article", name="The second")).to_be_focused()
    sam.keyboard.press("Enter")
    expect(sam.get_by_role("heading", level=1)).to_have_text("The second")


def test_the_key_that_claims_takes_what_is_open_and_nothing_where_nothing_was_reached(site: Site, browsing: Browsing) -> None:
    first, second = (site.run(an_escalation(site, title=title)) for title in ("The first", "The second"))
    sam = browsing.of("sam")

    sam.keyboard.press("c")
    sam.get_by_role("link", name="The second").click()
    expect(sam.get_by_role("heading", level=1)).to_have_text("The second")
    sam.wait_for_load_state()
    sam.keyboard.press("c")
    expect(sam.get_by_text("This has been yours")).to_be_visible()

    claims = [site.run(site.flowpilot.handoffs.get(site.person("sam"), one)).handoff.claim for one in (first, second)]
    assert [None, site.person("sam").user_id] == [claim and claim.by for claim in claims]


def test_what_happens_in_the_queue_shows_beside_what_is_open(site: Site, browsing: Browsing) -> None:
    opened, other = (site.run(an_escalation(site, title=title)) for title in ("The open one", "The other one"))
    sam = browsing.of("sam")
    sam.get_by_role("link", name="The open one").click()
    expect(sam.get_by_role("complementary", name="Queue")).to_be_visible()

    site.run(an_escalation(site, "sue", title="A new one"))
    expect(sam.get_by_role("article", name="A new one")).to_be_visible()
    site.run(site.flowpilot.handoffs.claim(site.person("sue"), other))
    expect(sam.get_by_text("Claimed by Sue Lind")).to_be_visible()
    sam.get_by_role("main").get_by_role("button", name="Claim", exact=True).last.click()

    expect(sam.get_by_text("This has been yours")).to_be_visible()
    expect(sam).to_have_url(re.compile(str(opened)))
    expect(sam.get_by_role("article", name="A new one")).to_be_visible()


def test_a_dialog_leaves_the_list_beside_it(site: Site, browsing: Browsing) -> None:
    site.run(a_session(site, title="A new laptop"))
    jo = browsing.of("jo", "/work")
    jo.get_by_role("link", name="A new laptop").click()

    jo.get_by_role("button", name="Park").click()
    jo.get_by_role("dialog", name="Park").get_by_role("textbox", name="Reason").fill("The dealer calls back")
    jo.get_by_role("dialog", name="Park").get_by_role("button", name="Park").click()

    expect(jo.get_by_text("Parked by Jo Keller")).to_be_visible()
    expect(jo.get_by_role("complementary", name="My work").get_by_text("parked")).to_be_visible()


def test_on_a_narrow_screen_and_without_a_script_an_item_is_a_page_of_its_own(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site, title="Nobody can print"))

    for options in ({"viewport": {"width": 1024, "height": 768}}, {"java_script_enabled": False}):
        sam = browsing.of("sam", **options)
        sam.get_by_role("link", name="Nobody can print").click()

        expect(sam.get_by_role("heading", level=1)).to_have_text("Nobody can print")
        expect(sam.get_by_role("complementary", name="Queue")).to_have_count(0)


def test_a_list_that_there_is_not_stands_beside_nothing(site: Site, browsing: Browsing) -> None:
    """P17."""
    session_id = site.run(a_session(site))

    for address in ("//elsewhere.example/queue", "https://elsewhere.example/queue", "/settings/people"):
        jo = browsing.of("jo", f"/sessions/{session_id}?beside={address}")

        expect(jo.get_by_role("heading", level=1)).to_have_text("VPN drops every ten minutes")
        expect(jo.get_by_role("complementary", name="Queue")).to_have_count(0)
