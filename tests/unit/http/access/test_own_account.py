"""How an account works: read by everybody in it, set by those who manage it."""

import pytest

from tests.support.http import World

ADAPTERS = ("memory", "postgres")

pytestmark = pytest.mark.anyio


async def test_what_is_said_is_kept_what_is_left_out_stays_and_no_other_account_changes(world: World) -> None:
    start = await world.junior.seen("/account")

    first = await world.owner.client.patch("/account", json={"redacts_personal": True})
    second = await world.admin.client.patch("/account", json={"mails_a_minute": 60})

    assert (False, 5, "UTC") == (start["redacts_personal"], start["mails_a_minute"], start["time_zone"])
    assert {**start, "redacts_personal": True} == first.json()
    assert {**start, "redacts_personal": True, "mails_a_minute": 60} == second.json() == await world.viewer.seen("/account")
    rival = await world.rival.seen("/account")
    assert ("Rival", False, 5) == (rival["name"], rival["redacts_personal"], rival["mails_a_minute"])


@pytest.mark.parametrize(
    "body", [{"mails_a_minute": 0}, {"mails_a_minute": 61}, {"time_zone": "Europe/Wien"}, {"redacts_personal": 1}, {"name": "Mine"}]
)
async def test_what_cannot_be_is_refused(world: World, body: dict[str, object]) -> None:
    before = await world.owner.seen("/account")

    refused = await world.owner.client.patch("/account", json=body)

    assert refused.status_code in (400, 422), refused.text
    assert before == await world.owner.seen("/account")
