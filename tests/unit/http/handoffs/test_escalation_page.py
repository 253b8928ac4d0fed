"""The page of an escalation: everything that was tried, what is thought of it, and the buttons that each person has."""

import re
from html import unescape
from typing import Any

import pytest
from attrs import frozen

from flowpilot_adapters.sql.connection import recorded_round_trips
from tests.support.browser import Browser
from tests.support.http import Somebody, World
from tests.support.routes import MISSING

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

LOG = "\n".join(f"line {number} of the spooler's log" for number in range(40))


@frozen
class Case:
    """What the junior tried before escalating it."""

    handoff: Any

    @property
    def path(self) -> str:
        return f"/escalations/{self.handoff['id']}"

    @property
    def session_path(self) -> str:
        return f"/sessions/{self.handoff['session_id']}"


async def a_case(world: World, title: str = "Nobody can print") -> Case:
    junior = world.junior
    ticket = {"system": "halopsa", "id": "48213"}
    session = await junior.session(title=title, problem="Since this morning", client_name="Contoso", ticket=ticket, priority="high")
    at = f"/ai-sessions/{session['id']}"
    asked = await junior.made(f"{at}/steps", {"kind": "question", "content": "What changed?", "evidence": "A switch was swapped"})
    await junior.made(f"{at}/steps", {"kind": "action", "content": "Restarted the spooler", "result": "failed", "evidence": LOG})
    options = [{"label": "Driver", "hypothesis": "The update broke it"}, {"label": "VLAN 30", "hypothesis": "The port is wrong"}]
    await junior.made(f"{at}/forks", {"at_step_id": asked["id"], "reason": "Two things changed last night", "options": options})
    await junior.made(f"{at}/steps", {"kind": "action", "content": "Rolled the driver back", "result": "failed"})
    return Case(await junior.made(f"{at}/handoff", {"intent": "escalate", "reason": "No rights on the switch", "note": "Call Maria"}))


async def signed_in(world: World, who: Somebody) -> Browser:
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
    await browser.send()
    return browser


async def opened(world: World, who: Somebody, case: Case) -> Browser:
    browser = await signed_in(world, who)
    await browser.open(case.path)
    return browser


def buttons(browser: Browser) -> set[str]:
    """What is done to the escalation in the main part."""
    found = re.findall(r"<button[^>]*>([^<]+)</button>", browser.page.text.partition("<main")[2].partition("</main>")[0])
    return set(found) - {"I have seen it", "Ask for another assessment"}


def headings(browser: Browser, level: int = 2) -> list[str]:
    return [
        unescape(re.sub(r"<[^>]+>", "", found)).strip()
        for found in re.findall(rf"<h{level}[^>]*>(.*?)</h{level}>", browser.page.text.partition("</main>")[0], re.S)
    ]


async def test_everything_that_was_tried_is_on_one_page(world: World) -> None:
    case = await a_case(world)

    browser = await opened(world, world.senior, case)

    assert (200, ["Nobody can print"]) == (browser.page.status_code, headings(browser, 1))
    assert ["Assessment", "What was tried", "Since then", "Who was told"] == headings(browser)
    for words in (
        "Contoso",
        "HaloPSA 48213",
        "High",
        world.junior.user.name,
        "No rights on the switch",
        "Call Maria",
        "Since this morning",
    ):
        assert words in browser.page.text
    for words in ("What changed?", "A switch was swapped", "Restarted the spooler", "Two things changed last night", "The port is wrong"):
        assert words in browser.page.text
    assert f'<summary>Evidence (40 lines)</summary><pre tabindex="0">{LOG}</pre>'.replace("'", "&#39;") in browser.page.text


async def test_each_citation_of_the_assessment_leads_to_its_step(world: World) -> None:
    case = await a_case(world)
    pending = await opened(world, world.senior, case)
    await world.relay_runs()

    browser = await opened(world, world.senior, case)

    assessment = (await world.senior.seen(f"/handoffs/{case.handoff['id']}"))["assessment"]
    assert "It is on its way." in pending.page.text
    assert "It is on its way." not in browser.page.text
    for words in (assessment["headline"], assessment["likely_causes"][0]["cause"], assessment["next_steps"][0]["text"]):
        assert words in unescape(browser.page.text)
    cited = set(re.findall(r'href="#(step-\d+)"', browser.page.text))
    assert cited
    assert cited <= set(re.findall(r'id="(step-\d+)"', browser.page.text))
    assert "no step speaks for it" in browser.page.text or all(cause["for"] for cause in assessment["likely_causes"])


async def test_who_claims_has_it_and_can_give_it_back(world: World) -> None:
    case = await a_case(world)
    browser = await opened(world, world.senior, case)

    offered = buttons(browser)
    await browser.send(move="claim")
    claimed = browser.page.text, buttons(browser)
    await browser.send(move="unclaim")

    assert {"Claim", "Reroute"} == offered
    assert "This has been yours since" in claimed[0]
    assert {"Give back", "Right", "Late", "Avoidable"} == claimed[1]
    assert (case.path, {"Claim", "Reroute"}) == (browser.path, buttons(browser))
    assert "gave it back" in browser.page.text


