"""Maintenance in browsers: a schedule is written, started and deleted by keyboard alone."""

import re

from playwright.sync_api import expect

from .conftest import Browsing
from .site import Site


def test_a_schedule_is_written_started_and_deleted_by_keyboard(site: Site, browsing: Browsing) -> None:
    adam = browsing.of("adam", "/maintenance")

    adam.get_by_role("link", name="New schedule").press("Enter")
    expect(adam.get_by_label("Name", exact=True)).to_be_focused()
    adam.keyboard.type("Patch night")
    adam.keyboard.press("Tab")
    adam.keyboard.type("Lakeside Dental")
    adam.keyboard.press("Tab")
    adam.keyboard.type("srv-mail-01\nsrv-file-01")
    adam.get_by_label("Starts at").fill("2098-03-01T22:00")
    adam.get_by_label("Comes").select_option("weekly")
    adam.get_by_label("Tuesday").press("Space")
    adam.get_by_label("Tuesday").press("Enter")

    expect(adam.get_by_role("heading", level=1, name="Patch night")).to_be_visible()
    expect(adam.get_by_text("again by FREQ=WEEKLY;BYDAY=TU")).to_be_visible()
    adam.get_by_role("button", name="Run now").press("Enter")
    expect(adam.get_by_text("0 of 2 sessions started, 0 ended.")).to_be_visible()
    adam.get_by_role("button", name="Delete").press("Enter")
    adam.get_by_role("dialog", name="Delete Patch night").get_by_role("button", name="Delete").press("Enter")

    expect(adam).to_have_url(re.compile("/maintenance$"))
    expect(adam.get_by_role("heading", name="No schedules")).to_be_visible()
