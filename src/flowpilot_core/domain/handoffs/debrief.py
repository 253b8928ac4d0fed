"""What somebody who was stuck learns once it is solved: what did it, where the investigation had split, and who."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import HandoffId, UserId
from flowpilot_core.domain.sessions.branch import Branch, BranchState, ForkPoint
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.domain.sessions.step import Step, StepResult

from .handoff import Handoff, HandoffState, Intent


@frozen(kw_only=True)
class Debrief:
    """How a session that had been escalated was solved."""

    handoff_id: HandoffId
    """The escalation it came by, the last one that was claimed."""
    escalated_by: UserId
    summary: str
    root_cause: str | None
    resolved_by: UserId
    resolved_at: datetime
    branch: Branch
    """Where it was solved."""
    fork_point: ForkPoint | None
    """Where that branch began; None for the root."""
    step: Step | None
    """The last one there that worked."""


def debrief(session: Session, steps: Sequence[Step], handoffs: Sequence[Handoff]) -> Debrief | None:
    """What the escalator of a resolved session learns; None where nobody who was stuck is waiting for it.

    `steps` by number and `handoffs` oldest first, all of them. Whoever resolved what they had escalated knows already.
    """
    claimed = [one for one in handoffs if one.intent is Intent.ESCALATE and one.state is HandoffState.CLAIMED]
    if session.status is not Status.RESOLVED or session.resolution is None or not claimed:
        return None
    handoff = claimed[-1]
    if handoff.escalated_by == session.assignee_id:
        return None
    branch = solved_in(session)
    return Debrief(
        handoff_id=handoff.id,
        escalated_by=handoff.escalated_by,
        summary=session.resolution.summary,
        root_cause=session.resolution.root_cause,
        resolved_by=session.assignee_id,
        resolved_at=session.updated_at,
        branch=branch,
        fork_point=next((fork for fork in session.branches.fork_points if fork.id == branch.fork_point_id), None),
        step=next((step for step in reversed(steps) if (step.branch_id, step.result) == (branch.id, StepResult.WORKED)), None),
    )


def solved_in(session: Session) -> Branch:
    """The branch that was closed as solved, the last one of several, or else the one where work went on."""
    solved = [branch for branch in session.branches.all if branch.state is BranchState.SOLVED]
    return (
        max(solved, key=lambda branch: branch.closed_at or branch.created_at)
        if solved
        else session.branches.get(session.branches.active_id)
    )
