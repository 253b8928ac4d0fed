"""Settings in browsers: two people at one, and a form that is left and come back to."""

from playwright.sync_api import expect

from .conftest import Browsing
from .site import Site


def test_who_was_slower_with_a_team_keeps_what_they_typed_and_saves_it_once_they_have_read_the_others(
    site: Site, browsing: Browsing
) -> None:
    olga, adam = browsing.of("olga", "/settings/teams"), browsing.of("adam", "/settings/teams")
    name = olga.get_by_role("region", name="Network").get_by_role("textbox", name="Name")
    adam.get_by_role("region", name="Network").get_by_role("textbox", name="Name").fill("Networks")
    adam.get_by_role("region", name="Network").get_by_role("button", name="Save").click()
    expect(adam.get_by_role("heading", name="Networks")).to_be_visible()

    name.fill("Switches")
    name.press("Enter")
    expect(olga.get_by_role("alert")).to_contain_text("Now it is called Networks.")
    name = olga.get_by_role("region", name="Networks").get_by_role("textbox", name="Name")
    expect(name).to_have_value("Switches")
    name.press("Enter")

    expect(olga.get_by_role("heading", name="Switches")).to_be_visible()
    expect(olga.get_by_role("alert")).to_have_count(0)
