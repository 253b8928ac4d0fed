"""Branches and fork points: where steps go, and what a branch sees."""

import pytest
from hypothesis import given

from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId
from flowpilot_core.domain.sessions.branch import BranchState, Option, Outcome
from flowpilot_core.testing.builders import ANNA, NOON, Case, a_session, new_id
from flowpilot_core.testing.strategies import cases


def contents(case: Case, label: str) -> list[str]:
    """What the branch with this label sees."""
    return [step.content for step in case.session.branches.in_sight(case.branch(label), case.steps)]


def test_a_session_starts_with_its_root_branch_which_is_active() -> None:
    branches = a_session().session.branches

    assert (1, branches.active_id) == (len(branches.all), branches.all[0].id)
    assert (None, None) == (branches.all[0].parent_id, branches.all[0].hypothesis)


def test_a_fork_makes_one_branch_per_hypothesis_and_the_first_becomes_active() -> None:
    case = a_session().step().fork("cable", "switch", "driver")

    (fork_point,) = case.session.branches.fork_points
    assert ["cable", "switch", "driver"] == [branch.label for branch in case.session.branches.all[1:]]
    assert fork_point.branch_ids == tuple(branch.id for branch in case.session.branches.all[1:])
    assert case.branch("cable") == case.session.branches.active_id
    assert case.branch("cable") == case.step("swap it").steps[-1].branch_id


def test_a_branch_sees_its_ancestors_up_to_its_fork_point_and_then_its_own() -> None:
    case = a_session().step("one").step("two").fork("cable", "switch", at_step=0).step("swap the cable")
    case = case.in_branch("root").step("three").in_branch("switch").step("restart it").fork("port", "vlan").step("move the port")

    assert ["one", "two", "three"] == contents(case, "root")
    assert ["one", "swap the cable"] == contents(case, "cable")
    assert ["one", "restart it"] == contents(case, "switch")
    assert ["one", "restart it", "move the port"] == contents(case, "port")
    assert ["one", "restart it"] == contents(case, "vlan")


@given(cases())
def test_whatever_happened_a_branch_sees_its_own_steps_and_never_its_siblings(case: Case) -> None:
    branches = case.session.branches
    for branch in branches.all:
        seen = branches.in_sight(branch.id, case.steps)
        lineage = {branch.id, *(ancestor.id for ancestor in branches.ancestors(branch.id))}
        assert [step for step in case.steps if step.branch_id == branch.id] == [step for step in seen if step.branch_id == branch.id]
        assert {step.branch_id for step in seen} <= lineage
        assert sorted(seen, key=lambda step: step.number) == list(seen)


@given(cases())
def test_whatever_happened_steps_are_numbered_without_gaps(case: Case) -> None:
    assert list(range(1, case.session.step_count + 1)) == [step.number for step in case.steps]


@pytest.mark.parametrize("outcome", Outcome)
def test_a_closed_branch_takes_no_more_steps_and_can_not_be_closed_again(outcome: Outcome) -> None:
    case = a_session().step().fork("cable", "switch").closed("cable", outcome, "three cables tried")

    closed = case.session.branches.get(case.branch("cable"))
    assert (BranchState(outcome), "three cables tried") == (closed.state, closed.close_reason)
    with pytest.raises(InvalidTransition):
        case.step(branch_id=closed.id)
    with pytest.raises(InvalidTransition):
        case.in_branch("cable")
    with pytest.raises(InvalidTransition):
        case.closed("cable")


def test_after_the_active_branch_is_closed_work_goes_on_in_the_nearest_open_one() -> None:
    case = a_session().step().fork("cable", "switch").closed("cable")
    assert case.branch("switch") == case.session.branches.active_id

    case = case.closed("switch")
    assert case.branch("root") == case.session.branches.active_id

    case = case.closed("root")
    assert case.branch("root") == case.session.branches.active_id
    with pytest.raises(InvalidTransition):
        case.step()


def test_closing_another_branch_leaves_the_active_one() -> None:
    case = a_session().step().fork("cable", "switch").in_branch("root").closed("switch")

    assert case.branch("root") == case.session.branches.active_id


def test_there_is_no_fork_in_a_closed_branch() -> None:
    case = a_session().step().fork("cable", "switch").step("swapped it").closed("cable")

    with pytest.raises(InvalidTransition):
        case.fork("plug", "socket")


@pytest.mark.parametrize("options", [0, 1, 9])
def test_a_fork_has_two_to_eight_options(options: int) -> None:
    case = a_session().step()

    with pytest.raises(InvalidValue) as refused:
        case.session.forked(
            ForkPointId(new_id()),
            at_step=case.steps[0],
            reason="many ideas",
            options=[(BranchId(new_id()), Option(label=str(number), hypothesis="maybe")) for number in range(options)],
            by=ANNA,
            at=NOON,
        )

    assert "options" == refused.value.field


def test_a_branch_of_another_session_is_not_found() -> None:
    case = a_session()

    with pytest.raises(NotFound):
        case.session.activated(a_session().session.branches.active_id, by=ANNA, at=NOON)
    with pytest.raises(NotFound):
        case.step(branch_id=BranchId(new_id()))


def test_open_hypotheses_are_neither_confirmed_nor_ruled_out() -> None:
    case = a_session().step().fork("cable", "switch", "driver").closed("switch").closed("driver", Outcome.SOLVED)

    assert ["cable"] == [branch.label for branch in case.session.branches.open_hypotheses()]
