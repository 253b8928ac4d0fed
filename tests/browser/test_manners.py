"""What holds on every page: nobody is kept out, and nothing is done by looking."""

from importlib.resources import files

import pytest

from .cases import an_escalation, an_investigation
from .conftest import TELEPHONE, WIDE, Browsing
from .site import Site

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", TELEPHONE)])
def test_axe_finds_nothing_on_any_page(site: Site, browsing: Browsing, scheme: str, viewport: dict[str, int]) -> None:
    handoff_id = site.run(an_escalation(site))
    session_id = site.run(an_investigation(site, "sam"))
    site.relay_runs()
    sam = browsing.of("sam", color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    found = {}

    for path in ("/queue", f"/escalations/{handoff_id}", f"/sessions/{session_id}", "/kit", "/sessions/nonsense", "/signed-in"):
        sam.goto(path)
        sam.evaluate(AXE)
        violations = sam.evaluate("axe.run()")["violations"]
        found[path] = [(one["id"], one["nodes"][0]["html"][:120]) for one in violations]

    assert {} == {path: violations for path, violations in found.items() if violations}
