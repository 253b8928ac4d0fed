"""The escalation policy at work: while nobody comes the next step happens by itself, and whatever ends the wait ends it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpilot_core.domain.access.account import MOST_MAILS_A_MINUTE
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Channel, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyStep, Target, TeamPolicy, Whom
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.preview import foretell
from flowpilot_core.domain.notifications.timing import NOT_ONLINE
from flowpilot_core.domain.notifications.working_hours import Hours, Shift, Span, Weekday
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.testing.builders import MINUTE, NOON, SetClock
from tests.support.office import Office

pytestmark = pytest.mark.anyio

ADMINS = (Target(kind=Whom.ROLE, role=Role.ADMIN),)
OWNERS = (Target(kind=Whom.ROLE, role=Role.OWNER),)
EVERYBODY = (Target(kind=Whom.EVERYBODY),)
TWO_STEPS = EscalationPolicy(
    steps=(
        PolicyStep(after=10 * MINUTE, whom=ADMINS, repeats=1, every=10 * MINUTE),
        PolicyStep(after=30 * MINUTE, whom=OWNERS),
    ),
    due={Priority.NORMAL: 60 * MINUTE, Priority.URGENT: 15 * MINUTE},
    claim_quiet_minutes=20,
)


@pytest.fixture
async def office() -> Office:
    office = await Office.opened(clock=SetClock())
    await office.product.escalation.set_policy(office.staff.olga, TWO_STEPS)
    return office


async def reminders(office: Office, handoff_id: HandoffId) -> list[tuple[str, float]]:
    """Who was reminded, how many minutes after noon."""
    names = {user.id: user.email.partition("@")[0] for user in office.staff.users}
    deliveries = await office.product.deliveries.of(office.staff.anna, handoff_id, after=None, limit=200)
    return [
        (names[one.user_id], (one.created_at - NOON) / MINUTE) for one in deliveries if one.kind is DeliveryKind.REMINDER and one.user_id
    ]


async def pass_until(office: Office, minute: int, *, every: int = 5) -> None:
    """Let time go by, with a relay that looks now and then."""
    while office.clock.now() < NOON + minute * MINUTE:
        office.clock.jump(every * MINUTE)
        while await office.relay.run_once():
            pass


async def test_while_nobody_comes_every_step_happens_at_its_time(office: Office) -> None:
    handoff_id = await office.escalation()

    await pass_until(office, 120)

    assert [("adam", 10), ("adam", 20), ("olga", 30)] == await reminders(office, handoff_id)
    assert 3 == (await office.happened()).count(EventKind.HANDOFF_REMINDED)
    told = [office.staff.user(person).email for person in (office.staff.adam, office.staff.adam, office.staff.olga)]
    assert told == office.mailbox.recipients[3:]


async def test_what_is_due_is_shown_and_does_not_sort_the_queue(office: Office) -> None:
    first = await office.escalation()
    office.clock.jump(MINUTE)
    second = await office.escalation()
    changed = await office.product.handoffs.reroute(office.staff.ben, second, priority=Priority.URGENT)
    waiting = await office.product.handoffs.queue(office.staff.ben, QueueFilter(), after=None, limit=10)

    assert NOON + 16 * MINUTE == changed.handoff.due_at
    assert [(second, NOON + 16 * MINUTE), (first, NOON + 60 * MINUTE)] == [(one.item.handoff_id, one.item.due_at) for one in waiting]


@pytest.mark.parametrize("ending", ["claim", "withdraw"])
async def test_whatever_ends_the_wait_ends_the_policy(office: Office, ending: str) -> None:
    handoff_id = await office.escalation()
    await pass_until(office, 10)

    if ending == "claim":
        taken = await office.product.handoffs.claim(office.staff.ben, handoff_id)
        await office.product.sessions.resolve(office.staff.ben, taken.handoff.session_id, summary="done")
    else:
        await office.product.handoffs.withdraw(office.staff.anna, handoff_id)
    await pass_until(office, 120)

    assert [("adam", 10)] == await reminders(office, handoff_id)


async def test_given_back_it_goes_on_with_the_last_of_what_it_missed(office: Office) -> None:
    handoff_id = await office.escalation()
    await office.product.handoffs.claim(office.staff.ben, handoff_id)
    office.clock.jump(25 * MINUTE)
    await office.product.handoffs.unclaim(office.staff.ben, handoff_id)
    await pass_until(office, 120)

    assert [("adam", 30), ("olga", 30)] == await reminders(office, handoff_id)


async def test_rerouted_it_follows_the_steps_of_the_other_team_from_the_first_on(office: Office) -> None:
    network = office.staff.network.id
    steps = (PolicyStep(after=5 * MINUTE, whom=(Target(kind=Whom.TEAM, team_id=network),)),)
    policy = EscalationPolicy(steps=TWO_STEPS.steps, teams=(TeamPolicy(team_id=network, steps=steps),))
    await office.product.escalation.set_policy(office.staff.olga, policy)
    handoff_id = await office.escalation()
    await pass_until(office, 15)

    await office.product.handoffs.reroute(office.staff.adam, handoff_id, team_id=network)
    await pass_until(office, 120)

    assert [("adam", 10), ("ben", 20)] == await reminders(office, handoff_id)


async def test_rerouted_it_is_told_to_whom_it_is_meant_for_now_and_to_nobody_twice(office: Office) -> None:
    network, session_id = office.staff.network.id, await office.session()
    made = await office.product.handoffs.hand_off(
        office.staff.anna, session_id, intent=Intent.ESCALATE, reason="stuck", user_id=office.staff.olga.user_id
    )

    for _ in range(2):
        await office.product.handoffs.reroute(office.staff.adam, made.handoff.id, team_id=network)
        await office.product.handoffs.reroute(office.staff.adam, made.handoff.id, user_id=office.staff.olga.user_id)
    await office.relay.run_once()

    assert sorted(office.staff.user(person).email for person in (office.staff.olga, office.staff.ben)) == sorted(office.mailbox.recipients)


async def test_a_relay_that_was_away_for_hours_loses_no_step_and_repeats_none(office: Office) -> None:
    handoff_id = await office.escalation()
    office.clock.jump(5 * 60 * MINUTE)

    for _ in range(10):
        await office.relay.run_once()

    assert [("adam", 300), ("adam", 300), ("olga", 300)] == await reminders(office, handoff_id)


async def test_a_quiet_claim_is_warned_of_and_goes_back_and_everybody_is_told_again(office: Office) -> None:
    handoff_id = await office.escalation()
    await pass_until(office, 10)
    taken = await office.product.handoffs.claim(office.staff.ben, handoff_id)
    await office.product.sessions.join(office.staff.adam, taken.handoff.session_id)
    await pass_until(office, 60, every=1)

    detail = await office.product.handoffs.get(office.staff.anna, handoff_id)
    session = await office.product.sessions.get(office.staff.anna, taken.handoff.session_id)
    timeline = await office.product.sessions.timeline(office.staff.anna, taken.handoff.session_id, after=0, limit=100)
    lapse = next(entry.logged.event for entry in timeline if entry.logged.event.kind is EventKind.HANDOFF_LAPSED)
    warned = await warnings(office, handoff_id)

    assert (None, "claim went quiet", NOON + 30 * MINUTE) == (lapse.by, lapse.cause, lapse.at)
    assert [(office.staff.ben.user_id, NOON + 24 * MINUTE, DeliveryState.SENT)] == warned
    assert (office.staff.anna.user_id, "open") == (session.session.assignee_id, detail.handoff.state)
    assert [("adam", 10), ("adam", 40), ("adam", 50), ("olga", 60)] == await reminders(office, handoff_id)


async def test_work_keeps_a_claim_and_what_was_added_stays_when_it_lapses(office: Office) -> None:
    handoff_id = await office.escalation()
    taken = await office.product.handoffs.claim(office.staff.ben, handoff_id)
    for minute in (10, 20, 30):
        await pass_until(office, minute, every=1)
        await office.product.sessions.add_step(office.staff.ben, taken.handoff.session_id, kind=StepKind.NOTE, content=f"at {minute}")
    await pass_until(office, 49, every=1)
    still = await office.product.handoffs.get(office.staff.anna, handoff_id)
    await pass_until(office, 50, every=1)
    over = await office.product.sessions.get(office.staff.anna, taken.handoff.session_id)

    assert still.handoff.claim
    assert ("escalated", 3) == (over.session.status, len(over.steps))


async def warnings(office: Office, handoff_id: HandoffId) -> list[tuple[object, datetime, DeliveryState]]:
    """Who was warned, when."""
    deliveries = await office.product.deliveries.of(office.staff.anna, handoff_id, after=None, limit=200)
    return [(one.user_id, one.created_at, one.state) for one in deliveries if one.kind is DeliveryKind.LAPSE_WARNING]


async def test_who_is_off_duty_is_told_when_they_work_again_if_it_still_waits(office: Office) -> None:
    mornings = Hours(time_zone="UTC", weekly=tuple(Shift(day=day, span=Span(start=13 * 60, end=14 * 60)) for day in Weekday))
    await office.product.escalation.prefer(office.staff.ben, Preferences(user_id=office.staff.ben.user_id, hours=mornings))
    handoff_id = await office.escalation()
    await pass_until(office, 5)

    before = await office.product.handoffs.get(office.staff.anna, handoff_id)
    await pass_until(office, 60)
    after = await office.product.handoffs.get(office.staff.anna, handoff_id)

    assert (3, 2, 1) == (before.told.people, before.told.sent, before.told.off_duty)
    assert (3, 3, 0) == (after.told.people, after.told.sent, after.told.off_duty)


async def test_who_is_online_is_mailed_only_if_they_have_not_looked_by_then(office: Office) -> None:
    staff = office.staff
    for person in (staff.ben, staff.olga, staff.adam):
        await office.product.escalation.prefer(person, Preferences(user_id=person.user_id, mail_after=5 * MINUTE))
    await office.online(staff.ben, staff.olga)
    handoff_id = await office.escalation()
    await office.relay.run_once()
    at_once = [*office.mailbox.recipients]
    await office.product.handoffs.see(staff.olga, handoff_id)
    await pass_until(office, 5)

    assert [staff.user(staff.adam).email] == at_once
    assert [staff.user(staff.adam).email, staff.user(staff.ben).email] == office.mailbox.recipients


async def test_a_step_tells_over_push_and_webhooks_as_well_as_by_mail(office: Office) -> None:
    channels = (Channel.EMAIL, Channel.PUSH, Channel.SLACK)
    step = PolicyStep(after=10 * MINUTE, whom=(Target(kind=Whom.ROLE, role=Role.ADMIN), *OWNERS), channels=channels)
    await office.product.escalation.set_policy(office.staff.olga, EscalationPolicy(steps=(step,)))
    handoff_id = await office.escalation()
    await office.online(office.staff.olga)
    await pass_until(office, 15)

    deliveries = await office.product.deliveries.of(office.staff.anna, handoff_id, after=None, limit=200)
    pushed = {one.user_id: (one.state, one.reason) for one in deliveries if one.channel is Channel.PUSH}
    (reminded,) = [
        logged.event
        for logged in await office.store.view(office.staff.account_id).events(after=0, limit=100)
        if logged.event.kind is EventKind.HANDOFF_REMINDED
    ]
    assert {
        office.staff.olga.user_id: (DeliveryState.DELIVERED, None),
        office.staff.adam.user_id: (DeliveryState.SUPPRESSED, NOT_ONLINE),
    } == pushed
    assert (2, ["email", "push", "slack"]) == (reminded.changed["people"], reminded.changed["channels"])


policies = st.lists(
    st.builds(
        lambda after, repeats, every, whom: PolicyStep(
            after=after * MINUTE, whom=whom, repeats=repeats, every=every * MINUTE if repeats else None
        ),
        st.integers(0, 3000),
        st.integers(0, 2),
        st.integers(1, 3000),
        st.sampled_from([ADMINS, OWNERS, EVERYBODY, (Target(kind=Whom.ON_DUTY),)]),
    ),
    max_size=3,
).map(tuple)
shifts = st.lists(
    st.builds(Shift, day=st.sampled_from(Weekday), span=st.builds(Span, start=st.integers(0, 1439), end=st.integers(0, 1440))), max_size=4
)
zones = st.sampled_from(["Europe/Vienna", "Pacific/Chatham", "America/Santiago"])
hours = st.none() | st.builds(lambda zone, weekly: Hours(time_zone=zone, weekly=tuple(weekly)), zones, shifts)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=policies, olgas=hours, bens=hours, days=st.integers(0, 1500), priority=st.sampled_from(Priority))
async def test_what_is_said_beforehand_is_what_happens(
    steps: tuple[PolicyStep, ...], olgas: Hours | None, bens: Hours | None, days: int, priority: Priority
) -> None:
    """Whoever is to be told at once has it at that minute; whoever waits has it when they were said to, and nobody else ever."""
    clock = SetClock(NOON + timedelta(days=days))
    office = await Office.opened(clock=clock)
    staff, policy, begun = office.staff, EscalationPolicy(steps=steps), clock.now()
    await office.product.escalation.set_policy(staff.olga, policy)
    # All of a day's messages may be due in one minute, and how many go out in one is another rule's business.
    await office.product.account.change(staff.olga, mails_a_minute=MOST_MAILS_A_MINUTE)
    for person, theirs in ((staff.olga, olgas), (staff.ben, bens)):
        if theirs is not None:
            await office.product.escalation.prefer(person, Preferences(user_id=person.user_id, hours=theirs))
    async with office.store.begin(staff.account_id) as work:
        members = await work.escalation.members()
    outlook = foretell(policy, members, escalated_by=staff.anna.user_id, priority=priority, at=begun)
    end = begun + timedelta(days=10)
    said = sorted(
        (at, str(one.user_id))
        for told in outlook.told
        for one in told.words
        for at in [told.at if one.reason is None else one.until]
        if at is not None and at <= end
    )

    session_id = await office.session()
    made = await office.product.handoffs.hand_off(staff.anna, session_id, intent=Intent.ESCALATE, reason="stuck", priority=priority)
    for moment in sorted({begun, end, *(at for at, _ in said), *(told.at for told in outlook.told if told.at <= end)}):
        clock.at = moment
        while await office.relay.run_once():
            pass

    deliveries = await office.product.deliveries.of(staff.anna, made.handoff.id, after=None, limit=200)
    assert said == sorted((one.updated_at, str(one.user_id)) for one in deliveries if one.state is DeliveryState.SENT)


@pytest.mark.parametrize(
    ("before", "after", "reminded"),
    [
        ([1, 3, 14], [3, 14], [1, 3, 14]),
        ([1, 3, 14], [1, 3, 9], [1, 3, 9]),
        ([1, 3, 14], [1, 2, 3, 14], [1, 3, 14]),
        ([1, 3], [1, 3, 14], [1, 3, 14]),
        ([1, 3, 14], [], [1, 3]),
        ([1, 3, 3], [3, 14, 14], [1, 3, 3, 14, 14]),
    ],
)
async def test_a_policy_that_is_changed_on_the_way_loses_no_step_to_come_and_repeats_none(
    office: Office, before: list[int], after: list[int], reminded: list[int]
) -> None:
    """P7: changed after seven minutes, with a relay that looks every minute."""

    async def set_steps(minutes: list[int]) -> None:
        steps = tuple(PolicyStep(after=one * MINUTE, whom=OWNERS) for one in minutes)
        await office.product.escalation.set_policy(office.staff.olga, EscalationPolicy(steps=steps))

    await set_steps(before)
    handoff_id = await office.escalation()
    await pass_until(office, 7, every=1)
    await set_steps(after)
    await pass_until(office, 30, every=1)

    assert [("olga", minute) for minute in reminded] == await reminders(office, handoff_id)
