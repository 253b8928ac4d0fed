"""A browser and a site for each test. Without Chromium they are skipped, unless `FLOWPILOT_BROWSER` says that there must be one."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from .site import Site

WIDE = {"width": 1280, "height": 800}
TELEPHONE = {"width": 390, "height": 844}

UNREAD = """addEventListener("DOMContentLoaded", () => {
  if (document.body.classList.contains("signed-in")) document.getElementById("main").dataset.unread = "";
});"""
"""Marks what a page came with; gone once its stream has opened and it has been read again."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's; gone after each module, since Playwright's event loop lets no other run beside it."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("FLOWPILOT_BROWSER"):
            pytest.fail("there is no chromium: apt-get install chromium")
        pytest.skip("there is no chromium to look at pages with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Served, and gone after the test."""
    site = Site()
    site.start()
    yield site
    site.close()


class Browsing:
    """Browsers of several people at one site. What a page complains of makes the test fail."""

    def __init__(self, chromium: Browser, site: Site) -> None:
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []
        self._chromium, self._site = chromium, site

    def of(self, name: str, path: str = "/queue", **options: Any) -> Page:
        """Somebody's browser, signed in, at a page whose stream is open, so that nothing is read again between two lines of a test."""
        context = self._chromium.new_context(**{"viewport": WIDE, "base_url": self._site.address, **options})
        context.set_default_timeout(10_000)
        context.add_init_script(UNREAD)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(self._site.link(name))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/signed-in")
        page.goto(path)
        expect(page.locator("main[data-unread]")).to_have_count(0)
        return page


@pytest.fixture
def browsing(chromium: Browser, site: Site) -> Iterator[Browsing]:
    """Whoever looks."""
    browsing = Browsing(chromium, site)
    yield browsing
    for context in browsing.contexts:
        context.close()
    assert [] == browsing.complaints