async def test_who_claims_chooses_where_to_go_on(world: World) -> None:
    case = await a_case(world)
    browser = await opened(world, world.senior, case)
    (chosen,) = re.findall(r'value="([^"]+)">\s*<span><strong>VLAN 30</strong>: The port is wrong', browser.page.text)

    await browser.send(move="claim", branch_id=chosen)

    assert "This has been yours since" in browser.page.text
    assert chosen == (await world.senior.seen(f"/ai-sessions/{case.handoff['session_id']}"))["active_branch_id"]


async def test_what_was_added_to_cannot_be_given_back_and_the_page_says_why(world: World) -> None:
    case = await a_case(world)
    browser = await opened(world, world.senior, case)
    await browser.send(move="claim")
    await world.senior.made(f"/ai-sessions/{case.handoff['session_id']}/steps", {"kind": "note", "content": "x"})

    await browser.send(move="unclaim")

    assert 409 == browser.page.status_code
    assert "Work has gone on since you claimed this, so you can no longer give it back." in browser.page.text
    assert {"Right", "Late", "Avoidable"} == buttons(browser)
    assert "This has been yours" in browser.page.text


async def test_who_comes_second_reads_who_was_first_and_when(world: World) -> None:
    case = await a_case(world)
    browser = await opened(world, world.senior, case)
    taken = await world.admin.made(f"/handoffs/{case.handoff['id']}/claim")

    await browser.send(move="claim")
    late = browser.page
    await browser.open(case.path)

    assert 409 == late.status_code
    assert f'role="alert"><p>{world.admin.user.name} was first and claimed it, at <time datetime="{taken["claimed_at"][:19]}' in late.text
    assert f"{world.admin.user.name} has had this since" in browser.page.text
    for page in (late, browser.page):
        assert ">Claim</button>" not in page.text
        assert "Restarted the spooler" in page.text


@pytest.mark.parametrize(
    ("who", "open_", "claimed"),
    [
        ("junior", {"Reroute", "Withdraw"}, set()),
        ("senior", {"Claim", "Reroute"}, {"Give back", "Right", "Late", "Avoidable"}),
        ("admin", {"Claim", "Reroute", "Withdraw"}, set()),
        ("owner", {"Claim", "Reroute", "Withdraw"}, set()),
        ("viewer", set(), set()),
    ],
)
async def test_each_is_offered_what_their_role_may(world: World, who: str, open_: set[str], claimed: set[str]) -> None:
    case = await a_case(world)
    browser = await opened(world, getattr(world, who), case)
    before = buttons(browser)
    await world.senior.made(f"/handoffs/{case.handoff['id']}/claim")

    await browser.open(case.path)

    assert (open_, claimed) == (before, buttons(browser))


@pytest.mark.parametrize(
    ("who", "move", "status"),
    [
        ("viewer", "claim", 403),
        ("viewer", "withdraw", 403),
        ("junior", "claim", 409),
        ("senior", "withdraw", 403),
        ("admin", "unclaim", 409),
    ],
)
async def test_what_is_not_offered_is_refused(world: World, who: str, move: str, status: int) -> None:
    case = await a_case(world)
    browser = await opened(world, getattr(world, who), case)
    token = browser.csrf_token

    answer = await browser.client.post(case.path, data={"csrf_token": token, "move": move})

    assert status == answer.status_code
    assert answer.headers["content-type"].startswith("text/html")
    assert "open" == (await world.junior.seen(f"/handoffs/{case.handoff['id']}"))["state"]


async def test_its_escalator_can_withdraw_it(world: World) -> None:
    case = await a_case(world)
    browser = await opened(world, world.junior, case)

    await browser.send(move="withdraw")

    assert "This was withdrawn: nobody is needed now." in browser.page.text
    assert set() == buttons(browser)


async def test_what_solved_it_is_read_by_who_had_escalated_it(world: World) -> None:
    case = await a_case(world)
    await world.senior.made(f"/handoffs/{case.handoff['id']}/claim")
    await world.senior.made(f"/ai-sessions/{case.handoff['session_id']}/resolve", {"summary": "Port 14 into VLAN 30"})

    browser = await opened(world, world.junior, case)
    await browser.open(case.path)
    escalation = browser.page.text
    await browser.open(case.session_path)

    assert "resolved it: Port 14 into VLAN 30" in escalation
    assert f'href="{case.session_path}"' in escalation
    assert "Solved:</b> Port 14 into VLAN 30" in browser.page.text
    assert f'href="{case.path}"' in browser.page.text


