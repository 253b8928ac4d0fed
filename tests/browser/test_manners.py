"""What holds on every page: nobody is kept out, and nothing is done by looking."""

import re
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.outputs.output import OutputKind
from flowpilot_http.pages.settings import PLACES

from .cases import an_escalation, an_investigation, in_library, in_maintenance, walking, worked_through
from .conftest import TELEPHONE, WIDE, Browsing
from .site import Site

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", TELEPHONE)])
def test_axe_finds_nothing_on_any_page(site: Site, browsing: Browsing, scheme: str, viewport: dict[str, int]) -> None:
    handoff_id = site.run(an_escalation(site))
    session_id = site.run(an_investigation(site, "adam"))
    site.relay_runs()
    adam = browsing.of("adam", color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    found = {}

    taken = site.run(an_escalation(site, title="Taken"))
    site.run(site.flowpilot.handoffs.claim(site.person("adam"), taken))
    own = site.run(an_escalation(site, "adam", title="My own"))
    solved = site.run(an_investigation(site, "adam", title="Solved"))
    site.run(site.flowpilot.sessions.resolve(site.person("adam"), solved, summary="Put port 14 back"))
    site.run(site.flowpilot.outputs.make(site.person("adam"), solved, OutputKind.PSA_NOTE))
    parked = site.run(an_investigation(site, "adam", title="Parked"))
    site.run(site.flowpilot.handoffs.hand_off(site.person("adam"), parked, intent=Intent.PARK, reason="The dealer calls back"))

    pages = ["/queue", "/queue?priority=low", f"/escalations/{handoff_id}", f"/escalations/{handoff_id}?beside=/queue"]
    pages += [f"/escalations/{taken}", f"/escalations/{own}", f"/escalations/{handoff_id}?do=reroute", f"/sessions/{solved}?beside=/work"]
    pages += [f"/sessions/{parked}", f"/sessions/{solved}?do=reopen", "/sessions?status=abandoned"]
    pages += [
        "/results",
        "/results?q=printer",
        "/results?q=nothingness",
        "/work",
        "/sessions",
        "/sessions/new",
        "/kit",
        "/sessions/nonsense",
        "/signed-in",
    ]
    pages += [f"/sessions/{session_id}{query}" for query in ("", "?do=escalate", "?do=fork", "?do=park", "?do=resolve", "?do=close")]
    pages += [f"/settings/{name}" for name, _, _ in PLACES if name != "sign-in"]
    pages += [*site.run(in_library(site)), *site.run(in_maintenance(site))]
    site.run(worked_through(site))
    pages += ["/insights", "/insights?from=2020-01-01&to=2020-01-02", "/insights?from=2020-01-02&to=2020-01-01"]
    pages += [f"/sessions/{site.run(walking(site, 'adam'))}{query}" for query in ("", "?do=leave-tree")]

    for path in pages:
        adam.goto(path)
        adam.evaluate(AXE)
        violations = adam.evaluate("axe.run()")["violations"]
        found[path] = [(one["id"], one["nodes"][0]["html"][:120]) for one in violations]

    assert {} == {path: violations for path, violations in found.items() if violations}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way_in_nor_on_what_one_may_not_do(site: Site, browsing: Browsing, scheme: str) -> None:
    handoff_id = site.run(an_escalation(site))
    vera = browsing.of("vera", color_scheme=scheme, reduced_motion="reduce")
    found = {}

    ways_in = ["/sign-in", f"/sign-in/{site.account_id}", "/signed-out", "/queue", "/nowhere"]
    read_only = ["/queue", f"/escalations/{handoff_id}", "/work", "/sessions/new", "/settings/people", "/settings/policy", "/signed-in"]
    for path in [*read_only, site.link("sam"), "sign out", *ways_in]:
        if path == "sign out":
            vera.goto("/queue")
            vera.get_by_role("button", name="Sign out").click()
            vera.wait_for_url("**/signed-out")
            continue
        vera.goto(path)
        vera.evaluate(AXE)
        found[path] = [(one["id"], one["nodes"][0]["html"][:120]) for one in vera.evaluate("axe.run()")["violations"]]

    assert {} == {path: violations for path, violations in found.items() if violations}


def test_its_escalator_reads_who_has_looked_at_it(site: Site, browsing: Browsing) -> None:
    handoff_id = site.run(an_escalation(site))
    jo = browsing.of("jo", f"/escalations/{handoff_id}")
    expect(jo.get_by_text("Nobody has looked at it yet.")).to_be_visible()

    browsing.of("sam", f"/escalations/{handoff_id}")
    expect(jo.get_by_text("Sam Okafor has looked at it.")).to_be_visible()
    browsing.of("sue", f"/escalations/{handoff_id}", java_script_enabled=False).get_by_role("button", name="I have seen it").click()

    expect(jo.get_by_text("Sam Okafor, Sue Lind have looked at it.")).to_be_visible()


SMALL = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !one.closest("svg"))
  .filter((one) => !(one.matches("a") && one.closest("p, li, dd, h2, h3, dt, td, span")))
  .map((one) => [one, (one.matches("[type=radio], [type=checkbox]") ? one.closest("label") ?? one : one).getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height && Math.min(box.width, box.height) < 24)
  .map(([one]) => one.outerHTML.slice(0, 100))"""
MOVING = """() => [...document.querySelectorAll("*")].map((one) => getComputedStyle(one))
  .filter((look) => look.animationName !== "none" || look.transitionDuration.split(",").some((time) => parseFloat(time))).length"""


@pytest.mark.parametrize("viewport", [{"width": 320, "height": 640}, {"width": 640, "height": 400}], ids=["320 px", "zoom of 200 %"])
def test_every_page_fits_has_targets_of_24_px_and_moves_nothing_for_who_wants_none(
    site: Site, browsing: Browsing, viewport: dict[str, int]
) -> None:
    handoff_id, session_id = site.run(an_escalation(site)), site.run(an_investigation(site, "adam"))
    site.relay_runs()
    adam = browsing.of("adam", viewport=viewport, reduced_motion="reduce")
    pages = ["/queue", f"/escalations/{handoff_id}", f"/escalations/{handoff_id}?do=reroute", "/work", "/sessions", "/sessions/new", "/kit"]
    pages += [f"/sessions/{session_id}{query}" for query in ("", "?do=escalate", "?do=fork", "?do=park", "?do=close")]
    pages += [f"/settings/{name}" for name, _, _ in PLACES if name != "sign-in"]
    pages += [*site.run(in_library(site)), *site.run(in_maintenance(site)), f"/sessions/{site.run(walking(site, 'adam'))}"]
    site.run(worked_through(site))
    pages += ["/insights", "/insights?from=2020-01-02&to=2020-01-01"]
    found = {}

    for path in pages:
        adam.goto(path)
        wide = adam.evaluate("document.documentElement.scrollWidth") > viewport["width"]
        found[path] = (wide, adam.evaluate(SMALL), adam.evaluate(MOVING))

    assert {} == {path: wrong for path, wrong in found.items() if wrong != (False, [], 0)}


def test_whose_account_is_closed_reads_that_they_are_signed_out_and_is_led_to_where_one_signs_in(site: Site, browsing: Browsing) -> None:
    sam = browsing.of("sam")

    site.run(site.flowpilot.accounts.close(site.account_id))
    expect(sam.get_by_role("status")).to_contain_text("You are signed out", timeout=20_000)
    sam.goto("/queue")

    expect(sam).to_have_url(re.compile("/sign-in"))
    expect(sam.get_by_role("heading", level=1)).to_be_visible()


def test_a_viewer_reads_and_is_told_why_there_is_nothing_to_press(site: Site, browsing: Browsing) -> None:
    handoff_id = site.run(an_escalation(site))
    vera = browsing.of("vera", "/")
    expect(vera).to_have_url(re.compile("/work$"))

    vera.goto("/queue")
    expect(vera.get_by_role("article")).to_have_count(1)
    expect(vera.get_by_role("button", name="Claim")).to_have_count(0)
    vera.goto(f"/escalations/{handoff_id}")
    expect(vera.get_by_text("As viewer you may read this, but not claim it.")).to_be_visible()
    vera.goto("/sessions/new")
    expect(vera.get_by_role("button", name="Start")).to_have_count(0)
    expect(vera.get_by_role("main")).to_contain_text("viewer")


def test_two_pages_that_a_browser_opens_at_once_before_it_is_signed_in_both_take_their_form(site: Site, browsing: Browsing) -> None:
    """The cookie of the second replaces that of the first, as when a page that noticed that it is signed out looks where to sign in."""
    jo = browsing.of("jo")
    jo.goto("about:blank")
    jo.context.clear_cookies()
    jo.goto(site.link("jo"))
    jo.context.clear_cookies()
    jo.context.new_page().goto("/sign-in")

    jo.get_by_role("button", name="Sign in").click()
    jo.wait_for_url("**/signed-in")
