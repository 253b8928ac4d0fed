"""`python -m bench.pages`: what pages cost in a browser, with floors that make it fail.

Bytes and requests of the first page somebody opens, with nothing in the browser's cache; when something is painted; what moves; how long
a key takes to be answered; and a queue of 500. All in Debian's Chromium on this machine, over a server in memory.
"""

import shutil
import statistics
import sys
from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from rich.console import Console
from rich.table import Table

from flowpilot_core.domain.sessions.session import Priority
from tests.browser.cases import a_session, an_escalation, escalated
from tests.browser.site import Site

ROUNDS: Final = 5
MANY: Final = 500
WIDE: Final[ViewportSize] = {"width": 1280, "height": 800}
TELEPHONE: Final[ViewportSize] = {"width": 390, "height": 844}
KEPT: Final = 100_000
"""Bytes over the wire of the first page, all of it."""
SOON: Final = 100.0
"""Milliseconds from what the server took until one can act, and from a key to its answer on the screen."""
FRAME: Final = 50.0
"""Milliseconds of the longest frame but one in twenty, while 500 are scrolled."""

WATCH: Final = """
window.moved = 0; window.slowest = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) moved += one.value; })
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { for (const one of list.getEntries()) slowest = Math.max(slowest, one.duration); })
  .observe({ type: "event", durationThreshold: 16, buffered: true });
"""
SCROLL: Final = """
() => new Promise((done) => {
  const frames = []; let last = performance.now(), left = 200;
  const frame = (now) => {
    frames.push(now - last); last = now;
    scrollBy(0, Math.max(120, (document.documentElement.scrollHeight - innerHeight - scrollY) / left));
    if (--left) requestAnimationFrame(frame); else done(frames);
  };
  requestAnimationFrame(frame);
})
"""


@frozen(kw_only=True)
class Seen:
    """One page, once."""

    kilobytes: float
    requests: int
    painted: float
    """Milliseconds until something is on the screen, from the beginning."""
    ready: float
    """Milliseconds from the end of the server's answer until one can act."""
    moved: float
    answered: float
    """Milliseconds from a key to the next frame."""


def main() -> None:
    """Measure, print a table, and end with 1 where a floor does not hold."""
    site = Site()
    site.start()
    site.run(_few(site))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        first = [_seen(browser, site, "/queue") for _ in range(ROUNDS)]
        site.run(_many(site))
        many = [_seen(browser, site, "/queue") for _ in range(ROUNDS)]
        frames = {name: _scrolled(browser, site, viewport) for name, viewport in (("on a desk", WIDE), ("on a telephone", TELEPHONE))}
        browser.close()
    site.close()
    Console().print(_table({"a queue of 3": first, f"a queue of {MANY}": many}, frames))
    wrong = [*_wrong(first), *(f"a frame of scrolling {MANY} took {took:.0f} ms {name}" for name, took in frames.items() if took > FRAME)]
    for one in wrong:
        print(one, file=sys.stderr)
    sys.exit(1 if wrong else 0)


async def _few(site: Site) -> None:
    for title, priority in (("Nobody can print", Priority.URGENT), ("VPN drops", Priority.HIGH), ("No sound", Priority.NORMAL)):
        await an_escalation(site, title=title, priority=priority)


async def _many(site: Site) -> None:
    for number in range(MANY - 3):
        await escalated(site, await a_session(site, title=f"Escalation {number}"), priority=list(Priority)[number % 4])


def _seen(browser: Browser, site: Site, path: str) -> Seen:
    page, sizes = _signed_in(browser, site)
    page.goto(path)
    page.wait_for_function("document.querySelector('.by-script:not([hidden])')")
    page.keyboard.press("j")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
    timing: dict[str, Any] = page.evaluate(
        """() => { const [one] = performance.getEntriesByType("navigation");
            return { painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
                     ready: one.domContentLoadedEventEnd - one.responseEnd, moved, slowest }; }"""
    )
    seen = Seen(
        kilobytes=sum(sizes) / 1000,
        requests=len(sizes),
        painted=timing["painted"],
        ready=timing["ready"],
        moved=timing["moved"],
        answered=timing["slowest"],
    )
    page.context.close()
    return seen


def _scrolled(browser: Browser, site: Site, viewport: ViewportSize) -> float:
    page, _ = _signed_in(browser, site, viewport)
    page.goto("/queue")
    page.wait_for_function("document.querySelector('.by-script:not([hidden])')")
    frames = sorted(page.evaluate(SCROLL))
    if page.get_by_role("article").count() < MANY or page.evaluate("scrollY + innerHeight + 1 < document.documentElement.scrollHeight"):
        raise RuntimeError("it did not scroll through all of them")
    page.context.close()
    return float(frames[int(len(frames) * 0.95)])


def _signed_in(browser: Browser, site: Site, viewport: ViewportSize = WIDE) -> tuple[Page, list[int]]:
    """Somebody's page, and the bytes of all that it loads from then on, with nothing kept from before."""
    context = browser.new_context(viewport=viewport, base_url=site.address)
    page = context.new_page()
    page.goto(site.link("sam"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/signed-in")
    page.add_init_script(WATCH)
    sizes: list[int] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    return page, sizes


def _wrong(first: Sequence[Seen]) -> list[str]:
    """Which floors do not hold."""
    kilobytes, moved = max(one.kilobytes for one in first), max(one.moved for one in first)
    ready, answered = statistics.median(one.ready for one in first), statistics.median(one.answered for one in first)
    found = [
        (kilobytes * 1000 > KEPT, f"the first page takes {kilobytes:.0f} kB"),
        (moved > 0, f"something moves by {moved:.3f}"),
        (ready > SOON, f"one waits {ready:.0f} ms after the answer"),
        (answered > SOON, f"a key takes {answered:.0f} ms"),
    ]
    return [said for so, said in found if so]


def _table(pages: dict[str, Sequence[Seen]], frames: dict[str, float]) -> Table:
    table = Table("page", "kB", "requests", "first paint, ms", "ready after the answer, ms", "moved", "a key, ms", title="Pages, medians")
    for name, seen in pages.items():
        table.add_row(
            name,
            *(
                f"{statistics.median(getattr(one, figure) for one in seen):{form}}"
                for figure, form in (
                    ("kilobytes", ".1f"),
                    ("requests", ".0f"),
                    ("painted", ".0f"),
                    ("ready", ".0f"),
                    ("moved", ".3f"),
                    ("answered", ".0f"),
                )
            ),
        )
    table.caption = (
        f"scrolling {MANY} to the end: 19 of 20 frames within {', '.join(f'{took:.0f} ms {name}' for name, took in frames.items())}"
    )
    return table


if __name__ == "__main__":
    main()
