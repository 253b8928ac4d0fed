"""A session that has something of everything, awkward texts too."""

from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.session import Priority, Ticket
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import Case, Staff, a_session

AWKWARD = 'Müller & Söhne; "quoted" \\ 100 % \'); DROP TABLE x; --\r\n\ttab 漢字 \U0001f5a8 \u2028 end'
"""Text that is stored as it is, whatever it looks like."""


def a_rich_case(staff: Staff) -> Case:
    """A session with something of everything in it."""
    return (
        a_session(
            by=staff.anna,
            title="Drucker offline \U0001f5a8",
            problem=AWKWARD,
            client_name="Müller & Söhne",
            ticket=Ticket(system="halopsa", id="4711"),
            priority=Priority.HIGH,
            team_id=staff.network.id,
        )
        .step("asked what happened", kind=StepKind.QUESTION, result=None)
        .step(AWKWARD, evidence=AWKWARD * 20)
        .fork("cable", "switch", "driver")
        .step("swapped the cable", result=StepResult.INCONCLUSIVE)
        .result(StepResult.FAILED, evidence="still dark")
        .closed("cable", Outcome.DEAD_END, "three cables tried")
        .step("read the log", kind=StepKind.OBSERVATION, result=None)
        .fork("port", "VLAN")
        .in_branch("driver")
        .step("ran the script", kind=StepKind.SCRIPT, result=StepResult.WORKED)
    )
