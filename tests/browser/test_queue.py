"""The queue in browsers: what one does, the others see."""

import re
from datetime import datetime, timedelta

from playwright.sync_api import Page, expect

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import QueueFilter

from .cases import a_session, an_escalation, escalated
from .conftest import TELEPHONE, Browsing
from .site import Site

LIST = "Waiting escalations"


def titles(page: Page) -> list[str]:
    return page.get_by_role("list", name=LIST).get_by_role("heading").all_inner_texts()


def test_what_one_escalates_another_sees_and_claims_and_a_third_sees_who_took_it(site: Site, browsing: Browsing) -> None:
    sam, sue = browsing.of("sam"), browsing.of("sue")
    expect(sam.get_by_role("heading", name="Nothing is waiting")).to_be_visible()

    site.run(an_escalation(site, "jo", title="Nobody can print"))
    expect(sam.get_by_role("article", name="Nobody can print")).to_be_visible()
    expect(sam.get_by_role("status")).to_have_text("Jo Keller needs help: Nobody can print")
    expect(sam).to_have_title("(1) Queue · FlowPilot")
    expect(sue.get_by_role("article", name="Nobody can print")).to_be_visible()
    # How long it stays is told by a clock of ours, or it may be gone again before a slow machine looks.
    sue.clock.pause_at(datetime.now() + timedelta(seconds=5))
    sam.get_by_role("article", name="Nobody can print").get_by_role("button", name="Claim").click()

    expect(sue.get_by_text("Claimed by Sam Okafor")).to_be_visible()
    expect(sam).to_have_url(re.compile("/sessions/"))
    sue.clock.run_for(100)
    expect(sue).to_have_title("Queue · FlowPilot")
    expect(sue.get_by_text("Claimed by Sam Okafor")).to_be_visible()
    sue.clock.run_for(2500)
    expect(sue.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    expect(sue.get_by_text("Claimed by Sam Okafor")).to_have_count(0)


def test_who_is_second_reads_who_was_first(site: Site, browsing: Browsing) -> None:
    handoff_id = site.run(an_escalation(site, title="Nobody can print"))
    sam = browsing.of("sam", java_script_enabled=False)
    sue: Person = site.person("sue")
    site.run(site.flowpilot.handoffs.claim(sue, handoff_id))

    sam.get_by_role("button", name="Claim").click()

    expect(sam.get_by_role("alert")).to_contain_text("Sue Lind was first and has “Nobody can print” since")


def test_what_has_the_focus_stays_where_it_is_when_others_come(site: Site, browsing: Browsing) -> None:
    for number in range(12):
        site.run(an_escalation(site, title=f"Waits since long {number:02}"))
    sam = browsing.of("sam")
    focused = sam.get_by_role("article", name="Waits since long 08")
    focused.focus()
    focused.scroll_into_view_if_needed()
    before = focused.bounding_box()

    site.run(an_escalation(site, "sue", title="More urgent than all", priority=Priority.URGENT))
    expect(sam.get_by_role("article", name="More urgent than all")).to_be_attached()

    after = focused.bounding_box()
    expect(focused).to_be_focused()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) < 2


def test_a_page_says_how_old_it_is_while_the_server_is_away_and_catches_up_once_it_is_back(site: Site, browsing: Browsing) -> None:
    sam = browsing.of("sam")
    expect(sam.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    site.run(an_escalation(site, title="Before it went"))
    expect(sam.get_by_role("article", name="Before it went")).to_be_visible()

    site.stop()
    expect(sam.get_by_role("status")).to_contain_text("reconnecting")
    session_id = site.run(a_session(site, "sue", title="While it was away"))
    site.run(escalated(site, session_id, "sue"))
    site.start()

    expect(sam.get_by_role("article", name="While it was away")).to_have_count(1)
    expect(sam.get_by_role("status")).not_to_contain_text("reconnecting")
    assert ["Before it went", "While it was away"] == sorted(titles(sam))


def test_the_keyboard_is_enough(site: Site, browsing: Browsing) -> None:
    for title in ("The first", "The second"):
        site.run(an_escalation(site, title=title))
    sam = browsing.of("sam")

    sam.keyboard.press("j")
    sam.keyboard.press("j")
    expect(sam.get_by_role("article", name="The second")).to_be_focused()
    sam.keyboard.press("?")
    expect(sam.get_by_role("dialog", name="By keyboard")).to_be_visible()
    sam.keyboard.press("Escape")
    expect(sam.get_by_role("dialog", name="By keyboard")).to_be_hidden()
    sam.keyboard.press("k")
    expect(sam.get_by_role("article", name="The first")).to_be_focused()
    sam.keyboard.press("c")

    expect(sam).to_have_url(re.compile("/sessions/"))
    expect(sam.get_by_role("heading", level=1)).to_have_text("The first")
    expect(sam.get_by_text("Enter adds")).to_be_visible()
    sam.keyboard.press("Escape")
    sam.keyboard.press("g")
    sam.keyboard.press("q")
    expect(sam).to_have_url(re.compile("/queue$"))


def test_a_choice_stands_in_the_address(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site, title="Urgent one", priority=Priority.URGENT))
    site.run(an_escalation(site, title="Low one", priority=Priority.LOW))
    sam = browsing.of("sam")

    sam.get_by_role("combobox", name="Priority").select_option("Urgent")

    expect(sam.get_by_role("article")).to_have_count(1)
    expect(sam).to_have_url(re.compile("priority=urgent"))


