"""The link out of mails: one click, by anybody who holds it, that does no more than that."""

import pytest

from flowpilot_core.application.kernel.links import Links
from tests.support.http import BASE, SECRET_KEY, Somebody, World

pytestmark = pytest.mark.anyio

LINKS = Links.of(BASE, SECRET_KEY)


def link(who: Somebody) -> str:
    return LINKS.unsubscribe(who.account_id, who.user.id).removeprefix(BASE)


async def channels(who: Somebody) -> dict[str, list[str]]:
    found: dict[str, list[str]] = (await who.seen("/notification-preferences"))["channels"]
    return found


async def test_a_mail_program_switches_them_off_at_one_click_and_their_person_on_again(world: World) -> None:
    before = await channels(world.senior)

    clicked = await world.nobody.post(link(world.senior), data={"List-Unsubscribe": "One-Click"})

    assert 200 == clicked.status_code
    after = await channels(world.senior)
    assert not [kind for kind in ("escalated", "reminder", "debrief") if "email" in after[kind]]
    assert before.get("wake_up") == after.get("wake_up")
    preferences = await world.senior.seen("/notification-preferences")
    again = await world.senior.client.put("/notification-preferences", json={**preferences, "channels": before})
    assert 200 == again.status_code, again.text
    assert before == await channels(world.senior)


async def test_looking_at_the_link_changes_nothing(world: World) -> None:
    before = await channels(world.senior)

    page = await world.nobody.get(link(world.senior))
    await world.nobody.head(link(world.senior))

    assert "Stop these mails" in page.text
    assert before == await channels(world.senior)


async def test_it_touches_nobody_else(world: World) -> None:
    before = [await channels(who) for who in (world.admin, world.rival)]

    await world.nobody.post(link(world.senior))

    assert before == [await channels(who) for who in (world.admin, world.rival)]


@pytest.mark.parametrize("signed", ["x", "A" * 64])
async def test_what_is_no_link_of_ours_is_not_found(world: World, signed: str) -> None:
    assert 404 == (await world.nobody.post(f"/no-mails/{signed}")).status_code


async def test_a_claim_link_is_no_way_out_and_a_way_out_no_claim_link(world: World) -> None:
    signed = link(world.senior).rpartition("/")[2]

    assert 404 == (await world.nobody.get(f"/claim/{signed}")).status_code


async def test_a_person_who_clicked_gets_no_mail_of_an_escalation(world: World) -> None:
    await world.nobody.post(link(world.senior))
    session = await world.junior.made("/ai-sessions", {"title": "VPN down", "problem": "Nobody gets in"})
    handoff = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "I am stuck"})

    await world.relay_runs()

    states = {one["user_id"]: one["state"] for one in (await world.junior.seen(f"/handoffs/{handoff['id']}/deliveries"))["items"]}
    assert "suppressed" == states[world.senior.id]
    assert "sent" == states[world.admin.id]
