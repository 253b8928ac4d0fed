"""The debrief: who was stuck learns what solved it, at which fork, and by whom."""

import pytest

from flowpilot_core.domain.handoffs.debrief import Debrief, debrief
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.sessions.branch import Option, Outcome
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ANNA, BEN, Case, a_session, an_escalation
from tests.support.office import Office

pytestmark = pytest.mark.anyio


def of(case: Case) -> Debrief | None:
    return debrief(case.session, case.steps, case.handoffs)


def test_it_says_what_solved_it_at_which_fork_and_who() -> None:
    case = a_session(by=ANNA).step().escalated().claimed_by(BEN).fork("cable", "switch").in_branch("switch")
    case = case.step("restarted the port", result=StepResult.WORKED).step("asked whether all is well").in_branch("cable")
    case = case.closed("switch", Outcome.SOLVED, "the port hung").resolved("restarted the port", "a port that hung")

    found = of(case)

    assert found is not None
    assert (ANNA.user_id, BEN.user_id, "restarted the port") == (found.escalated_by, found.resolved_by, found.summary)
    assert ("switch", "two ways to look at it") == (found.branch.label, found.fork_point and found.fork_point.reason)
    assert "restarted the port" == (found.step and found.step.content)


def test_where_no_branch_was_closed_as_solved_it_was_solved_where_work_went_on() -> None:
    found = of(an_escalation(by=ANNA).claimed_by(BEN).resolved())

    assert found is not None
    assert ("root", None, None) == (found.branch.label, found.fork_point, found.step)


@pytest.mark.parametrize(
    "case",
    [
        a_session(by=ANNA).resolved(),
        an_escalation(by=ANNA).withdrawn().resolved(),
        an_escalation(by=ANNA).claimed_by(BEN).abandoned(),
        an_escalation(by=ANNA).claimed_by(BEN).reassigned_to(ANNA).resolved(),
        an_escalation(by=ANNA).claimed_by(BEN),
    ],
)
def test_there_is_none_where_nobody_is_waiting_for_it(case: Case) -> None:
    assert of(case) is None


async def test_it_is_mailed_once_each_time_it_is_resolved() -> None:
    office = await Office.opened()
    handoff_id = await office.escalation()
    taken = await office.product.handoffs.claim(office.staff.ben, handoff_id)
    await office.relay.run_once()
    before = len(office.mailbox.messages)

    for _ in range(2):
        await office.product.sessions.resolve(office.staff.ben, taken.handoff.session_id, summary="replaced the cable")
        await office.product.sessions.reopen(office.staff.ben, taken.handoff.session_id, reason="it is back")
        await office.relay.run_once()

    assert [office.staff.user(office.staff.anna).email] * 2 == office.mailbox.recipients[before:]


async def test_the_mail_says_what_solved_it_where_it_split_and_who() -> None:
    office = await Office.opened()
    product, ben = office.product, office.staff.ben
    session_id = (await product.handoffs.claim(ben, await office.escalation())).handoff.session_id
    first = (await product.sessions.add_step(ben, session_id, kind=StepKind.NOTE, content="looked at it")).step
    options = [Option(label=label, hypothesis=label) for label in ("cable", "switch")]
    await product.sessions.fork(ben, session_id, at_step_id=first.id, reason="two ways to look at it", options=options)
    await product.sessions.add_step(ben, session_id, kind=StepKind.ACTION, content="swapped the cable", result=StepResult.WORKED)
    await product.sessions.resolve(ben, session_id, summary="a new cable", root_cause="a broken cable")

    await office.relay.run_once()

    text = office.mailbox.messages[-1].text
    for said in ("Ben Engineer", "a new cable", "a broken cable", "two ways to look at it", "swapped the cable"):
        assert said in text


def printers(by: Person = ANNA) -> Case:
    """Two hypotheses, of which nobody has tested the second; Ben goes on in the first without a look."""
    case = a_session(by=by, title="Printing fails on floor 3", problem="Nobody on floor 3 can print").step("Restarted the print spooler")
    case = case.fork(hypotheses={"driver": "The update of last night replaced the driver", "network": "The printers moved to another VLAN"})
    return case.escalated().claimed_by(BEN)


def way(case: Case) -> tuple[str, str | None]:
    found = of(case)
    assert found is not None
    return found.branch.label, found.step.content if found.step else None


FIX = "Put the printers back into VLAN 30"


def test_the_way_is_the_one_whose_hypothesis_the_solving_step_fits_though_it_was_added_to_another() -> None:
    case = printers().step(FIX, result=StepResult.WORKED).resolved("Printing works", "A switch was replaced with an old configuration")

    assert ("network", FIX) == way(case)


def test_a_step_that_does_not_say_what_it_was_about_is_told_by_what_is_said_to_have_solved_it() -> None:
    case = printers().step("Did it on the phone with the client", result=StepResult.WORKED).resolved("The ports are in VLAN 30 again", None)

    assert "network" == way(case)[0]


def test_the_way_is_what_somebody_closed_as_solved_whatever_it_looks_like() -> None:
    case = printers().step(FIX, result=StepResult.WORKED).closed("driver", Outcome.SOLVED, "it prints").resolved()

    assert ("driver", FIX) == way(case)


def test_a_branch_closed_as_solved_shows_the_step_that_fits_it_where_it_has_none() -> None:
    case = printers().step(FIX, result=StepResult.WORKED).closed("network", Outcome.SOLVED, "it prints").resolved()

    assert ("network", FIX) == way(case)


def test_a_dead_end_is_never_the_way_where_the_step_fits_it_only() -> None:
    case = printers().closed("network", Outcome.DEAD_END, "VLAN 30 everywhere").step(FIX, result=StepResult.WORKED).resolved()

    assert "driver" == way(case)[0]


def test_a_step_that_worked_in_a_branch_that_is_not_the_active_one_is_the_way() -> None:
    case = printers()
    case = case.step("It prints again", result=StepResult.WORKED, branch_id=case.branch("network")).resolved()

    assert ("network", "It prints again") == way(case)


def test_what_worked_before_others_were_tried_in_vain_did_not_solve_it() -> None:
    case = a_session(by=ANNA).step("Pinged the gateway", result=StepResult.WORKED).fork("cable", "switch").step("Swapped it")

    assert ("cable", None) == way(case.escalated().claimed_by(BEN).resolved())


def test_a_step_that_fits_nothing_is_of_the_branch_it_stands_in() -> None:
    assert ("driver", "Did something") == way(printers().step("Did something", result=StepResult.WORKED).resolved("It works", None))