@pytest.mark.parametrize("path", ["/escalations/", "/sessions/"])
async def test_anothers_is_as_unknown_as_one_that_never_was(world: World, path: str) -> None:
    """A27, A28: the same page, to the byte."""
    case = await a_case(world)
    theirs = case.handoff["id"] if "escalations" in path else case.handoff["session_id"]
    browser = await signed_in(world, world.rival)

    pages = [await browser.open(f"{path}{which}") for which in (theirs, MISSING, "nonsense")]
    moved = [await browser.client.post(f"/escalations/{which}", data={**browser.hidden, "move": "claim"}) for which in (theirs, MISSING)]

    assert [(404, pages[0].text)] * 3 == [(page.status_code, page.text) for page in pages]
    assert [404, 404] == [answer.status_code for answer in moved]
    assert moved[0].text == moved[1].text


async def test_a_park_has_no_page_but_its_sessions_and_is_private(world: World) -> None:
    session = await world.junior.session(title="Waits for a part")
    park = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "The disk comes tomorrow"})
    own, other = await signed_in(world, world.junior), await signed_in(world, world.senior)

    await own.open(f"/escalations/{park['id']}")
    hidden = await other.open(f"/escalations/{park['id']}")
    unknown = await other.open(f"/escalations/{MISSING}")

    assert f"/sessions/{session['id']}" == own.path
    assert "The disk comes tomorrow" in own.page.text
    assert (404, unknown.text) == (hidden.status_code, hidden.text)
    assert 404 == (await other.open(f"/sessions/{session['id']}")).status_code


async def test_the_queue_leads_to_each_that_waits(world: World) -> None:
    case = await a_case(world)
    browser = await signed_in(world, world.senior)

    await browser.open("/")
    waiting = browser.path, browser.page.text
    await world.senior.made(f"/handoffs/{case.handoff['id']}/claim")
    await browser.open("/queue")

    assert "/queue" == waiting[0]
    assert f'<a href="{case.path}">Nobody can print</a>' in waiting[1]
    assert "Nothing is waiting" in browser.page.text


async def test_the_mails_claim_leads_to_everything_that_was_tried(world: World) -> None:
    case = await a_case(world)
    await world.relay_runs()
    mail = next(message for message in world.mailbox.messages if message.to == world.senior.user.email)
    link = re.search(r"https://flowpilot\.test(/claim/\S+)", mail.text)
    browser = await signed_in(world, world.senior)

    assert link
    await browser.open(link[1])

    assert f'<a href="{case.path}">See everything that was tried</a>' in browser.page.text


async def test_what_people_wrote_is_shown_as_text(world: World) -> None:
    """A40."""
    case = await a_case(world, "<script>alert(1)</script><img src=https://evil.example>")

    for path in (case.path, case.session_path, "/queue"):
        browser = await opened(world, world.senior, case)
        await browser.open(path)
        assert "&lt;script&gt;" in browser.page.text
        assert "<script>" not in browser.page.text
        assert "<img" not in browser.page.text
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in browser.page.headers["content-security-policy"]


async def test_a_form_of_another_site_moves_nothing(world: World) -> None:
    """A35: the cookie alone does not do."""
    case = await a_case(world)
    browser = await opened(world, world.senior, case)

    for token in ("", "x"):
        assert 403 == (await browser.client.post(case.path, data={"csrf_token": token, "move": "claim"})).status_code
    assert "open" == (await world.junior.seen(f"/handoffs/{case.handoff['id']}"))["state"]


async def test_a_ticket_leads_to_its_page_in_the_psa_and_where_that_is_not_known_to_what_it_said(world: World) -> None:
    await world.owner.made(
        "/psa-connections", {"system": "memory", "name": "Desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
    )
    connected = await world.junior.session(ticket={"system": "memory", "id": "48213"})
    escalated = await world.junior.made(f"/ai-sessions/{connected['id']}/handoff", {"intent": "escalate", "reason": "Stuck"})
    elsewhere = await a_case(world)
    browser = await signed_in(world, world.senior)

    for path in (f"/escalations/{escalated['id']}", f"/sessions/{connected['id']}"):
        await browser.open(path)
        assert '<a href="https://psa.example/tickets/48213" rel="noreferrer">' in browser.page.text
    for path in (elsewhere.path, elsewhere.session_path):
        await browser.open(path)
        assert '<a href="#ticket">' in browser.page.text
        assert 'id="ticket"' in browser.page.text


async def test_looking_takes_three_trips_whoever_has_it_and_changes_nothing(world: World) -> None:
    case = await a_case(world)
    browser = await opened(world, world.senior, case)
    before = await world.senior.seen(f"/handoffs/{case.handoff['id']}")

    with recorded_round_trips() as trips:
        await browser.open(case.path)

    read = [trip for trip in trips if "authenticate" not in trip and "rollback" not in trip]
    assert len(read) <= 3, read
    assert before == await world.senior.seen(f"/handoffs/{case.handoff['id']}")
