"""Who is told, and how far one delivery is."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import InvalidTransition, NotFound, RoleForbidden
from flowpilot_core.domain.kernel.identifiers import DeliveryId, TeamId, UserId
from flowpilot_core.domain.kernel.sending import LONGEST_DELAY, MOST_ATTEMPTS, DeliveryState, delay
from flowpilot_core.domain.notifications.delivery import (
    TOLD_ROLES,
    WORTH_SENDING,
    Channel,
    Colleague,
    Delivery,
    DeliveryKind,
    channels,
    message_id,
    recipients,
    why_not_send,
)
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, NOON, OLGA, STAFF, a_session, an_escalation, new_id

NETWORK, BENCH = STAFF.network.id, STAFF.bench.id
COLLEAGUES = (
    Colleague(user_id=OLGA.user_id),
    Colleague(user_id=ADAM.user_id, team_ids=frozenset({NETWORK})),
    Colleague(user_id=ANNA.user_id, team_ids=frozenset({NETWORK})),
    Colleague(user_id=BEN.user_id, team_ids=frozenset({NETWORK})),
)


def told(*, team_id: TeamId | None = None, user_id: UserId | None = None) -> set[UserId]:
    """Whom Anna's escalation is told to."""
    return set(recipients(COLLEAGUES, escalated_by=ANNA.user_id, team_id=team_id, user_id=user_id))


def a_delivery() -> Delivery:
    return Delivery(id=DeliveryId(new_id()), handoff_id=an_escalation().handoff.id, user_id=BEN.user_id, created_at=NOON, updated_at=NOON)


def test_everyone_but_the_escalator_is_told() -> None:
    assert {OLGA.user_id, ADAM.user_id, BEN.user_id} == told()


def test_whoever_has_a_stream_open_is_told_by_push_too() -> None:
    assert (Channel.EMAIL, Channel.PUSH) == channels(BEN.user_id, {BEN.user_id})
    assert (Channel.EMAIL,) == channels(OLGA.user_id, {BEN.user_id})


def test_a_viewer_is_never_told() -> None:
    assert {Role.OWNER, Role.ADMIN, Role.ENGINEER} == TOLD_ROLES


def test_a_team_that_is_named_is_told_alone_and_still_not_the_escalator() -> None:
    assert {ADAM.user_id, BEN.user_id} == told(team_id=NETWORK)


def test_a_team_without_people_means_everyone() -> None:
    assert told() == told(team_id=BENCH)


def test_a_person_who_is_named_is_told_alone() -> None:
    assert {OLGA.user_id} == told(user_id=OLGA.user_id)
    assert {OLGA.user_id} == told(user_id=OLGA.user_id, team_id=NETWORK)


def test_where_the_person_named_can_not_be_told_the_team_is_or_else_everyone() -> None:
    gone = UserId(new_id())

    assert told(team_id=NETWORK) == told(user_id=gone, team_id=NETWORK)
    assert told() == told(user_id=gone)
    assert told() == told(user_id=ANNA.user_id)


@given(st.sets(st.sampled_from(COLLEAGUES)), st.sampled_from([None, NETWORK, BENCH]), st.sampled_from([None, OLGA, ANNA]))
def test_somebody_is_told_whenever_there_is_anybody_to_tell(colleagues: set[Colleague], team_id: TeamId | None, person: object) -> None:
    user_id = getattr(person, "user_id", None)
    chosen = recipients(tuple(colleagues), escalated_by=ANNA.user_id, team_id=team_id, user_id=user_id)
    others = {colleague.user_id for colleague in colleagues} - {ANNA.user_id}

    assert bool(others) is bool(chosen)
    assert set(chosen) <= others


def test_a_claimed_or_withdrawn_escalation_is_not_worth_a_message_any_more() -> None:
    waiting, user = an_escalation(by=ANNA), STAFF.user(OLGA)

    assert why_not_send(DeliveryKind.ESCALATED, waiting.handoff, user) is None
    assert "the handoff is claimed" == why_not_send(DeliveryKind.ESCALATED, waiting.claimed_by(BEN).handoff, user)
    assert "the handoff is withdrawn" == why_not_send(DeliveryKind.ESCALATED, waiting.withdrawn().handoff, user)


def test_who_has_left_or_only_looks_by_now_gets_no_message() -> None:
    handoff = an_escalation(by=ANNA).handoff

    assert "the person is deactivated" == why_not_send(DeliveryKind.ESCALATED, handoff, evolve(STAFF.user(BEN), deactivated_at=NOON))
    assert "the person is a viewer now" == why_not_send(DeliveryKind.ESCALATED, handoff, evolve(STAFF.user(BEN), role=Role.VIEWER))


