"""Which line of investigation a step belongs to: asked about once, never in the way, and mended afterwards."""

import pytest

from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, NotAssignee, NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId
from flowpilot_core.domain.sessions.fitting import other_branch
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.testing.builders import ANNA, BEN, Case, a_session, new_id

FIX = "Put the printers back into VLAN 30"


def printers() -> Case:
    """Two hypotheses, the first of which is the active branch."""
    case = a_session(by=ANNA, title="Printing fails on floor 3", problem="Nobody on floor 3 can print").step("Restarted the spooler")
    return case.fork(hypotheses={"driver": "The update of last night replaced the driver", "network": "The printers moved to another VLAN"})


def seems_to_belong(case: Case) -> str | None:
    other = other_branch(case.session, case.steps[-1])
    return other.label if other else None


@pytest.mark.parametrize("content", [FIX, "Looked at the VLANs of the switch", "Moved port 7 to vlan 30"])
def test_a_step_that_fits_another_hypothesis_seems_to_belong_there(content: str) -> None:
    assert "network" == seems_to_belong(printers().step(content))


@pytest.mark.parametrize(
    "content",
    [
        "Rolled the driver back on one PC",
        "Installed last month's drivers, which need no VLAN",
        "Restarted the printers",
        "Replaced the switch",
        "Asked since when",
        "X",
    ],
)
def test_one_that_fits_its_own_or_none_or_what_it_is_all_about_is_where_it_belongs(content: str) -> None:
    assert None is seems_to_belong(printers().step(content))


def test_where_two_others_fit_alike_nobody_is_asked() -> None:
    case = a_session().step().fork(hypotheses={"a": "The cable is broken", "b": "A VLAN is missing", "c": "The firewall drops it"})

    assert None is seems_to_belong(case.step("Compared VLAN and firewall"))


def test_a_closed_branch_and_the_first_line_of_work_are_not_asked_about() -> None:
    case = printers().closed("network")

    assert None is seems_to_belong(case.step(FIX))
    assert None is seems_to_belong(printers().in_branch("root").step(FIX))


def test_who_claims_goes_on_in_the_branch_they_choose() -> None:
    case = printers().escalated().claimed_by(BEN, branch="network")

    assert "network" == case.session.branches.get(case.step(FIX).steps[-1].branch_id).label


def test_who_chooses_nothing_goes_on_where_work_stopped() -> None:
    case = printers().escalated().claimed_by(BEN)

    assert case.branch("driver") == case.session.branches.active_id


def test_a_step_is_put_into_the_branch_it_belongs_to_with_its_number_and_result() -> None:
    case = printers().step(FIX, result=StepResult.WORKED)

    moved = case.result(StepResult.WORKED, branch_id=case.branch("network"))

    assert (case.branch("network"), 2, StepResult.WORKED) == (moved.steps[-1].branch_id, moved.steps[-1].number, moved.steps[-1].result)
    assert str(case.branch("network")) == moved.events[-1].changed["branch_id"]
    assert case.session.branches == moved.session.branches


def test_a_step_at_which_the_work_was_split_stays_where_it_is() -> None:
    case = printers()

    with pytest.raises(InvalidValue) as refused:
        case.result(StepResult.FAILED, branch_id=case.branch("network"))

    assert "branch_id" == refused.value.field


def test_nobody_puts_a_step_into_a_closed_branch_or_one_of_another_session() -> None:
    case = printers().step(FIX).closed("network")

    with pytest.raises(InvalidTransition):
        case.result(StepResult.WORKED, branch_id=case.branch("network"))
    with pytest.raises(NotFound):
        case.result(StepResult.WORKED, branch_id=BranchId(new_id()))


def test_a_helper_leaves_even_their_own_step_where_it_is() -> None:
    case = printers().joined_by(BEN).step(FIX, by=BEN)

    with pytest.raises(NotAssignee):
        case.result(StepResult.WORKED, branch_id=case.branch("network"), by=BEN)
