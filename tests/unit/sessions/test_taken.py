"""What a session says of what became of it: the claim by which it came, what its claimer did first, and what happened how often."""

from collections.abc import Callable

import pytest

from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.sessions.session import Taken
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, STAFF, Case, a_session, an_escalation


def a_claim() -> Case:
    return a_session(by=ANNA).step().fork().escalated().claimed_by(BEN)


def test_a_claim_says_by_whom_and_waits_for_what_they_do() -> None:
    case = a_claim()

    assert Taken(handoff_id=case.handoff.id, by=BEN.user_id) == case.session.taken


@pytest.mark.parametrize(
    "worked",
    [
        lambda case: case.step(),
        lambda case: case.result(StepResult.WORKED),
        lambda case: case.fork("a", "b"),
        lambda case: case.in_branch("switch"),
        lambda case: case.closed("cable"),
        lambda case: case.parked().resumed().step(),
        lambda case: case.reassigned_to(ADAM).joined_by(BEN).step(by=ADAM).step(by=BEN),
    ],
)
def test_what_the_claimer_does_first_ends_the_wait(worked: Callable[[Case], Case]) -> None:
    case = worked(a_claim())
    first = case.session.taken

    assert first is not None
    assert case.events[-1].at == first.worked_at
    assert first == case.step(by=case.assignee).session.taken


def test_what_others_do_does_not() -> None:
    case = a_claim().joined_by(ADAM).step(by=ADAM).reassigned_to(ADAM).step()

    assert Taken(handoff_id=case.handoff.id, by=BEN.user_id) == case.session.taken


@pytest.mark.parametrize(
    "ended",
    [
        lambda case: case.escalated(),
        lambda case: case.resolved(),
        lambda case: case.abandoned(),
        lambda case: case.resolved().reopened_by(BEN).step(),
        lambda case: case.unclaimed(),
        lambda case: case.lapsed(System(account_id=STAFF.account_id, cause="the claim went quiet")),
    ],
)
def test_a_session_that_is_handed_on_given_back_or_ended_waits_for_nobody(ended: Callable[[Case], Case]) -> None:
    assert ended(a_claim()).session.taken is None


def test_a_park_is_no_claim() -> None:
    assert a_session().parked().resumed().step().session.taken is None


def test_it_counts_what_happened_to_it() -> None:
    case = an_escalation(by=ANNA).claimed_by(BEN).joined_by(ADAM).left_by(ADAM).resolved()
    again = case.reopened_by(ANNA).escalated()

    assert (1, 0, True, case.session.updated_at) == (
        case.session.escalations,
        case.session.reopenings,
        case.session.helped,
        case.session.resolved_at,
    )
    assert (2, 1, True, case.session.resolved_at) == (
        again.session.escalations,
        again.session.reopenings,
        again.session.helped,
        again.session.resolved_at,
    )


def test_an_escalation_counts_what_happened_to_it() -> None:
    quiet = System(account_id=STAFF.account_id, cause="the claim went quiet")
    case = (
        an_escalation(by=ANNA)
        .rerouted()
        .rerouted()
        .claimed_by(BEN)
        .unclaimed()
        .claimed_by(ADAM)
        .lapsed(quiet)
        .claimed_by(BEN)
        .lapsed(quiet)
    )

    assert (2, 1, 2) == (case.handoff.reroutes, case.handoff.unclaims, case.handoff.lapses)
