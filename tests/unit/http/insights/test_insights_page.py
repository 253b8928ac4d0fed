"""The page of figures: what it says, to whom, and of which days; every figure on it stands in a table, and its own route gives it too."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
from attrs import define

from flowpilot_core.domain.insights.spread import CLASSES, LONGER
from flowpilot_http.pages.insights import panels
from tests.support.browser import Browser
from tests.support.http import Somebody, World
from tests.unit.http.knowledge.test_trees import NEW, published

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")
PERSONAL = {"Who claims", "Who escalates", "Who works on sessions"}
OF_TICKETS = "What was put on tickets"


@define
class Reader:
    """Somebody's browser at the figures."""

    browser: Browser
    page: httpx.Response

    @classmethod
    async def of(cls, world: World, who: Somebody, query: str = "") -> "Reader":
        browser = Browser(world.app)
        await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
        await browser.send()
        return cls(browser, await browser.open(f"/insights{query}"))

    @property
    def html(self) -> str:
        return self.page.text.partition("<main")[2].partition("</main>")[0]

    @property
    def titles(self) -> list[str]:
        """Of the charts."""
        return re.findall(r"<h3 [^>]*>([^<]+)</h3>", self.html)

    def panel(self, title: str) -> str:
        """The chart of this title, with all that belongs to it."""
        return next(one for one in self.html.split('<article class="figure"') if f">{title}</h3>" in one)

    def says(self, title: str) -> str:
        """Its sentence."""
        return unescape(self.panel(title).partition("<p>")[2].partition("</p>")[0])

    def table(self, title: str) -> list[list[str]]:
        """The rows of its table."""
        rows = re.findall(r"<tr>(.*?)</tr>", self.panel(title).partition("<tbody>")[2], re.DOTALL)
        return [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]

    @property
    def csvs(self) -> list[str]:
        return [unescape(one) for one in re.findall(r'href="(/analytics/[^"]+)"', self.html)]


async def a_claimed_escalation(world: World, **values: object) -> None:
    """Taken after three minutes, and worked on twenty seconds later."""
    made = await world.junior.escalation_of(**values)
    world.clock.jump(timedelta(minutes=3))
    await world.senior.made(f"/handoffs/{made['id']}/claim")
    world.clock.jump(timedelta(seconds=20))
    await world.senior.made(f"/ai-sessions/{made['session_id']}/steps", {"kind": "note", "content": "Looked at it"})


async def test_the_promise_comes_first_and_says_how_long_it_took_after_the_claim(world: World) -> None:
    await a_claimed_escalation(world)

    viewer = await Reader.of(world, world.viewer)

    assert "Time to the first step" == viewer.titles[0]
    assert "The one first step came within 20 s of the claim." == viewer.says("Time to the first step")
    assert ["10 to 30 seconds", "1", "100%"] == viewer.table("Time to the first step")[1]
    assert "The one claim came within 3 minutes of the escalation." == viewer.says("Time to claim")


async def test_each_chart_is_drawn_and_its_figures_stand_in_a_table_that_a_spreadsheet_can_have(world: World) -> None:
    await a_claimed_escalation(world, client_name="Contoso")
    await world.junior.escalation_of(client_name="Fabrikam")
    await world.junior.escalation_of(client_name="Fabrikam")

    viewer = await Reader.of(world, world.viewer)

    panel = viewer.panel("Escalations by client")
    assert 'role="img"' in panel
    assert "0 of 2 claimed" in panel
    assert "Most: Fabrikam, 2 of 3 escalations." == viewer.says("Escalations by client")
    assert [["Fabrikam", "2", "0", "none", "none", "0"], ["Contoso", "1", "1", "3 minutes", "20 s", "0"]] == viewer.table(
        "Escalations by client"
    )
    (address,) = [one for one in viewer.csvs if "group_by=client" in one]
    rows = csv.DictReader(io.StringIO((await viewer.browser.client.get(address)).text))
    assert [("Contoso", "1"), ("Fabrikam", "2")] == [(row["label"], row["escalations"]) for row in rows]


async def test_what_is_no_more_and_took_no_longer_than_another_is_not_said_to(world: World) -> None:
    await a_claimed_escalation(world, client_name="Contoso")
    await a_claimed_escalation(world, client_name="Fabrikam")

    owner = await Reader.of(world, world.owner)

    assert "Most: Contoso, 1 of 2 escalations, as many as 1 other." == owner.says("Escalations by client")
    assert "Most: No team, 2 of 2 escalations." == owner.says("Escalations by team")
    assert f"{world.senior.user.name} took the most: 2 of 2 claims." == owner.says("Who claims")


