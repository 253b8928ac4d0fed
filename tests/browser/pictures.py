"""`python -m tests.browser.pictures`: every page as a picture, light, dark and on a telephone, into `docs/pages`."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve
from playwright.sync_api import Page, sync_playwright

from flowpilot_core.domain.sessions.session import Priority, Ticket

from .cases import VPN, a_schedule, a_script, a_session, a_tree, an_escalation, an_investigation, walking, worked_through
from .site import Site

INTO = Path(__file__).parents[2] / "docs" / "pages"
LOOKS = (
    ("light", {"width": 1280, "height": 800}, "light"),
    ("dark", {"width": 1280, "height": 800}, "dark"),
    ("telephone", {"width": 390, "height": 844}, "light"),
)


async def _filled(site: Site) -> dict[str, str]:
    """Something to see, and where."""
    shown = await an_escalation(site, "jo")
    await an_escalation(
        site,
        "sue",
        priority=Priority.URGENT,
        title="Nobody can print",
        client_name="Hillside School",
        ticket=Ticket(system="connectwise", id="48230"),
        reason="The exams are to be printed at eight",
    )
    await an_escalation(
        site,
        "jo",
        priority=Priority.NORMAL,
        title="Outlook asks for a password again and again",
        client_name="Meridian Law",
        reason="Out of ideas",
    )
    worked = await an_investigation(site, "sam", title="Backups have not run since Friday", client_name="Contoso")
    await site.flowpilot.suggestions.ask(site.person("sam"), worked)
    done = await an_investigation(site, "sam", title="Telephones are silent", client_name="Harbour Hotel")
    await site.flowpilot.sessions.resolve(site.person("sam"), done, summary="Put port 14 back into VLAN 30", root_cause="A swapped uplink")
    await a_session(site, "sam", title="A new laptop for the front desk")
    await site.flowpilot.tree_categories.make(site.person("adam"), name="Network")
    tree = await a_tree(site)
    followed = await walking(site, "sam", tree)
    half = evolve(VPN, nodes=(*VPN.nodes[:5], evolve(VPN.nodes[5], text=""), *VPN.nodes[6:]))
    unfinished = await a_tree(site, "sam", name="Nobody can print", content=half, publish=False)
    return {
        "queue": "/queue",
        "escalation": f"/escalations/{shown}",
        "beside": f"/escalations/{shown}?beside=/queue",
        "session": f"/sessions/{worked}",
        "escalate": f"/sessions/{worked}?do=escalate",
        "resolved": f"/sessions/{done}",
        "work": "/work",
        "sessions": "/sessions",
        "new-session": "/sessions/new",
        "walk": f"/sessions/{followed}",
        "library": "/library/trees",
        "library-tree": f"/library/trees/{tree}",
        "library-edit": f"/library/trees/{unfinished}/edit?node=timeout",
        "library-script": f"/library/scripts/{await a_script(site)}?session={worked}",
        "library-categories": "/library/categories",
        "maintenance": "/maintenance",
        "maintenance-schedule": f"/maintenance/schedules/{await a_schedule(site)}",
        "maintenance-new": "/maintenance/new",
        "settings-profile": "/settings/profile",
        "settings-people": "/settings/people",
        "not-found": "/sessions/nonsense",
    }


def main() -> None:
    """Take them all."""
    INTO.mkdir(exist_ok=True)
    site, busy = Site(), Site()
    for one in (site, busy):
        one.start()
    pages = site.run(_filled(site))
    site.relay_runs()
    busy.run(worked_through(busy))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for look, viewport, scheme in LOOKS:
            looks = {"viewport": viewport, "color_scheme": scheme, "timezone_id": "Europe/Vienna"}
            context = browser.new_context(**looks, base_url=site.address)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto("/sign-in")
            page.screenshot(path=INTO / f"sign-in-{look}.jpg", type="jpeg", quality=70)
            _taken(page, site, "sam", look, pages)
            context.close()
            context = browser.new_context(**looks, base_url=busy.address)  # type: ignore[arg-type]
            _taken(context.new_page(), busy, "adam", look, {"insights": "/insights"})
            context.close()
        browser.close()
    for one in (site, busy):
        one.close()


def _taken(page: Page, site: Site, who: str, look: str, pages: Mapping[str, str]) -> None:
    page.goto(site.link(who))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/signed-in")
    for name, path in pages.items():
        page.goto(path)
        page.wait_for_load_state("load")
        page.get_by_role("heading", level=1).wait_for()
        page.screenshot(path=INTO / f"{name}-{look}.jpg", type="jpeg", quality=70)


if __name__ == "__main__":
    main()
