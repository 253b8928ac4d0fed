"""A schedule's turns: what starts, what was missed, and what an edit leaves of it; years of them in milliseconds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from flowpilot_adapters.recurrence import recurrence
from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.errors import InvalidValue, RoleForbidden, VersionConflict
from flowpilot_core.domain.kernel.identifiers import MaintenanceRunId, MaintenanceScheduleId, SessionId
from flowpilot_core.domain.maintenance.run import Run, RunState, told
from flowpilot_core.domain.maintenance.schedule import LONGEST_MINUTES, MOST_TARGETS, CatchUp, Plan, Schedule, Target
from flowpilot_core.domain.sessions.window import Window, lasting, window_of
from flowpilot_core.testing.builders import STAFF, new_id

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_plan(rrule: str | None = "FREQ=DAILY", *, starts_at: datetime = TEN, duration: timedelta = 2 * HOUR, catch_up: str = "skip") -> Plan:
    return Plan(
        name="Patch night",
        targets=(Target(label="srv-01", client_name="Lakeside Dental"), Target(label="srv-02")),
        starts_at=starts_at.replace(tzinfo=None),
        time_zone="UTC",
        rrule=rrule,
        duration=duration,
        assignee_id=STAFF.anna.user_id,
        catch_up=CatchUp(catch_up),
    )


def made(plan: Plan, *, by: Actor = STAFF.adam, at: datetime = TEN - DAY) -> Schedule:
    next_run_at = plan.next(recurrence, first=at)
    return Schedule.made(MaintenanceScheduleId(new_id()), plan, next_run_at=next_run_at, by=by, at=at)


def changed(schedule: Schedule, plan: Plan, *, at: datetime) -> Schedule:
    return schedule.changed(plan, next_run_at=plan.next(recurrence, first=at), by=STAFF.adam, at=at)


def walked(schedule: Schedule, looks: Sequence[datetime]) -> list[datetime]:
    """What starts where somebody looks at these times."""
    started = list[datetime]()
    for at in looks:
        turn = schedule.turn(recurrence, at=at)
        started += turn.start
        schedule = schedule.turned(turn)
    return started


def test_an_occurrence_starts_when_it_is_due_and_not_again() -> None:
    schedule = made(a_plan())

    assert TEN == schedule.next_run_at
    assert [TEN, TEN + DAY] == walked(schedule, [TEN, TEN, TEN + HOUR, TEN + DAY])


def test_a_turn_before_the_time_starts_nothing() -> None:
    turn = made(a_plan()).turn(recurrence, at=TEN - HOUR)

    assert ((), TEN) == (turn.start, turn.next_run_at)


def test_within_its_window_it_starts_late() -> None:
    assert [TEN] == walked(made(a_plan()), [TEN + 2 * HOUR - timedelta(seconds=1)])


def test_one_whose_window_is_over_was_missed_and_is_left_out() -> None:
    assert [] == walked(made(a_plan()), [TEN + 2 * HOUR])


def test_of_those_that_were_missed_the_latest_alone_is_started() -> None:
    late = made(a_plan(catch_up="latest"))

    assert [TEN + 2 * DAY] == walked(late, [TEN + 2 * DAY + 3 * HOUR])
    assert [TEN + 2 * DAY, TEN + 3 * DAY] == walked(late, [TEN + 3 * DAY + HOUR])


def test_windows_that_overlap_all_start() -> None:
    hourly = made(a_plan("FREQ=HOURLY", duration=3 * HOUR))

    assert [TEN + HOUR, TEN + 2 * HOUR, TEN + 3 * HOUR] == walked(hourly, [TEN + 3 * HOUR])


def test_what_lay_before_it_was_made_is_not_missed() -> None:
    schedule = made(a_plan(catch_up="latest"), at=TEN + 3 * DAY + HOUR)

    assert TEN + 4 * DAY == schedule.next_run_at
    assert [] == walked(schedule, [TEN + 3 * DAY + HOUR])


def test_one_that_is_made_on_its_moment_starts() -> None:
    assert [TEN] == walked(made(a_plan(None), at=TEN), [TEN])


def test_one_renamed_while_it_is_due_still_starts() -> None:
    schedule = made(a_plan())
    renamed = changed(schedule, evolve(schedule.plan, name="Patch day"), at=TEN + HOUR / 2)

    assert [TEN] == walked(renamed, [TEN + HOUR])


def test_what_was_over_before_an_edit_is_not_missed() -> None:
    schedule = made(a_plan(catch_up="latest"))
    renamed = changed(schedule, evolve(schedule.plan, name="Patch day"), at=TEN + 12 * HOUR)

    assert [] == walked(renamed, [TEN + 13 * HOUR])


def test_one_put_off_while_it_is_due_comes_at_its_new_time_alone() -> None:
    schedule = made(a_plan(None))
    later = changed(schedule, evolve(schedule.plan, starts_at=TEN.replace(tzinfo=None, hour=11)), at=TEN + timedelta(seconds=5))

    assert [TEN + HOUR] == walked(later, [TEN + timedelta(seconds=10), TEN + HOUR])


def test_one_that_was_switched_off_starts_with_the_next_time_after_it_is_on_again() -> None:
    schedule = made(a_plan(catch_up="latest"))
    off = changed(schedule, evolve(schedule.plan, active=False), at=TEN - HOUR)
    on = changed(off, evolve(off.plan, active=True), at=TEN + 5 * DAY + HOUR)

    assert None is off.next_run_at
    assert [TEN + 6 * DAY] == walked(on, [TEN + 5 * DAY + HOUR, TEN + 6 * DAY])


def test_ten_years_of_nights_start_each_night_once_however_often_somebody_looks() -> None:
    schedule = made(a_plan("FREQ=WEEKLY;BYDAY=MO"))
    looks = [TEN + number * 17 * HOUR / 10 for number in range(3000)]

    started = walked(schedule, looks)

    assert len(started) == len(set(started))
    assert list(schedule.plan.occurrences(recurrence, first=TEN, until=looks[-1])) == started


def test_a_clock_that_jumps_back_starts_nothing_twice() -> None:
    assert [TEN] == walked(made(a_plan()), [TEN + HOUR, TEN - HOUR, TEN + HOUR])


def test_one_that_never_comes_is_refused_and_one_that_is_off_is_not() -> None:
    with pytest.raises(InvalidValue) as refused:
        made(a_plan(None), at=TEN + HOUR)
    off = made(evolve(a_plan(None), active=False), at=TEN + HOUR)

    assert ("starts_at", None) == (refused.value.field, off.next_run_at)


@pytest.mark.parametrize("by", [STAFF.anna, STAFF.vera, System(account_id=STAFF.account_id, cause="time")])
def test_only_owners_and_admins_manage_schedules(by: Actor) -> None:
    with pytest.raises(RoleForbidden):
        made(a_plan(), by=by)


def test_another_version_than_the_one_that_somebody_saw_is_refused() -> None:
    with pytest.raises(VersionConflict):
        made(a_plan()).require_version(2)


def test_a_schedule_that_cannot_be_is_refused_where_it_is_wrong() -> None:
    plan = a_plan()
    many = tuple(Target(label=f"srv-{number}") for number in range(MOST_TARGETS + 1))
    wrong: dict[str, dict[str, Any]] = {
        "name": {"name": " "},
        "time_zone": {"time_zone": "Europe/Nowhere"},
        "duration_minutes": {"duration": timedelta(minutes=LONGEST_MINUTES + 1)},
        "targets": {"targets": many},
        "targets.0.label": {"targets": (Target(label="x" * 190),)},
        "targets.0.client_name": {"targets": (Target(label="srv", client_name="a\nb"),)},
        "targets.0.notes": {"targets": (Target(label="srv", notes="\0"),)},
    }
    for field, change in wrong.items():
        with pytest.raises(InvalidValue) as refused:
            evolve(plan, **change)
        assert field == refused.value.field
    with pytest.raises(InvalidValue):
        evolve(plan, targets=())


def test_runs_by_hand_are_never_of_the_same_moment() -> None:
    once = made(a_plan()).run_by_hand(by=STAFF.adam, at=TEN)
    again = once.run_by_hand(by=STAFF.adam, at=TEN)

    assert once.last_run_at is not None
    assert again.last_run_at is not None
    assert TEN == once.last_run_at < again.last_run_at


def a_run(*, at: datetime = TEN) -> Run:
    return Run.of(made(a_plan()), MaintenanceRunId(new_id()), TEN, at=at)


def test_a_run_gets_a_session_a_target_in_order() -> None:
    run = a_run()
    one = run.with_session(0, SessionId(new_id()))

    assert (0, 1, None) == (run.waiting, one.waiting, one.with_session(1, SessionId(new_id())).waiting)


def test_a_run_that_cannot_begin_has_no_window_and_one_that_began_keeps_it() -> None:
    begun = a_run().with_session(0, SessionId(new_id()))

    assert (False, True) == (a_run().blocked("gone").is_open, begun.blocked("gone").is_open)
    assert (False, False) == (a_run(at=TEN + 2 * HOUR).is_open, begun.closed().is_open)


def test_whoever_does_it_is_told_and_owners_and_admins_of_what_is_blocked() -> None:
    run = a_run()
    people = STAFF.users

    assert (STAFF.anna.user_id,) == told(run, people)
    assert {STAFF.olga.user_id, STAFF.adam.user_id} == set(told(run.blocked("gone"), people))
    assert RunState.BLOCKED is run.blocked("gone").state


def test_a_window_is_that_of_a_client_however_its_name_is_written_while_it_lasts() -> None:
    window = a_run().window

    assert window == window_of(" lakeside DENTAL", [window])
    assert None is window_of("Other", [window])
    assert None is window_of(None, [window])
    assert (window, None) == (lasting(window, TEN), lasting(window, TEN + 2 * HOUR))


def test_of_several_windows_a_quiet_one_counts_and_of_those_the_one_that_lasts_longest() -> None:
    def one(hours: int, *, quiet: bool) -> Window:
        return evolve(a_run().window, until=TEN + hours * HOUR, quiet=quiet)

    loud, short, long = one(9, quiet=False), one(2, quiet=True), one(3, quiet=True)

    assert long == window_of("Lakeside Dental", [short, loud, long])
