"""Branding in browsers: shown before it is saved, worn by pages in light and dark, and read by everybody on it."""

import pytest
from playwright.sync_api import Page, expect

from flowpilot_core.domain.access.branding import BrandingWords
from tests.support.pictures import a_picture

from .cases import an_escalation, an_investigation
from .conftest import TELEPHONE, WIDE, Browsing
from .site import Site
from .test_manners import AXE

LOOKS = [("light", WIDE), ("dark", WIDE), ("light", TELEPHONE), ("dark", TELEPHONE)]


def findings(page: Page) -> list[tuple[str, str]]:
    """What axe has to say of a page."""
    page.evaluate(AXE)
    return [(one["id"], one["nodes"][0]["html"][:120]) for one in page.evaluate("axe.run()")["violations"]]


@pytest.mark.parametrize("colour", ["#2563eb", "#c87000"])
@pytest.mark.parametrize(("scheme", "viewport"), LOOKS)
def test_pages_in_the_accounts_colour_are_read_by_everybody(
    site: Site, browsing: Browsing, scheme: str, viewport: dict[str, int], colour: str
) -> None:
    """With text on it that is white, and that is black."""
    handoff_id, session_id = site.run(an_escalation(site)), site.run(an_investigation(site, "adam"))
    adam = site.person("adam")
    site.run(site.flowpilot.branding.set(adam, BrandingWords(display_name="Acme IT", colour=colour)))
    site.run(site.flowpilot.branding.set_logo(adam, a_picture(size=(400, 100))))
    page = browsing.of("adam", color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    found = {}

    for path in ("/queue", f"/escalations/{handoff_id}", f"/sessions/{session_id}", "/settings/branding", "/signed-in"):
        page.goto(path)
        found[path] = findings(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path

    assert {} == {path: said for path, said in found.items() if said}


@pytest.mark.parametrize(("scheme", "viewport"), LOOKS)
def test_what_is_chosen_is_shown_before_it_is_saved(site: Site, browsing: Browsing, scheme: str, viewport: dict[str, int]) -> None:
    olga = browsing.of("olga", "/settings/branding", color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    olga.get_by_role("textbox", name="Display name").fill("Acme IT")
    olga.get_by_role("textbox", name="Colour").fill("#2563eb")
    olga.get_by_role("button", name="Preview").click()

    save = olga.get_by_role("button", name="Save")
    expect(olga.get_by_role("heading", name="Preview")).to_be_visible()
    expect(save).to_have_css("background-color", "rgb(37, 99, 235)")
    assert [] == findings(olga)
    assert None is site.run(site.flowpilot.branding.get(site.person("olga"))).display_name

    save.click()
    expect(olga.get_by_role("banner")).to_contain_text("Acme IT")
    expect(olga.get_by_role("button", name="Save")).to_have_css("background-color", "rgb(37, 99, 235)")
    assert "Acme IT" == site.run(site.flowpilot.branding.get(site.person("olga"))).display_name


def test_a_logo_is_shown_as_it_is_chosen_and_worn_once_it_is_sent(site: Site, browsing: Browsing) -> None:
    olga = browsing.of("olga", "/settings/branding")
    logo = {"name": "logo.png", "mimeType": "image/png", "buffer": a_picture(size=(400, 100))}

    olga.get_by_label("Logo file").set_input_files(logo)  # type: ignore[arg-type]
    expect(olga.get_by_role("img", name="The logo you chose")).to_have_js_property("naturalWidth", 400)
    olga.get_by_role("button", name="Upload logo").click()

    expect(olga.get_by_role("img", name="Your logo now")).to_have_js_property("naturalWidth", 320)
    expect(olga.get_by_role("banner").locator("img")).to_have_js_property("naturalWidth", 320)
    olga.get_by_role("button", name="Remove logo").click()
    expect(olga.get_by_role("banner")).to_contain_text("FlowPilot")


def test_what_was_saved_is_not_typed_any_more_and_who_was_slower_goes_on_from_what_is_there_now(site: Site, browsing: Browsing) -> None:
    olga = browsing.of("olga", "/settings/branding")
    name, footer, colour = (olga.get_by_label(label, exact=True) for label in ("Display name", "Footer", "Colour"))
    name.fill("Acme IT")
    colour.fill("#2563EB")
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_role("banner")).to_contain_text("Acme IT")
    expect(olga.locator("main[data-unread]")).to_have_count(0)
    site.run(site.flowpilot.branding.set(site.person("adam"), BrandingWords(display_name="Acme", colour="#2563eb")))

    olga.reload()
    expect(name).to_have_value("Acme")
    footer.fill("Call us at any time")
    site.run(site.flowpilot.branding.set(site.person("adam"), BrandingWords(display_name="Acme", colour="#c87000")))
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_role("alert")).to_contain_text("the colour #c87000")
    expect(footer).to_have_value("Call us at any time")
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_role("alert")).to_have_count(0)

    assert "Call us at any time" == site.run(site.flowpilot.branding.get(site.person("olga"))).footer


def test_a_colour_that_is_hard_to_see_is_said_and_what_was_typed_stays(site: Site, browsing: Browsing) -> None:
    olga = browsing.of("olga", "/settings/branding", java_script_enabled=False)
    colour = olga.get_by_role("textbox", name="Colour")
    colour.fill("#ffff00")
    olga.get_by_role("textbox", name="Website").fill("https://acme.example")
    olga.get_by_role("button", name="Save").click()

    expect(olga.get_by_role("alert")).to_contain_text("#ffff00 has a contrast of")
    expect(colour).to_have_value("#ffff00")
    expect(olga.get_by_role("textbox", name="Website")).to_have_value("https://acme.example")
