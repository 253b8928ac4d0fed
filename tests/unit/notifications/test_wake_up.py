"""A park with a wake-up date: its parker is reminded then, and nobody else ever."""

from datetime import timedelta

import pytest

from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import DeliveryKind
from flowpilot_core.testing.builders import NOON, SetClock
from tests.support.office import Office

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


@pytest.fixture
async def office() -> Office:
    return await Office.opened(clock=SetClock())


async def parked(office: Office) -> Handoff:
    """Anna's, until tomorrow."""
    session_id = await office.session()
    made = await office.product.handoffs.hand_off(
        office.staff.anna, session_id, intent=Intent.PARK, reason="waiting for a part", wake_at=NOON + DAY
    )
    return made.handoff


async def state(office: Office, handoff: Handoff) -> list[tuple[DeliveryKind, DeliveryState, str | None]]:
    """What became of telling, as its parker sees it."""
    deliveries = await office.product.deliveries.of(office.staff.anna, handoff.id, after=None, limit=10)
    return [(one.kind, one.state, one.reason) for one in deliveries]


async def test_nobody_hears_of_a_park_before_its_day(office: Office) -> None:
    handoff = await parked(office)
    office.clock.jump(DAY - timedelta(seconds=1))

    assert 0 == await office.relay.run_once()
    assert [(DeliveryKind.WAKE_UP, DeliveryState.PENDING, None)] == await state(office, handoff)


async def test_on_its_day_the_parker_is_reminded_and_only_they(office: Office) -> None:
    handoff = await parked(office)
    await office.product.sessions.reassign(office.staff.olga, handoff.session_id, user_id=office.staff.ben.user_id)
    office.clock.jump(DAY)

    await office.relay.run_once()

    assert [office.staff.user(office.staff.anna).email] == office.mailbox.recipients
    assert (0, 0) == await told(office, handoff)


async def test_of_a_reminder_that_is_asked_for_again_only_readers_of_the_park_hear(office: Office) -> None:
    handoff = await parked(office)
    (delivery,) = await office.product.deliveries.of(office.staff.anna, handoff.id, after=None, limit=10)
    async with office.store.begin(office.staff.account_id) as work:
        await work.deliveries.save(delivery.taken(at=NOON).failed("no such user", permanent=True, at=NOON))
        await work.commit()

    await office.product.deliveries.retry(office.staff.olga, handoff.id, delivery.id)

    events = await office.store.view(office.staff.account_id).events(after=0, limit=100)
    assert [True] == [one.event.private for one in events if one.event.kind is EventKind.DELIVERY_CHANGED]


async def test_who_resumed_it_earlier_is_not_reminded(office: Office) -> None:
    handoff = await parked(office)
    await office.product.sessions.resume(office.staff.anna, handoff.session_id)
    office.clock.jump(DAY)

    await office.relay.run_once()

    assert [] == office.mailbox.recipients
    assert [(DeliveryKind.WAKE_UP, DeliveryState.SUPPRESSED, "the handoff is resumed")] == await state(office, handoff)


@pytest.mark.parametrize(("intent", "days"), [(Intent.PARK, 0), (Intent.PARK, -1), (Intent.ESCALATE, 1)])
async def test_only_a_park_has_a_wake_up_date_and_only_one_to_come(office: Office, intent: Intent, days: int) -> None:
    session_id: SessionId = await office.session()

    with pytest.raises(InvalidValue) as refused:
        await office.product.handoffs.hand_off(office.staff.anna, session_id, intent=intent, reason="waiting", wake_at=NOON + days * DAY)

    assert "wake_at" == refused.value.field


async def told(office: Office, handoff: Handoff) -> tuple[int, int]:
    """How many people were told of it, and how many of them were reached."""
    detail = await office.product.handoffs.get(office.staff.anna, handoff.id)
    return detail.told.people, detail.told.sent
