"""How much one session may hold (A58)."""

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import SessionFull
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, StepId
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds, size
from flowpilot_core.domain.sessions.branch import Option
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ANNA, BEN, Case, a_session, new_id


def _add(case: Case, bounds: Bounds, evidence: str | None = None) -> None:
    case.session.with_step(
        StepId(new_id()), kind=StepKind.NOTE, content="more", evidence=evidence, by=case.assignee, at=case.at, bounds=bounds
    )


def _fork(case: Case, bounds: Bounds, hypothesis: str = "it is that") -> None:
    options = [(BranchId(new_id()), Option(label=label, hypothesis=hypothesis)) for label in ("one", "two")]
    case.session.forked(
        ForkPointId(new_id()), at_step=case.steps[-1], reason="two ways", options=options, by=case.assignee, at=case.at, bounds=bounds
    )


def _refused(refused: "pytest.ExceptionInfo[SessionFull]") -> tuple[str, int]:
    return refused.value.bound, refused.value.most


def test_a_session_has_as_many_steps_as_it_may_and_no_more() -> None:
    case = a_session().step()

    _add(case, evolve(BOUNDS, steps=2))
    with pytest.raises(SessionFull) as refused:
        _add(case, evolve(BOUNDS, steps=1))

    assert ("steps", 1) == _refused(refused)


def test_a_session_has_as_many_branches_as_it_may_and_no_more() -> None:
    case = a_session().step()

    _fork(case, evolve(BOUNDS, branches=3))
    with pytest.raises(SessionFull) as refused:
        _fork(case, evolve(BOUNDS, branches=2))

    assert ("branches", 2) == _refused(refused)


def test_branches_are_split_off_as_many_levels_deep_as_they_may_and_no_deeper() -> None:
    case = a_session().step().fork().step().fork().step()

    _fork(case, evolve(BOUNDS, levels=3))
    with pytest.raises(SessionFull) as refused:
        _fork(case, evolve(BOUNDS, levels=2))

    assert ("levels", 2) == _refused(refused)


@pytest.mark.parametrize("character", ["x", "ü", "\U0001f5a8"])
def test_the_text_of_a_session_is_bounded_in_bytes(character: str) -> None:
    case = a_session().step("seen", evidence=character * 100)
    room = case.session.text_bytes + size("more", character * 100)

    _add(case, evolve(BOUNDS, bytes=room), character * 100)
    with pytest.raises(SessionFull) as refused:
        _add(case, evolve(BOUNDS, bytes=room - 1), character * 100)

    assert ("bytes", room - 1) == _refused(refused)


def test_what_a_session_holds_is_counted_wherever_it_is_written() -> None:
    case = a_session().step("seen", evidence="before").result(StepResult.WORKED, evidence="ü")
    case = case.fork("a", "b").closed("a", reason="no").step("done")

    written = [text for step in case.steps for text in (step.content, step.evidence)]
    written += [text for one in case.session.branches.all if one.hypothesis for text in (one.label, one.hypothesis, one.close_reason)]
    written += [fork.reason for fork in case.session.branches.fork_points]

    assert size(*written) == case.session.text_bytes


def test_evidence_is_refused_where_there_is_no_room_for_it_and_may_always_become_shorter() -> None:
    case = a_session().step("seen", evidence="x" * 100)
    full = evolve(BOUNDS, bytes=case.session.text_bytes - 50)

    with pytest.raises(SessionFull):
        case.session.with_result(case.steps[0], None, "x" * 101, by=case.assignee, at=case.at, bounds=full)
    shorter, _, _ = case.session.with_result(case.steps[0], StepResult.WORKED, "x", by=case.assignee, at=case.at, bounds=full)

    assert case.session.text_bytes - 99 == shorter.text_bytes


def test_a_session_that_is_over_its_bounds_is_handed_off_closed_resolved_and_taken_up_again() -> None:
    case = a_session(by=ANNA).step().fork("a", "b")
    with pytest.raises(SessionFull):
        _add(case, Bounds(steps=1, branches=1, levels=0, bytes=1))

    ended = case.closed("a").parked().resumed().escalated().claimed_by(BEN).resolved("Replaced it")

    assert Status.RESOLVED is ended.session.status