def test_nothing_scrolls_sideways_on_small_telephones(site: Site, browsing: Browsing) -> None:
    handoff_id = site.run(an_escalation(site))
    sam = browsing.of("sam", viewport={"width": 320, "height": 640})

    for path in ("/queue", f"/escalations/{handoff_id}", "/kit"):
        sam.goto(path)
        assert 320 >= sam.evaluate("document.documentElement.scrollWidth"), path


def test_what_a_senior_decides_by_is_seen_without_scrolling(site: Site, browsing: Browsing) -> None:
    handoff_id = site.run(an_escalation(site))
    site.relay_runs()

    for viewport in ({"width": 1280, "height": 800}, TELEPHONE):
        sam = browsing.of("sam", f"/escalations/{handoff_id}", viewport=viewport)
        for seen in (
            sam.get_by_role("heading", level=1),
            sam.get_by_text("Lakeside Dental"),
            sam.get_by_role("main").get_by_role("link", name="HaloPSA 48213"),
            sam.get_by_text("No rights on the switch"),
            sam.locator(".verdict"),
            sam.get_by_role("button", name="Claim"),
        ):
            expect(seen.first).to_be_in_viewport(ratio=0.9)


def test_who_asked_for_help_meanwhile_is_said_once_and_in_order(site: Site, browsing: Browsing) -> None:
    sam = browsing.of("sam")
    expect(sam.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    site.run(an_escalation(site, title="Before it went"))
    expect(sam.get_by_role("article", name="Before it went")).to_be_visible()

    sam.context.set_offline(True)
    expect(sam.get_by_role("status")).to_have_text(re.compile(r"Last updated \d\d:\d\d.*, reconnecting"))
    for title in ("The first", "The second"):
        site.run(an_escalation(site, title=title))
    sam.context.set_offline(False)

    expect(sam.get_by_role("status")).to_have_text("Jo Keller needs help: The first. Jo Keller needs help: The second")
    assert ["Before it went", "The first", "The second"] == titles(sam)


def test_how_many_wait_stands_beside_the_queue_on_every_page(site: Site, browsing: Browsing) -> None:
    for path in ("/settings/profile", "/sessions/new", "/work"):
        sam = browsing.of("sam", path)
        before = len(site.run(site.flowpilot.handoffs.queue(site.person("sam"), QueueFilter(), after=None, limit=10)))
        expect(sam.locator("#waiting")).to_have_text(str(before or ""))

        site.run(an_escalation(site))

        expect(sam.locator("#waiting")).to_have_text(str(before + 1))


def test_who_claimed_reads_in_the_session_why_they_were_asked(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site))
    sam = browsing.of("sam")

    sam.get_by_role("button", name="Claim").click()

    expect(sam.get_by_text("Jo Keller asked you: No rights on the switch")).to_be_visible()
    sam.get_by_role("link", name="What is thought of it").click()
    expect(sam.get_by_role("heading", name="Assessment")).to_be_visible()


def test_who_looks_at_an_escalation_reads_who_took_it(site: Site, browsing: Browsing) -> None:
    handoff_id = site.run(an_escalation(site))
    sam = browsing.of("sam", f"/escalations/{handoff_id}")
    expect(sam.get_by_text("Seen by Sam Okafor")).to_be_visible()

    site.run(site.flowpilot.handoffs.claim(site.person("sue"), handoff_id))

    expect(sam.get_by_role("status")).to_have_text("Claimed by Sue Lind")
    expect(sam.get_by_text("Sue Lind has had this since")).to_be_visible()
    expect(sam.get_by_role("button", name="Claim", exact=True)).to_have_count(0)