async def test_which_takes_longest_is_said_of_those_that_are_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "MOST", 2)
    for client in ("Contoso", "Contoso", "Fabrikam"):
        await a_claimed_escalation(world, client_name=client)
    for client, hours in (("Fabrikam", 2), ("Globex", 5)):
        made = await world.junior.escalation_of(client_name=client)
        world.clock.jump(timedelta(hours=hours))
        await world.senior.made(f"/handoffs/{made['id']}/claim")

    viewer = await Reader.of(world, world.viewer)

    said = viewer.says("Escalations by client")
    assert "Of 3, those 2 with the most are shown. Of these, claims take longest: Fabrikam, half within 1 h 1 min." in said


async def test_a_tree_that_few_follow_and_most_leave_is_the_one_that_is_left_most(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "MOST", 1)
    followed, left = await published(world, name="Followed"), await published(world, name="Left")
    for tree in (followed, followed, left):
        case = await world.junior.session(tree_id=tree["id"], parameters={"printer": "P1"})
    await world.junior.made(f"/ai-sessions/{case['id']}/walk/leave", {"reason": "It is the network"})

    viewer = await Reader.of(world, world.viewer)

    assert "Left is left most: work went on without it in 1 of 1." in viewer.says("How trees are followed")


async def test_days_without_anything_stand_between_those_with_something(world: World) -> None:
    await world.junior.escalation_of()
    today = world.clock.now().date()

    viewer = await Reader.of(world, world.viewer, "?from=&to=&team=")

    rows = viewer.table("Escalations over time")
    assert 30 == len(rows)
    assert [today.isoformat(), "1", "0", "0", "1", "1"] == rows[-1]
    assert {"0"} == {cell for row in rows[:-1] for cell in row[1:]}
    assert f"1 escalation, 0 of them claimed. Most were made on {today}, 1 of them." in viewer.says("Escalations over time")


async def test_a_year_is_drawn_by_the_week_and_ten_years_by_the_month(world: World) -> None:
    await world.junior.escalation_of()
    today = world.clock.now().date()

    year = await Reader.of(world, world.viewer, f"?from={today.replace(year=today.year - 1)}")
    ten = await Reader.of(world, world.viewer, f"?from={today.replace(year=today.year - 10)}")

    weeks, months = year.table("Escalations over time"), ten.table("Escalations over time")
    assert 52 <= len(weeks) <= 54
    assert (True, 1) == ("-W" in weeks[0][0], sum(int(row[1]) for row in weeks))
    assert (121, 1) == (len(months), sum(int(row[1]) for row in months))
    assert "group_by=month" in " ".join(ten.csvs)


async def test_what_is_asked_stands_in_the_address(world: World) -> None:
    team = await world.owner.made("/teams", {"name": "Night shift"})
    session = await world.junior.session()
    await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck", "team_id": team["id"]})
    await world.junior.escalation_of()
    today = world.clock.now().date()

    of_team = await Reader.of(world, world.viewer, f"?team={team['id']}")
    long_ago = await Reader.of(world, world.viewer, "?from=2020-01-01&to=2020-02-01")

    assert [["Night shift", "1", "0", "none", "none", "0"]] == of_team.table("Escalations by team")
    assert all(f"team_id={team['id']}" in one for one in of_team.csvs)
    assert ", of Night shift, by the clock of UTC" in of_team.html
    assert f'<option value="{team["id"]}" selected>Night shift</option>' in of_team.html
    assert f"/insights?from={today - timedelta(days=6)}&amp;team={team['id']}" in of_team.html
    assert "2020-01-01 until before 2020-02-01" in long_ago.html
    assert "Nothing was escalated in this time." == long_ago.says("Escalations over time")


