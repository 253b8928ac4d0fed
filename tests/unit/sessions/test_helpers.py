"""A second pair of hands: what a helper may do, and when the help ends."""

from collections.abc import Callable

import pytest

from flowpilot_core.domain.kernel.errors import InvalidTransition, NotAssignee, RoleForbidden
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId
from flowpilot_core.domain.sessions.branch import Option
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, NOON, OLGA, VERA, Case, a_session, new_id


def helped() -> Case:
    """Anna's, with Ben helping: the first step is hers, the second his."""
    return a_session(by=ANNA).step("asked").joined_by(BEN).step("looked at the log", by=BEN)


def test_a_helper_is_no_assignee() -> None:
    case = helped()

    assert (ANNA.user_id, frozenset({BEN.user_id})) == (case.session.assignee_id, case.session.helper_ids)
    assert BEN.user_id == case.steps[-1].created_by


def test_a_helper_sets_the_results_of_what_they_added_and_of_nothing_else() -> None:
    case = helped()
    hers, his = case.steps

    for step, by in ((his, BEN), (his, ANNA), (hers, ANNA)):
        _, changed, _ = case.session.with_result(step, StepResult.WORKED, None, by=by, at=NOON)
        assert StepResult.WORKED is changed.result
    for step, by in ((hers, BEN), (hers, ADAM), (his, ADAM)):
        with pytest.raises(NotAssignee):
            case.session.with_result(step, StepResult.WORKED, None, by=by, at=NOON)


DENIED: dict[str, Callable[[Case], object]] = {
    "fork": lambda case: case.session.forked(
        ForkPointId(new_id()),
        at_step=case.steps[1],
        reason="two ways",
        options=[(BranchId(new_id()), Option(label=label, hypothesis=label)) for label in ("a", "b")],
        by=BEN,
        at=NOON,
    ),
    "go on in a branch": lambda case: case.session.activated(case.session.branches.active_id, by=BEN, at=NOON),
    "resolve": lambda case: case.session.resolved("done", None, by=BEN, at=NOON),
    "abandon": lambda case: case.session.abandoned("gone", by=BEN, at=NOON),
    "reassign": lambda case: case.session.reassigned(BEN.user_id, by=BEN, at=NOON),
}


@pytest.mark.parametrize("move", DENIED)
def test_a_helper_does_no_more(move: str) -> None:
    with pytest.raises(NotAssignee):
        DENIED[move](helped())


def test_who_works_on_it_already_cannot_join_and_who_does_not_help_cannot_leave() -> None:
    case = helped()

    for by in (ANNA, BEN):
        with pytest.raises(InvalidTransition):
            case.session.joined(by=by, at=NOON)
    for stranger in (ANNA, OLGA):
        with pytest.raises(NotAssignee):
            case.session.left(by=stranger, at=NOON)
    with pytest.raises(RoleForbidden):
        case.session.joined(by=VERA, at=NOON)


def test_who_left_adds_nothing_more_and_what_they_added_stays() -> None:
    left = helped().left_by(BEN)

    with pytest.raises(NotAssignee):
        left.step(by=BEN)
    assert (frozenset(), 2) == (left.session.helper_ids, len(left.steps))
    assert [EventKind.SESSION_JOINED, EventKind.STEP_ADDED, EventKind.SESSION_LEFT] == [event.kind for event in left.events[-3:]]


@pytest.mark.parametrize("ended", [Case.parked, Case.escalated, Case.resolved, Case.abandoned])
def test_what_ends_the_work_ends_the_help(ended: Callable[[Case], Case]) -> None:
    assert frozenset() == ended(helped()).session.helper_ids


def test_a_helper_who_is_given_the_session_helps_no_longer() -> None:
    assert frozenset() == helped().reassigned_to(BEN).session.helper_ids
    assert {BEN.user_id} == helped().reassigned_to(ADAM, by=OLGA).session.helper_ids
