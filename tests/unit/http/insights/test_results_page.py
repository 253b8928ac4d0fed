"""The page of what was found: the same without a script, and safe whatever was found."""

import re

import pytest

from flowpilot_core.application.insights.search import Search
from flowpilot_core.domain.insights.search import Found
from tests.support.browser import Browser
from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio


async def a_browser(world: World, who: Somebody) -> Browser:
    """Somebody's, who is signed in."""
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
    await browser.send()
    return browser


async def at(world: World, who: Somebody, path: str) -> str:
    """What somebody's browser shows there."""
    page = await (await a_browser(world, who)).open(path)
    assert 200 == page.status_code
    return page.text


async def test_what_was_found_leads_to_its_page_and_marks_what_matched(world: World) -> None:
    case = await world.junior.session(title="A <heron>", problem="The <i>egret</i> is here")

    shown = await at(world, world.viewer, "/results?q=egret")

    assert f'<a href="/sessions/{case["id"]}">A &lt;heron&gt;</a>' in shown
    assert "The &lt;i&gt;<mark>egret</mark>&lt;/i&gt; is here" in shown


async def test_more_than_one_page_can_be_read(world: World) -> None:
    for _ in range(51):
        await world.junior.session(problem="a heron")

    first = await at(world, world.junior, "/results?q=heron&kind=session")
    more = re.findall(r'<a href="(/results\?[^"]+)">More</a>', first)
    second = await at(world, world.junior, more[0].replace("&amp;", "&"))

    assert (50, 1) == (first.count("<article"), second.count("<article"))
    assert ">More</a>" not in second


@pytest.mark.parametrize("score", [-1, 2**31, 10**30])
async def test_a_place_that_no_hit_can_have_is_refused(world: World, score: int) -> None:
    junior = await a_browser(world, world.junior)

    assert 422 == (await junior.open(f"/results?q=heron&score={score}&stars=3&after={world.junior.id}")).status_code


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "whatever you paste"),
        ("?q=nothingness", "Nothing was found."),
        ("?q=%22%22", "must have a word"),
        ("?q=" + "x" * 1001, "longer than"),
    ],
)
async def test_where_nothing_is_found_it_says_so(world: World, query: str, said: str) -> None:
    assert said in await at(world, world.junior, f"/results{query}")


async def test_where_nothing_is_found_it_leads_to_what_the_gallery_has_of_it(world: World) -> None:
    link = 'href="/library/gallery?q=%22no%20thing%22%20-at"'

    shown = [await at(world, world.viewer, f"/results?q=%22no+thing%22+-at{kind}") for kind in ("", "&kind=tree", "&kind=session")]

    assert [True, True, False] == [link in page for page in shown]


async def test_where_not_all_was_looked_at_it_says_how_many_were(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "looked at" not in await at(world, world.junior, "/results?q=heron")

    async def found(*_: object, **__: object) -> Found:
        return Found(looked_at=20_000)

    monkeypatch.setattr(Search, "find", found)

    shown = await at(world, world.junior, "/results?q=heron")
    assert "Nothing was found." in shown
    assert "20,000 were looked at" in shown
    assert 20_000 == (await world.junior.seen("/search?q=heron"))["looked_at"]


async def test_the_address_of_the_api_leads_a_browser_to_the_page_with_what_it_asks(world: World) -> None:
    answer = await world.junior.get("/search?q=heron&kind=tree", accept="text/html")

    assert (303, "/results?q=heron&kind=tree") == (answer.status_code, answer.headers["location"])


async def test_every_page_has_the_box(world: World) -> None:
    for path in ("/queue", "/work", "/sessions", "/results?q=heron"):
        assert 'type="search"' in await at(world, world.viewer, path)
