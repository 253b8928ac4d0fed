"""The moves of a session: who, from which status, and what is on record afterwards."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.errors import FlowPilotError, InvalidTransition, InvalidValue, NotAssignee, RoleForbidden, VersionConflict
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId
from flowpilot_core.domain.sessions.session import SESSION, Priority, Resolution, Session, SessionMove, Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, MINUTE, NOON, OLGA, VERA, Case, SetClock, a_session, an_escalation, new_id
from flowpilot_core.testing.strategies import cases

IN_STATUS: dict[Status, Callable[[], Case]] = {
    Status.ACTIVE: lambda: a_session(by=ANNA).step(),
    Status.PARKED: lambda: a_session(by=ANNA).step().parked(),
    Status.ESCALATED: lambda: a_session(by=ANNA).step().escalated(),
    Status.RESOLVED: lambda: a_session(by=ANNA).step().resolved(),
    Status.ABANDONED: lambda: a_session(by=ANNA).step().abandoned(),
}

MOVES: dict[SessionMove, Callable[[Case], Case]] = {
    SessionMove.WORK: lambda case: case.step(),
    SessionMove.PARK: lambda case: case.parked(),
    SessionMove.ESCALATE: lambda case: case.escalated(),
    SessionMove.RESUME: lambda case: case.resumed(),
    SessionMove.REASSIGN: lambda case: case.reassigned_to(BEN),
    SessionMove.JOIN: lambda case: case.joined_by(BEN),
    SessionMove.RESOLVE: lambda case: case.resolved(),
    SessionMove.ABANDON: lambda case: case.abandoned(),
    SessionMove.REOPEN: lambda case: case.reopened_by(ANNA),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("move", MOVES)
def test_a_move_does_what_the_table_says_or_is_refused_with_the_status_it_has(status: Status, move: SessionMove) -> None:
    case = IN_STATUS[status]()

    if (status, move) in SESSION:
        assert SESSION[status, move] is MOVES[move](case).session.status
    else:
        with pytest.raises(InvalidTransition) as refused:
            MOVES[move](case)
        assert ("session", status) == (refused.value.thing, refused.value.state)


def test_nobody_adds_steps_while_it_waits_not_even_its_escalator() -> None:
    case = an_escalation(by=ANNA)

    moves: list[Callable[[], Case]] = [case.step, case.fork, lambda: case.result(StepResult.WORKED), lambda: case.in_branch("root")]
    for move in moves:
        with pytest.raises(InvalidTransition):
            move()


def test_a_session_starts_active_and_with_who_started_it() -> None:
    case = a_session(by=ANNA)

    assert (Status.ACTIVE, ANNA.user_id, ANNA.user_id) == (case.session.status, case.session.assignee_id, case.session.created_by)
    assert (EventKind.SESSION_STARTED, ANNA.user_id, NOON) == (case.events[0].kind, case.events[0].by, case.events[0].at)


def test_a_viewer_starts_nothing() -> None:
    with pytest.raises(RoleForbidden):
        a_session(by=VERA)


def test_what_can_not_be_is_refused_before_who_may_not() -> None:
    """Out of bounds is 422, and comes before 403."""
    with pytest.raises(InvalidValue) as refused:
        a_session(by=VERA, title=" ")

    assert "title" == refused.value.field


def test_who_may_not_is_refused_before_what_the_status_forbids() -> None:
    """403 comes before 409."""
    resolved = a_session(by=ANNA).resolved().session

    with pytest.raises(NotAssignee):
        resolved.abandoned("why not", by=BEN, at=NOON)
    with pytest.raises(RoleForbidden):
        resolved.abandoned("why not", by=VERA, at=NOON)


def test_who_reopens_becomes_the_assignee_and_the_resolution_is_gone() -> None:
    case = a_session(by=ANNA).resolved("replaced it", "it was old")
    assert Resolution(summary="replaced it", root_cause="it was old") == case.session.resolution

    again = case.reopened_by(BEN).session

    assert (Status.ACTIVE, BEN.user_id, None) == (again.status, again.assignee_id, again.resolution)


def test_a_parked_session_can_be_reassigned_and_stays_parked() -> None:
    case = a_session(by=ANNA).parked().reassigned_to(BEN)

    assert (Status.PARKED, BEN.user_id) == (case.session.status, case.session.assignee_id)
    assert {ANNA.user_id, BEN.user_id} == case.session.parked_with
    with pytest.raises(NotAssignee):
        case.session.resumed(by=ANNA, at=NOON)


def test_what_happens_to_a_parked_session_is_private_and_what_happens_later_is_not() -> None:
    case = a_session(by=ANNA).parked().reassigned_to(BEN, by=OLGA).resumed().reassigned_to(ANNA, by=ADAM)

    assert [False, True, True, True, False] == [event.private for event in case.events]
    assert frozenset() == case.session.parked_with


def test_once_it_is_resumed_nobody_is_recorded_as_its_private_reader() -> None:
    case = a_session(by=ANNA).parked().reassigned_to(BEN).resumed()

    assert frozenset() == case.session.parked_with
    assert {ANNA.user_id, BEN.user_id} == case.handoff.readers


def test_the_escalator_stays_the_assignee_until_somebody_claims() -> None:
    waiting = an_escalation(by=ANNA)

    assert ANNA.user_id == waiting.session.assignee_id
    assert BEN.user_id == waiting.claimed_by(BEN).session.assignee_id


def test_after_a_withdrawal_it_is_active_with_the_assignee_it_had() -> None:
    session = an_escalation(by=ANNA).withdrawn().session

    assert (Status.ACTIVE, ANNA.user_id) == (session.status, session.assignee_id)


def test_evidence_that_is_not_given_again_stays() -> None:
    case = a_session().step("rebooted", evidence="it blinked").result(StepResult.WORKED)

    assert (StepResult.WORKED, "it blinked") == (case.steps[0].result, case.steps[0].evidence)
    assert "it hums" == case.result(StepResult.FAILED, evidence="it hums").steps[0].evidence


@pytest.mark.parametrize("kind", StepKind)
def test_an_action_or_a_script_was_tried_and_so_was_whatever_has_a_result(kind: StepKind) -> None:
    assert (kind in {StepKind.ACTION, StepKind.SCRIPT}) is a_session().step(kind=kind, result=None).steps[0].tried
    assert a_session().step(kind=kind, result=StepResult.INCONCLUSIVE).steps[0].tried


def test_a_stale_caller_is_told_which_version_there_is() -> None:
    session = a_session().session
    session.require_version(None)
    session.require_version(session.version)

    with pytest.raises(VersionConflict) as refused:
        session.require_version(7)

    assert ("session", 7, session.version) == (refused.value.thing, refused.value.expected, refused.value.actual)


def test_urgent_goes_first() -> None:
    by_rank = sorted(Priority, key=lambda priority: priority.rank, reverse=True)

    assert [Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW] == by_rank


@given(st.lists(st.integers(-1_000_000, 1_000_000), max_size=12))
def test_a_clock_that_jumps_back_puts_nothing_before_its_own_past(jumps: list[int]) -> None:
    """F36."""
    clock = SetClock()
    session, _ = Session.started(SessionId(new_id()), root_branch_id=BranchId(new_id()), title="t", problem="p", by=ANNA, at=clock.now())
    times = [session.updated_at]
    for seconds in jumps:
        clock.jump(timedelta(seconds=seconds))
        session, event = session.reassigned(ANNA.user_id, by=ANNA, at=clock.now())
        times += [event.at]
        assert session.updated_at == event.at

    assert sorted(times) == times
    assert session.created_at <= session.updated_at


def test_a_handoff_and_a_claim_are_never_before_what_they_follow() -> None:
    """F36: by a clock that was set back a day in between."""
    yesterday = NOON - timedelta(days=1)
    case = a_session(at=NOON).step().escalated(at=yesterday).claimed_by(BEN, at=yesterday)

    claim = case.handoff.claim
    assert claim is not None
    assert NOON + MINUTE == case.handoff.escalated_at == claim.at == case.session.updated_at


@given(cases())
def test_nothing_that_is_refused_changes_anything(case: Case) -> None:
    """A move returns another value; the one it was asked of stays as it was."""
    before = (case.session, case.steps, case.handoffs)
    for move in MOVES.values():
        try:
            move(case)
        except FlowPilotError:
            continue

    assert before == (case.session, case.steps, case.handoffs)
