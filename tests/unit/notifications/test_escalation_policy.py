"""An escalation policy: who is told when, while nobody comes; tried on years in no time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import HandoffId, PolicyRunId
from flowpilot_core.domain.notifications.delivery import Channel, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyRun, PolicyStep, Target, TeamPolicy, Whom, firings
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.preview import foretell
from flowpilot_core.domain.notifications.timing import NOT_ONLINE, NOT_THIS_WAY, ONLINE, QUIET, SEEN, About, Member, word
from flowpilot_core.domain.notifications.working_hours import Hours, Shift, Span, Weekday
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, NOON, OLGA, STAFF, VERA, new_id

MINUTE = timedelta(minutes=1)
EVERYBODY = (Target(kind=Whom.EVERYBODY),)
NIGHTS = Hours(time_zone="UTC", weekly=tuple(Shift(day=day, span=Span(start=22 * 60, end=6 * 60)) for day in Weekday))


def member(person: Person, **preferences: Any) -> Member:
    return Member(
        user_id=person.user_id,
        name=person.name,
        role=person.role,
        team_ids=STAFF.user(person).team_ids,
        preferences=evolve(Preferences(user_id=person.user_id), **preferences),
    )


def staff(**off: Hours) -> tuple[Member, ...]:
    """All of them; who is named works at other hours."""
    return tuple(
        member(person, **({"hours": off[name]} if (name := person.name.partition(" ")[0].lower()) in off else {}))
        for person in STAFF.people
    )


def step(after: int, *targets: Target, repeats: int = 0, every: int | None = None) -> PolicyStep:
    """After so many minutes."""
    return PolicyStep(after=after * MINUTE, whom=targets or EVERYBODY, repeats=repeats, every=None if every is None else every * MINUTE)


def test_steps_fire_in_the_order_of_time_with_their_repeats() -> None:
    fired = firings([step(30), step(10, repeats=3, every=10)])

    assert [(1, 10), (2, 20), (3, 30), (4, 30), (5, 40)] == [(one.number, one.after / MINUTE) for one in fired]
    assert 30 * MINUTE == fired[2].step.after


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ([Target(kind=Whom.EVERYBODY)], {OLGA, ADAM, BEN}),
        ([Target(kind=Whom.TEAM, team_id=STAFF.network.id)], {BEN}),
        ([Target(kind=Whom.TEAM, team_id=STAFF.network.id), Target(kind=Whom.ROLE, role=Role.ADMIN)], {BEN, ADAM}),
        ([Target(kind=Whom.PERSON, user_id=OLGA.user_id)], {OLGA}),
        ([Target(kind=Whom.ON_DUTY)], {OLGA, ADAM}),
        ([Target(kind=Whom.TEAM, team_id=STAFF.bench.id)], {OLGA, ADAM, BEN}),
        ([Target(kind=Whom.PERSON, user_id=ANNA.user_id)], {OLGA, ADAM, BEN}),
        ([Target(kind=Whom.PERSON, user_id=VERA.user_id)], {OLGA, ADAM, BEN}),
    ],
)
def test_a_step_tells_whom_it_names_and_everybody_where_that_is_nobody(targets: list[Target], told: set[Person]) -> None:
    audience = step(10, *targets).audience(staff(ben=NIGHTS), escalated_by=ANNA.user_id, at=NOON)

    assert {person.user_id for person in told} == set(audience)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Target(kind=Whom.TEAM),
        lambda: Target(kind=Whom.EVERYBODY, user_id=OLGA.user_id),
        lambda: Target(kind=Whom.PERSON, user_id=OLGA.user_id, role=Role.ADMIN),
        lambda: Target(kind=Whom.ROLE, role=Role.VIEWER),
        lambda: step(-1),
        lambda: PolicyStep(after=MINUTE, whom=()),
        lambda: PolicyStep(after=MINUTE, whom=EVERYBODY, channels=()),
        lambda: step(1, repeats=1),
        lambda: step(1, every=5),
        lambda: step(1, repeats=101, every=5),
        lambda: step(1, repeats=1, every=0),
        lambda: EscalationPolicy(steps=(step(1),) * 21),
        lambda: EscalationPolicy(teams=(TeamPolicy(team_id=STAFF.bench.id, steps=()),) * 2),
        lambda: EscalationPolicy(due={Priority.LOW: timedelta()}),
        lambda: EscalationPolicy(claim_quiet_minutes=4),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidValue):
        wrong()  # type: ignore[operator]  # makes one


def about(kind: DeliveryKind = DeliveryKind.ESCALATED, priority: Priority = Priority.NORMAL, **known: Any) -> About:
    return About(kind=kind, priority=priority, since=NOON, **known)


def test_who_is_off_duty_waits_until_they_work_unless_nobody_does() -> None:
    ben = member(BEN, hours=NIGHTS).preferences

    waits = word(ben, about(), on_duty=True, at=NOON)
    told = word(ben, about(), on_duty=False, at=NOON)

    assert ("off duty", NOON.replace(hour=22)) == (waits.reason, waits.until)
    assert told.reason is None


def test_in_quiet_hours_only_what_is_urgent_passes() -> None:
    ben = member(BEN, quiet=Span(start=11 * 60, end=14 * 60)).preferences

    waits = word(ben, about(), on_duty=True, at=NOON)

    assert (QUIET, NOON.replace(hour=14)) == (waits.reason, waits.until)
    assert word(ben, about(priority=Priority.URGENT), on_duty=True, at=NOON).reason is None


@pytest.mark.parametrize("quiet", [Span(start=0, end=24 * 60), Span(start=0, end=0), Span(start=540, end=540)])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "Pacific/Apia"])
@pytest.mark.parametrize("hour", [0, 9, 12, 23])
def test_quiet_hours_of_a_whole_day_are_quiet_all_day(quiet: Span, zone: str, hour: int) -> None:
    """P8: there is no hour at which they end, and so none at which it would be looked again."""
    ben = member(BEN, quiet=quiet, hours=evolve(NIGHTS, time_zone=zone)).preferences
    at = NOON.replace(hour=hour)

    told = word(ben, about(), on_duty=False, at=at)

    assert (QUIET, None) == (told.reason, told.until)
    assert word(ben, about(priority=Priority.URGENT), on_duty=False, at=at).reason is None


def test_who_does_not_want_mails_of_a_kind_gets_none_of_that_kind() -> None:
    ben = member(BEN, channels={DeliveryKind.REMINDER: ()}).preferences

    assert (True, None) == (
        word(ben, about(DeliveryKind.REMINDER), on_duty=True, at=NOON).reason is not None,
        word(ben, about(), on_duty=True, at=NOON).reason,
    )


def test_who_is_online_is_mailed_only_if_they_have_not_seen_it_by_then() -> None:
    ben = member(BEN, mail_after=5 * MINUTE).preferences
    here = frozenset({BEN.user_id})

    waits = word(ben, about(online=here), on_duty=True, at=NOON)

    assert (ONLINE, NOON + 5 * MINUTE) == (waits.reason, waits.until)
    assert word(ben, about(online=here), on_duty=True, at=NOON + 5 * MINUTE).reason is None
    assert SEEN == word(ben, about(online=here, seen=here), on_duty=True, at=NOON + 5 * MINUTE).reason
    assert word(ben, about(), on_duty=True, at=NOON).reason is None


def test_push_reaches_whoever_is_online_at_any_hour_and_nobody_else() -> None:
    ben, deaf = member(BEN, hours=NIGHTS).preferences, member(BEN, channels={DeliveryKind.ESCALATED: (Channel.EMAIL,)}).preferences
    here = about(online=frozenset({BEN.user_id}))

    assert word(ben, here, channel=Channel.PUSH, on_duty=True, at=NOON).reason is None
    assert NOT_ONLINE == word(ben, about(), channel=Channel.PUSH, on_duty=True, at=NOON).reason
    assert NOT_THIS_WAY == word(deaf, here, channel=Channel.PUSH, on_duty=True, at=NOON).reason


def test_a_warning_reaches_its_claimer_off_duty_too() -> None:
    ben = member(BEN, hours=NIGHTS).preferences

    assert word(ben, about(DeliveryKind.LAPSE_WARNING), on_duty=True, at=NOON).reason is None


def test_beforehand_it_says_who_would_be_told_and_why_everybody_else_would_not() -> None:
    policy = EscalationPolicy(steps=(step(30, Target(kind=Whom.ROLE, role=Role.OWNER)),), due={Priority.HIGH: 60 * MINUTE})

    seen = foretell(policy, staff(ben=NIGHTS), escalated_by=ANNA.user_id, priority=Priority.HIGH, at=NOON)

    at_once, later = seen.told
    assert {OLGA.user_id: None, ADAM.user_id: None, BEN.user_id: "off duty"} == {one.user_id: one.reason for one in at_once.words}
    assert {ANNA.user_id: "it is theirs", VERA.user_id: "a viewer takes no escalations"} == dict(at_once.left_out)
    assert (NOON + 30 * MINUTE, [OLGA.user_id]) == (later.at, [one.user_id for one in later.words])
    assert "it is meant for others" == dict(later.left_out)[BEN.user_id]
    assert (False, NOON + 60 * MINUTE) == (seen.nobody_on_duty, seen.due_at)


def test_where_nobody_is_on_duty_everybody_is_told_and_it_says_so() -> None:
    seen = foretell(
        EscalationPolicy(), staff(olga=NIGHTS, adam=NIGHTS, ben=NIGHTS), escalated_by=ANNA.user_id, priority=Priority.LOW, at=NOON
    )

    assert (True, {None}) == (seen.nobody_on_duty, {one.reason for one in seen.told[0].words})


def run(*, fired: int = 0) -> PolicyRun:
    return PolicyRun(id=PolicyRunId(new_id()), handoff_id=HandoffId(new_id()), since=NOON, fired=fired)


def test_given_back_it_goes_on_where_it_stood_with_the_last_of_what_it_missed() -> None:
    steps = [step(10, repeats=5, every=10)]

    missed = run(fired=1).resumed(PolicyRunId(new_id()), steps, at=NOON + 45 * MINUTE)
    on_time = run(fired=4).resumed(PolicyRunId(new_id()), steps, at=NOON + 45 * MINUTE)

    assert (3, 4) == (missed.fired, on_time.fired)
    assert [4, 5] == [firing.number for one in (missed, on_time) for firing in one.next(steps)]


def test_anew_no_message_has_a_number_that_one_had_before() -> None:
    steps = [step(10, repeats=100, every=1)] * 20
    first = run()
    second = first.anew(PolicyRunId(new_id()), since=NOON + MINUTE)

    assert {first.mark(one) for one in firings(steps)}.isdisjoint({second.mark(one) for one in firings(steps)})
    assert NOON + 11 * MINUTE == second.due(firings(steps)[0])


policies = st.lists(
    st.builds(
        lambda after, repeats, every: step(after, repeats=repeats, every=every if repeats else None),
        st.integers(0, 30 * 24 * 60),
        st.integers(0, 20),
        st.integers(1, 30 * 24 * 60),
    ),
    max_size=4,
)


@settings(deadline=None)
@given(steps=policies, delays=st.lists(st.integers(0, 10_000), min_size=1, max_size=5))
def test_over_years_every_step_fires_once_and_none_before_its_time(steps: list[PolicyStep], delays: list[int]) -> None:
    """However late whoever looks is: beside a plain list of when somebody with a calendar would ring the bell."""
    rings = sorted(NOON + one.after + again * (one.every or timedelta()) for one in steps for again in range(one.repeats + 1))

    fired: list[tuple[datetime, datetime]] = []
    going, at = run(), NOON
    while together := going.next(steps):
        due = going.due(together[0])
        at = max(at, due) + timedelta(seconds=delays[len(fired) % len(delays)])
        fired += [(going.due(one), at) for one in together]
        going = going.after(together[-1])

    assert rings == [due for due, _ in fired]
    assert all(due <= at for due, at in fired)


def test_a_step_that_comes_after_others_that_were_taken_away_still_fires() -> None:
    """P7: after 1, 3 and 14, of which two have fired, come 3 and 14."""
    before, after = [step(1), step(3), step(14)], [step(3), step(14)]
    going = run()
    for _ in range(2):
        going = going.after(going.next(before)[-1])

    (left,) = going.next(after)

    assert (14 * MINUTE, 3) == (left.after, left.number)
    assert () == going.after(left).next(after)


@settings(deadline=None)
@given(edits=st.lists(st.tuples(policies, st.integers(0, 4)), min_size=1, max_size=5))
def test_whatever_the_edits_what_is_to_come_comes_and_what_fired_does_not_come_again(
    edits: list[tuple[list[PolicyStep], int]],
) -> None:
    """P7: before each edit a few fire; at the end all do."""
    going = run()
    fired: list[datetime] = []
    numbers: list[int] = []
    for place, (steps, few) in enumerate(edits, 1):
        reached = fired[-1] if fired else NOON - MINUTE
        to_come = [NOON + one.after for one in firings(steps) if NOON + one.after > reached]
        came: list[datetime] = []
        while (together := going.next(steps)) and (place == len(edits) or len(came) < few):
            came += [going.due(one) for one in together]
            numbers += [going.mark(one) for one in together]
            going = going.after(together[-1])
        assert to_come[: len(came)] == came
        fired += came
        left = to_come[len(came) :]
    assert [] == left
    assert sorted(set(numbers)) == numbers