async def test_an_account_in_which_nothing_happened_reads_so_in_every_chart(world: World) -> None:
    owner = await Reader.of(world, world.owner)

    assert 200 == owner.page.status_code
    assert len(owner.titles) == len([title for title in owner.titles if owner.says(title)])
    assert ("<svg" in owner.html, "<table" in owner.html) == (False, False)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?from=2026-03-02&to=2026-03-02", 422, "To must be after"),
        ("?from=0001-01-01", 422, "From must be between the years"),
        ("?from=yesterday", 400, "from"),
        ("?team=all", 400, "team"),
    ],
)
async def test_days_that_cannot_be_are_said_on_the_page(world: World, query: str, status: int, said: str) -> None:
    viewer = await Reader.of(world, world.viewer, query)

    assert (status, True) == (viewer.page.status_code, said in viewer.page.text)


async def test_a_parameter_without_a_value_counts_as_left_out_in_the_api_too(world: World) -> None:
    asked = await world.viewer.seen("/analytics/work?from=&to=&team_id=")

    assert (await world.viewer.seen("/analytics/work"))["from"] == asked["from"]


async def test_what_people_do_and_what_was_put_on_tickets_is_for_account_owners_and_admins(world: World) -> None:
    """A63."""
    await a_claimed_escalation(world)

    for who, more in ((world.owner, True), (world.admin, True), (world.senior, False), (world.junior, False), (world.viewer, False)):
        reader = await Reader.of(world, who)

        assert ({*PERSONAL, OF_TICKETS} if more else set()) == {*PERSONAL, OF_TICKETS} & {*reader.titles}
        assert more is (world.senior.user.name in reader.html)
        for address in reader.csvs:
            assert 200 == (await who.get(address)).status_code


async def test_what_is_private_a_draft_or_of_another_account_shows_in_no_chart(world: World) -> None:
    """A63: not by a count either."""
    empty = [(await Reader.of(world, who)).html for who in (world.viewer, world.senior)]
    for _ in range(2):
        parked = await world.junior.session(title="Flumox merjin", problem="?", client_name="Secret Client")
        await world.junior.made(f"/ai-sessions/{parked['id']}/handoff", {"intent": "park", "reason": "Flumox waits"})
        await world.rival.escalation_of(title="Flumox bandril", client_name="Secret Client")
    await world.junior.made("/trees", {**NEW, "name": "Secret tree"})

    shown = [(await Reader.of(world, who)).html for who in (world.viewer, world.senior)]

    assert empty == shown
    owner = await Reader.of(world, world.owner)
    assert "2 sessions were started" in owner.says("Who works on sessions")
    assert "Secret tree" not in owner.html


async def test_hostile_names_are_words_and_nothing_else(world: World) -> None:
    name = '"><script>alert(1)</script>' + "x" * 170
    await world.junior.escalation_of(client_name=name, title="<b>Flumox</b> bandril", problem="?")
    await world.junior.escalation_of(client_name="=1+1", title="<b>Flumox</b> bandril", problem="?")

    owner = await Reader.of(world, world.owner)

    assert "<script>" not in owner.html
    assert "<b>" not in owner.html
    assert name in {row[0] for row in owner.table("Escalations by client")}
    assert f'<text y="15">{"&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;xxxxxx…"}</text>' in owner.html


async def test_more_groups_than_one_answer_may_have_are_said_where_they_would_be_drawn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowpilot_core.application.insights.analytics.MOST_GROUPS", 1)
    await world.junior.escalation_of(client_name="Contoso")
    await world.junior.escalation_of(client_name="Fabrikam")

    viewer = await Reader.of(world, world.viewer)

    assert viewer.says("Escalations by client").startswith("There are more than 1,000 of them in this time.")
    assert [["No team", "2", "0", "none", "none", "0"]] == viewer.table("Escalations by team")


async def test_what_comes_again_without_a_tree_leads_to_an_example(world: World) -> None:
    for _ in range(2):
        await world.junior.escalation_of(title="Flumox bandril", problem="?")

    viewer = await Reader.of(world, world.viewer)

    assert "“flumox bandril” came up 2 times and was escalated 2 times" in viewer.says("What comes again without a tree")
    (path,) = re.findall(r'href="(/sessions/[^"]+)"', viewer.panel("What comes again without a tree"))
    assert 200 == (await viewer.browser.open(path)).status_code


async def test_it_is_in_the_navigation_of_every_page(world: World) -> None:
    viewer = await Reader.of(world, world.viewer)

    assert '<a href="/insights" aria-current="page">Insights' in viewer.page.text


def test_every_class_of_waits_has_words() -> None:
    assert [*CLASSES, LONGER] == [*panels.CLASS_WORDS]
