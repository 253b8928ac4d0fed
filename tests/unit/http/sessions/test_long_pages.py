"""What pages show of a session with thousands of steps: a part of each branch, and links to the rest."""

import re
from html import unescape
from typing import Any

import pytest
from attrs import frozen

from flowpilot_http.pages import tried
from tests.support.browser import Browser
from tests.support.http import World

pytestmark = pytest.mark.anyio

STEPS = 30


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that show as little as makes no difference to how they do it."""
    monkeypatch.setattr(tried, "MOST", 20)
    monkeypatch.setattr(tried, "MOST_OF_ONE", 8)


@frozen
class Reading:
    """A browser at a page of many steps."""

    browser: Browser
    address: str

    @classmethod
    async def of(cls, world: World, address: str) -> "Reading":
        junior, browser = world.junior, Browser(world.app)
        await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(junior.account_id, junior.user.id)}")
        await browser.send()
        await browser.open(address)
        return cls(browser, address)

    @property
    def text(self) -> str:
        return unescape(self.browser.page.text)

    @property
    def steps(self) -> list[int]:
        return [int(number) for number in re.findall(r'<li id="step-(\d+)"', self.text)]

    @property
    def drawn(self) -> list[int]:
        """The steps that have a mark."""
        return sorted(int(number) for number in re.findall(r'<a href="#step-(\d+)" tabindex="-1">', self.text))

    def link(self, words: str) -> str | None:
        """Where the first link leads that says so."""
        found = re.search(rf'<a href="([^"]+)">{words}</a>', self.text)
        return found[1] if found else None


async def a_long_session(world: World) -> Any:
    session = await world.junior.session()
    for number in range(STEPS):
        await world.junior.made(f"/ai-sessions/{session['id']}/steps", {"kind": "action", "content": f"Try {number + 1}"})
    return session


async def split(world: World, session: Any) -> Any:
    """It goes on in one of two branches that split off after the first step."""
    (first, *_) = (await world.junior.seen(f"/ai-sessions/{session['id']}"))["steps"]
    options = [{"label": label, "hypothesis": f"It is the {label}"} for label in ("driver", "port")]
    fork = {"at_step_id": first["id"], "reason": "Two things changed", "options": options}
    await world.junior.made(f"/ai-sessions/{session['id']}/forks", fork)
    return await world.junior.seen(f"/ai-sessions/{session['id']}")


async def test_the_newest_steps_stand_on_the_page_and_all_others_are_some_links_away(world: World) -> None:
    session = await a_long_session(world)
    reading = await Reading.of(world, f"/sessions/{session['id']}")
    pages = [reading.steps]
    while older := reading.link(r"\d+ earlier steps?"):
        await reading.browser.open(older)
        pages.append(reading.steps)
    first = reading.link(r"\d+ later steps")
    await reading.browser.open(first or "")

    assert [[*range(23, 31)], [*range(15, 23)], [*range(7, 15)], [*range(1, 9)]] == pages
    assert [*range(9, 17)] == reading.steps


async def test_a_step_that_is_led_to_is_on_the_page_with_those_around_it(world: World) -> None:
    session = await a_long_session(world)
    reading = await Reading.of(world, f"/sessions/{session['id']}?step=12")

    assert [*range(8, 16)] == reading.steps == reading.drawn
    assert ("7 earlier steps", "15 later steps") == tuple(re.findall(r">(\d+ (?:earlier|later) steps)<", reading.text))
    assert "A drawing of 30 steps in 1 branch, 8 of them drawn." in reading.text


async def test_of_other_branches_the_newest_steps_are_there_and_each_link_leads_to_where_its_step_is(world: World) -> None:
    session = await a_long_session(world)
    branches = (await split(world, session))["branches"]
    reading = await Reading.of(world, f"/sessions/{session['id']}")
    seen = reading.steps, reading.drawn, reading.link("step 1")
    await reading.browser.open(reading.link("step 1") or "")

    assert 3 == len(branches)
    assert ([*range(25, 31)], [*range(25, 31)], f"/sessions/{session['id']}?step=1#step-1") == seen
    assert [*range(1, 9)] == reading.steps


async def test_what_came_of_an_older_step_is_said_without_losing_the_place(world: World) -> None:
    session = await a_long_session(world)
    reading = await Reading.of(world, f"/sessions/{session['id']}?step=12")
    (step,) = [one for one in (await world.junior.seen(f"/ai-sessions/{session['id']}"))["steps"] if one["number"] == 12]
    browser = reading.browser
    data = {"csrf_token": browser.csrf_token, "once": browser.hidden["once"], "move": "result", "step": f"{step['id']} failed"}
    browser.page = await browser.client.post(f"/sessions/{session['id']}?step=12", data=data, follow_redirects=True)

    assert [*range(8, 16)] == reading.steps
    assert "failed" == (await world.junior.seen(f"/ai-sessions/{session['id']}"))["steps"][11]["result"]


async def test_an_escalation_shows_the_newest_of_what_was_tried_and_leads_to_the_rest(world: World) -> None:
    session = await a_long_session(world)
    handoff = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck"})
    reading = await Reading.of(world, f"/escalations/{handoff['id']}")
    newest = reading.steps
    await reading.browser.open(reading.link("22 earlier steps") or "")

    assert [*range(23, 31)] == newest
    assert [*range(15, 23)] == reading.steps


async def test_a_session_of_a_few_hundred_steps_is_whole_on_its_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tried, "MOST", STEPS)
    session = await a_long_session(world)
    reading = await Reading.of(world, f"/sessions/{session['id']}")

    assert [*range(1, 31)] == reading.steps == reading.drawn
    assert None is reading.link(r"\d+ earlier steps?")
