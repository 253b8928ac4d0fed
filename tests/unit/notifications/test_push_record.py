"""The ledger of who was told by push: whoever has a stream of events open, and nobody else."""

import pytest

from flowpilot_core.application.relay.relay import LEASE
from flowpilot_core.domain.kernel.identifiers import HandoffId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Channel, Delivery, DeliveryKind
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.preview import Forecast
from flowpilot_core.domain.notifications.timing import NOT_ONLINE, NOT_THIS_WAY
from flowpilot_core.ports.relay import WorkKind
from tests.support.office import Office

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office() -> Office:
    return await Office.opened()


async def pushed(office: Office, handoff_id: HandoffId) -> dict[UserId | None, Delivery]:
    """What the ledger says of push."""
    deliveries = await office.product.deliveries.of(office.staff.anna, handoff_id, after=None, limit=200)
    return {one.user_id: one for one in deliveries if one.channel is Channel.PUSH}


async def test_who_is_online_is_told_by_push_and_by_mail_and_counts_once(office: Office) -> None:
    await office.online(office.staff.ben, office.staff.anna, office.staff.vera)
    handoff_id = await office.escalation()
    before = await pushed(office, handoff_id)

    await office.relay.run_once()

    found = await office.product.handoffs.get(office.staff.anna, handoff_id)
    assert {office.staff.ben.user_id: DeliveryState.PENDING} == {who: one.state for who, one in before.items()}
    assert {office.staff.ben.user_id: DeliveryState.DELIVERED} == {
        who: one.state for who, one in (await pushed(office, handoff_id)).items()
    }
    assert office.staff.user(office.staff.ben).email in office.mailbox.recipients
    assert (3, 3) == (found.told.people, found.told.sent)


async def test_who_has_left_meanwhile_was_not_told_by_push(office: Office) -> None:
    await office.online(office.staff.ben)
    handoff_id = await office.escalation()
    await office.online()

    await office.relay.run_once()

    (delivery,) = (await pushed(office, handoff_id)).values()
    assert (DeliveryState.SUPPRESSED, NOT_ONLINE, 0) == (delivery.state, delivery.reason, delivery.attempts)


async def test_who_does_not_want_push_is_not_said_to_have_had_it(office: Office) -> None:
    staff = office.staff
    wanted = Preferences(user_id=staff.ben.user_id, channels={DeliveryKind.ESCALATED: (Channel.EMAIL,)})
    await office.product.escalation.prefer(staff.ben, wanted)
    await office.online(staff.ben)
    handoff_id = await office.escalation()

    await office.relay.run_once()

    (delivery,) = (await pushed(office, handoff_id)).values()
    assert (DeliveryState.SUPPRESSED, NOT_THIS_WAY) == (delivery.state, delivery.reason)


async def test_whom_it_is_rerouted_to_is_told_by_push_where_they_are_online(office: Office) -> None:
    handoff_id = await office.escalation()
    await office.online(office.staff.adam)

    await office.product.handoffs.reroute(office.staff.ben, handoff_id, user_id=office.staff.adam.user_id)
    await office.relay.run_once()

    assert {office.staff.adam.user_id: DeliveryState.DELIVERED} == {
        who: one.state for who, one in (await pushed(office, handoff_id)).items()
    }


async def test_who_would_be_told_by_push_is_said_beforehand(office: Office) -> None:
    await office.online(office.staff.ben)

    foreseen = await office.product.escalation.preview(office.staff.anna, await office.session())

    at_once: Forecast = foreseen.outlook.told[0]
    assert [office.staff.ben.user_id] == [one.user_id for one in at_once.words if one.channel is Channel.PUSH and one.reason is None]


async def test_what_cannot_be_noted_is_dead_in_the_end_and_can_be_asked_for_again(office: Office) -> None:
    await office.online(office.staff.ben)
    handoff_id = await office.escalation()
    (delivery,) = (await pushed(office, handoff_id)).values()
    (lease,) = await office.store.outbox.take({WorkKind.PUSH: 9}, lease_for=LEASE)
    await office.relay.handlers[WorkKind.PUSH].give_up(lease, "given up after too many tries")
    dead = (await pushed(office, handoff_id))[office.staff.ben.user_id]

    await office.product.deliveries.retry(office.staff.olga, handoff_id, delivery.id)
    await office.relay.run_once()

    assert (DeliveryState.DEAD, "given up after too many tries") == (dead.state, dead.last_error)
    assert DeliveryState.DELIVERED is (await pushed(office, handoff_id))[office.staff.ben.user_id].state
