"""The page of figures in a browser: by keyboard, by its form, without a script, and on paper."""

import re

import pytest
from playwright.sync_api import expect

from .cases import an_escalation, worked_through
from .conftest import TELEPHONE, Browsing
from .site import Site


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without a script"])
def test_a_manager_chooses_days_and_reads_charts_with_their_figures(site: Site, browsing: Browsing, script: bool) -> None:
    site.run(worked_through(site))
    olga = browsing.of("olga", "/work", java_script_enabled=script)
    olga.get_by_role("navigation", name="Main").get_by_role("link", name="Insights").click()
    expect(olga.get_by_role("heading", name="Insights", level=1)).to_be_visible()

    olga.get_by_label("From", exact=True).fill("2020-01-01")
    olga.get_by_label("To, without that day").fill("2020-02-01")
    olga.get_by_role("button", name="Show").click()
    expect(olga.get_by_text("Nothing was escalated in this time.").first).to_be_visible()
    olga.get_by_role("link", name="30 days", exact=True).click()

    expect(olga).to_have_url(re.compile(r"/insights\?from=\d{4}-\d\d-\d\d$"))
    for title in ("Time to the first step", "Escalations over time", "Escalations by client", "Where trees are left", "Who claims"):
        panel = olga.get_by_role("article", name=title, exact=True)
        expect(panel.get_by_role("img", name=re.compile(title))).to_be_visible()
        expect(panel.get_by_role("table")).to_be_visible()
        with olga.expect_download() as download:
            panel.get_by_role("link", name=f"{title} as CSV").click()
        assert download.value.suggested_filename.endswith(".csv")


def test_the_keys_lead_to_the_figures(site: Site, browsing: Browsing) -> None:
    site.run(an_escalation(site))
    vera = browsing.of("vera")

    vera.keyboard.press("g")
    vera.keyboard.press("i")

    expect(vera.get_by_role("heading", name="Insights", level=1)).to_be_visible()
    expect(vera.get_by_role("article", name="Who claims")).to_have_count(0)


def test_on_paper_there_is_nothing_to_press_and_all_of_each_table(site: Site, browsing: Browsing) -> None:
    site.run(worked_through(site))
    adam = browsing.of("adam", "/insights")

    adam.emulate_media(media="print")

    for role, name in (("navigation", "Main"), ("button", "Show"), ("link", "CSV"), ("button", "Sign out")):
        expect(adam.get_by_role(role, name=name).first).to_be_hidden()  # type: ignore[arg-type]
    cut = "() => [...document.querySelectorAll('.figure .table')].filter((one) => one.scrollHeight > one.clientHeight + 1).length"
    assert 0 == adam.evaluate(cut)


@pytest.mark.parametrize("viewport", [{"width": 320, "height": 640}, TELEPHONE], ids=["320 px", "a telephone"])
def test_every_place_of_the_navigation_is_on_the_screen(site: Site, browsing: Browsing, viewport: dict[str, int]) -> None:
    site.run(an_escalation(site))
    sam = browsing.of("sam", "/insights", viewport=viewport)

    boxes = [link.bounding_box() for link in sam.get_by_role("navigation", name="Main").get_by_role("link").all()]

    assert 6 == len(boxes)
    assert all(box and 0 <= box["x"] and box["x"] + box["width"] <= viewport["width"] and box["width"] >= 24 for box in boxes)
