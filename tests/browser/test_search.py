"""Search in a browser: from the keyboard, while one types, and on a page of its own."""

from playwright.sync_api import expect

from .cases import an_escalation
from .conftest import TELEPHONE, Browsing
from .site import Site


def test_somebody_finds_a_case_by_keyboard_while_typing(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site, title="Printer offline"))
    vera = browsing.of("vera")

    vera.keyboard.press("/")
    expect(vera.get_by_role("searchbox", name="Search")).to_be_focused()
    vera.keyboard.type("printer offl")
    expect(vera.get_by_role("search").get_by_role("link", name="Printer offline")).to_have_count(2)
    vera.keyboard.press("ArrowDown")
    vera.keyboard.press("ArrowDown")
    vera.keyboard.press("ArrowUp")
    vera.keyboard.press("Enter")

    expect(vera.get_by_role("heading", name="Printer offline", level=1)).to_be_visible()


def test_what_was_typed_can_be_looked_at_on_a_page(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site, title="Printer offline"))
    vera = browsing.of("vera")

    vera.get_by_role("searchbox", name="Search").fill("printer")
    vera.get_by_role("searchbox", name="Search").press("Enter")

    expect(vera.get_by_role("heading", name="Search", level=1)).to_be_visible()
    expect(vera.get_by_role("list", name="Results").get_by_role("article").first).to_be_visible()
    expect(vera.get_by_role("searchbox", name="Search")).to_have_value("printer")


def test_what_matched_is_on_a_telephone_though_lines_stand_before_it(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site, title="Printer offline", problem="It began on\nMonday, with\na beep and\na light,\nand then\nflumox 7031"))
    vera = browsing.of("vera", "/results?q=7031&kind=session", viewport=TELEPHONE)

    snippet = vera.get_by_role("list", name="Results").locator(".why").first

    expect(snippet.locator("mark")).to_have_text("7031")
    assert snippet.evaluate("one => one.querySelector('mark').getBoundingClientRect().bottom <= one.getBoundingClientRect().bottom")


def test_all_of_what_is_found_is_on_a_telephone(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site, title="Printer offline in the far corner of the second floor of the practice"))
    vera = browsing.of("vera", viewport=TELEPHONE)

    vera.get_by_role("searchbox", name="Search").press_sequentially("printer offl")

    expect(vera.get_by_role("search").get_by_role("link").first).to_be_visible()
    box = vera.locator(".found").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= TELEPHONE["width"]
