"""Asking for the weekly digest, in the API and in one's profile, and the link out of it."""

from datetime import UTC, date, datetime

import pytest

from flowpilot_core.application.insights.weekly_digest_text import page_of
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.domain.insights.period import Period
from tests.support.browser import Browser
from tests.support.http import BASE, SECRET_KEY, Somebody, World
from tests.unit.http.access.test_settings_pages import does, signed_in

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

LINKS = Links.of(BASE, SECRET_KEY)
PATH = "/weekly-digest"
NONE = {"wanted": False, "next_at": None, "last": None}


def way_out(who: Somebody) -> str:
    return LINKS.no_weekly_digest(who.account_id, who.user.id).removeprefix(BASE)


async def wants(who: Somebody, *, wanted: bool = True) -> dict[str, object]:
    answer = await who.client.put(PATH, json={"wanted": wanted})
    assert 200 == answer.status_code, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_nobody_has_it_until_they_ask_for_it(world: World) -> None:
    assert [NONE, NONE] == [await who.seen(PATH) for who in (world.owner, world.admin)]


async def test_who_asks_for_it_is_told_when_the_next_one_comes(world: World) -> None:
    world.clock.at = datetime(2091, 1, 3, 12, tzinfo=UTC)
    await world.owner.client.patch("/account", json={"time_zone": "Europe/Vienna"})

    asked = await wants(world.owner)

    reason = "it was over before they asked"
    last = {"from": "2090-12-25", "to": "2091-01-01", "state": "suppressed", "attempts": 0, "reason": reason, "last_error": None}
    assert {"wanted": True, "next_at": "2091-01-08T06:00:00Z", "last": last} == asked
    assert [asked, NONE] == [await who.seen(PATH) for who in (world.owner, world.admin)]


async def test_saying_it_again_changes_nothing_and_no_more_ends_it(world: World) -> None:
    first = await wants(world.owner)

    assert first == await wants(world.owner)
    assert NONE == await wants(world.owner, wanted=False)
    assert NONE == await wants(world.owner, wanted=False)
    assert NONE == await world.owner.seen(PATH)


@pytest.mark.parametrize("who", ["senior", "viewer"])
async def test_it_is_for_account_owners_and_admins(world: World, who: str) -> None:
    person: Somebody = getattr(world, who)
    refused = [await person.client.get(PATH), await person.client.put(PATH, json={"wanted": True})]

    assert [(403, "role_forbidden")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in refused]


class TestInOnesProfile:
    async def test_who_may_have_it_asks_for_it_there_and_ends_it_there(self, world: World) -> None:
        browser = await signed_in(world, world.owner)

        await does(browser, "profile", "digest", weekly_digest="true")
        asked, page = await world.owner.seen(PATH), browser.page.text
        await does(browser, "profile", "digest")

        assert asked["wanted"]
        assert 'name="weekly_digest" value="true" checked' in page
        assert "not told, it was over before they asked" in page
        assert NONE == await world.owner.seen(PATH)
        assert 'name="weekly_digest" value="true" checked' not in browser.page.text

    async def test_saving_how_one_is_told_leaves_it_as_it_is(self, world: World) -> None:
        browser = await signed_in(world, world.owner)
        before = await wants(world.owner)

        await does(browser, "profile", "prefer", time_zone="Europe/Vienna", always="true")

        assert before == await world.owner.seen(PATH)

    async def test_nobody_else_is_offered_it(self, world: World) -> None:
        browser = await signed_in(world, world.senior)
        page = (await browser.open("/settings/profile")).text

        await does(browser, "profile", "digest", weekly_digest="true")

        assert "weekly_digest" not in page
        assert 403 == browser.page.status_code


class TestTheLinkOut:
    async def test_a_mail_program_ends_it_at_one_click_and_its_person_has_it_again(self, world: World) -> None:
        await wants(world.owner)
        await wants(world.admin)

        clicked = await world.nobody.post(way_out(world.owner), data={"List-Unsubscribe": "One-Click"})

        assert (200, NONE) == (clicked.status_code, await world.owner.seen(PATH))
        assert (await world.admin.seen(PATH))["wanted"]
        assert (await wants(world.owner))["wanted"]

    async def test_looking_at_it_changes_nothing(self, world: World) -> None:
        await wants(world.owner)

        page = await world.nobody.get(way_out(world.owner))
        await world.nobody.head(way_out(world.owner))

        assert "Stop these mails" in page.text
        assert "figures of each week" in page.text
        assert (await world.owner.seen(PATH))["wanted"]

    async def test_who_clicks_it_twice_or_has_none_is_told_the_same(self, world: World) -> None:
        answers = [await world.nobody.post(way_out(world.owner)) for _ in range(2)]

        assert [200, 200] == [answer.status_code for answer in answers]

    async def test_it_is_no_way_out_of_other_mails_and_those_none_out_of_it(self, world: World) -> None:
        """A35."""
        await wants(world.owner)
        signed = way_out(world.owner).rpartition("/")[2]
        other = LINKS.unsubscribe(world.owner.account_id, world.owner.user.id).rpartition("/")[2]

        refused = [await world.nobody.post(path) for path in (f"/no-mails/{signed}", f"/no-weekly-digest/{other}", "/no-weekly-digest/x")]

        assert [404, 404, 404] == [answer.status_code for answer in refused]
        assert (await world.owner.seen(PATH))["wanted"]


async def test_its_link_leads_to_the_figures_of_its_week_and_who_is_not_signed_in_to_their_accounts_sign_in(world: World) -> None:
    week = Period(start=date(2026, 11, 23), end=date(2026, 11, 30))
    link = page_of("", world.owner.account_id, week)
    owner, nobody = await signed_in(world, world.owner), Browser(world.app)

    page = await owner.open(link)
    await nobody.open(link)

    assert 200 == page.status_code
    assert 'name="from" value="2026-11-23"' in page.text.replace(' type="date"', "")
    assert nobody.path.startswith(f"/sign-in/{world.owner.account_id}")
