"""What somebody who was stuck learns once it is solved: what did it, where the investigation had split, and who."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import HandoffId, UserId
from flowpilot_core.domain.sessions.branch import Branch, BranchState, ForkPoint
from flowpilot_core.domain.sessions.fitting import Ways
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
    """The way that led to the solution, wherever its last step was added."""
    fork_point: ForkPoint | None
    """Where that branch began; None for the root."""
    step: Step | None
    """What worked."""


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
    solution = solved_by(session, steps)
    branch = solution.branch
    return Debrief(
        handoff_id=handoff.id,
        escalated_by=handoff.escalated_by,
        summary=session.resolution.summary,
        root_cause=session.resolution.root_cause,
        resolved_by=session.assignee_id,
        resolved_at=session.updated_at,
        branch=branch,
        fork_point=next((fork for fork in session.branches.fork_points if fork.id == branch.fork_point_id), None),
        step=solution.step,
    )


@frozen(kw_only=True)
class Solution:
    """What solved a session, and on which way."""

    branch: Branch
    step: Step | None


def solved_by(session: Session, steps: Sequence[Step]) -> Solution:
    """What solved a session; `steps` by number, all of them.

    The way is what somebody said: the branch closed as solved, the last one of several. Where nobody did, it is that of the step
    that worked, which is the branch whose hypothesis it fits before the one it was added to. Where none worked, it is where work
    went on.
    """
    ways, worked = Ways.of(session), [step for step in steps if step.result is StepResult.WORKED]
    solved = [branch for branch in session.branches.all if branch.state is BranchState.SOLVED]
    if solved:
        branch = max(solved, key=lambda branch: branch.closed_at or branch.created_at)
        there = [step for step in worked if step.branch_id == branch.id] or [step for step in worked if ways.of_step(step) == branch]
        return Solution(branch=branch, step=there[-1] if there else None)
    active = session.branches.get(session.branches.active_id)
    last = [step for step in steps if step.result is not None][-1:]
    # An earlier one that worked, with others tried after it, did not solve it, unless it is where work went on.
    told = [step for step in worked if step.branch_id == active.id or step in last]
    return Solution(branch=ways.of_step(told[-1]), step=told[-1]) if told else Solution(branch=active, step=None)