def test_what_a_message_is_about_says_when_it_is_worth_sending() -> None:
    parked, waiting = a_session(by=ANNA).parked(), an_escalation(by=ANNA)
    taken = waiting.claimed_by(BEN)

    assert why_not_send(DeliveryKind.WAKE_UP, parked.handoff, STAFF.user(ANNA)) is None
    assert "the handoff is resumed" == why_not_send(DeliveryKind.WAKE_UP, parked.resumed().handoff, STAFF.user(ANNA))
    assert why_not_send(DeliveryKind.LAPSE_WARNING, taken.handoff, STAFF.user(BEN)) is None
    assert "the handoff is open" == why_not_send(DeliveryKind.LAPSE_WARNING, waiting.handoff, STAFF.user(BEN))
    assert why_not_send(DeliveryKind.DEBRIEF, taken.handoff, evolve(STAFF.user(ANNA), role=Role.VIEWER)) is None


def test_every_kind_of_message_is_worth_sending_sometimes() -> None:
    assert set(DeliveryKind) == set(WORTH_SENDING)


def test_a_mail_is_for_somebody_and_a_webhook_for_all() -> None:
    with pytest.raises(ValueError, match="leads to one person"):
        evolve(a_delivery(), user_id=None)

    assert evolve(a_delivery(), channel=Channel.WEBHOOK, user_id=None).user_id is None


def test_what_may_have_arrived_is_remembered_until_it_has() -> None:
    """F25: and a clear refusal is not such a case."""
    refused = a_delivery().taken(at=NOON).failed("greylisted", permanent=False, at=NOON)
    lost = refused.taken(at=NOON).failed("no answer", permanent=False, unknown=True, at=NOON)
    refused_again = lost.taken(at=NOON).failed("greylisted", permanent=False, at=NOON)

    assert not refused.maybe_arrived
    assert lost.maybe_arrived
    assert refused_again.taken(at=NOON).maybe_arrived
    assert "it may have arrived twice" == refused_again.taken(at=NOON).sent("<1@mail.example>", at=NOON).reason


def test_a_channel_that_can_tell_says_that_it_arrived() -> None:
    sent = a_delivery().taken(at=NOON).sent("1", at=NOON)

    assert DeliveryState.DELIVERED is sent.delivered(at=NOON).state
    with pytest.raises(InvalidTransition):
        a_delivery().delivered(at=NOON)


def test_a_delivery_that_fails_is_tried_again_and_dead_after_its_bound() -> None:
    delivery = a_delivery()
    states = []
    while delivery.state is not DeliveryState.DEAD:
        delivery = delivery.taken(at=NOON).failed("greylisted", permanent=False, at=NOON)
        states.append(delivery.state)

    assert [DeliveryState.FAILED] * (MOST_ATTEMPTS - 1) + [DeliveryState.DEAD] == states
    assert (MOST_ATTEMPTS, "greylisted") == (delivery.attempts, delivery.last_error)


def test_a_permanent_refusal_is_the_end() -> None:
    assert DeliveryState.DEAD == a_delivery().taken(at=NOON).failed("no such user", permanent=True, at=NOON).state


def test_a_delivery_taken_over_from_a_dead_relay_counts_the_attempt() -> None:
    """F16."""
    delivery = a_delivery().taken(at=NOON).taken(at=NOON)

    assert (DeliveryState.SENDING, 2, True) == (delivery.state, delivery.attempts, delivery.maybe_arrived)


def test_what_was_sent_is_sent_for_good() -> None:
    """F18: nothing that comes late re-opens it."""
    sent = a_delivery().taken(at=NOON).sent("<1@mail.example>", at=NOON)

    with pytest.raises(InvalidTransition):
        sent.taken(at=NOON)
    with pytest.raises(InvalidTransition):
        sent.failed("too late", permanent=False, at=NOON)
    with pytest.raises(InvalidTransition):
        sent.suppressed("too late", at=NOON)


def test_a_dead_one_may_be_asked_for_again_by_an_account_owner_or_admin() -> None:
    handoff = an_escalation().handoff
    dead = evolve(a_delivery().taken(at=NOON).failed("no such user", permanent=True, at=NOON), handoff_id=handoff.id)

    for boss in (OLGA, ADAM):
        again = dead.retried(handoff, by=boss, at=NOON)
        assert (DeliveryState.PENDING, 0) == (again.state, again.attempts)
    with pytest.raises(RoleForbidden):
        dead.retried(handoff, by=BEN, at=NOON)
    with pytest.raises(NotFound):
        dead.retried(an_escalation().handoff, by=OLGA, at=NOON)
    with pytest.raises(InvalidTransition):
        evolve(a_delivery(), handoff_id=handoff.id).retried(handoff, by=OLGA, at=NOON)


def test_a_clock_that_jumps_back_puts_no_delivery_before_its_past() -> None:
    """F36."""
    assert NOON == a_delivery().taken(at=NOON - timedelta(days=1)).updated_at


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_the_wait_before_a_retry_is_spread_and_bounded(attempts: int, jitter: float) -> None:
    assert timedelta() <= delay(attempts, jitter) <= LONGEST_DELAY
    assert delay(attempts, 1) <= delay(attempts + 1, 1)


def test_first_retries_come_within_seconds() -> None:
    assert delay(1, 1) <= timedelta(seconds=5)


def test_a_message_has_the_same_id_at_every_attempt() -> None:
    delivery = a_delivery()

    assert f"<{delivery.id}@mail.example>" == message_id(delivery.id, "mail.example") == message_id(delivery.id, "mail.example")
