"""What a walk came to: the nodes that were done on the way to where a branch is, and where work went on without the tree."""

from collections.abc import Iterable
from datetime import datetime

from flowpilot_core.domain.kernel.identifiers import BranchId

from .session import Session
from .step import Step, StepKind
from .walk import Left


def path(session: Session, steps: Iterable[Step], branch_id: BranchId) -> tuple[Step, ...]:
    """The steps of the tree that lead to where a branch is."""
    return tuple(step for step in session.branches.in_sight(branch_id, steps) if step.node is not None)


def in_words(step: Step) -> str:
    """A node that was done, with the answers of a question and what came of everything else."""
    if step.kind is StepKind.QUESTION:
        return " ".join((step.content, ", ".join(step.node.answers if step.node else ()))).strip()
    return step.content if step.result is None else f"{step.content}: {step.result}"


def left(session: Session, branch_id: BranchId, *, until: datetime | None = None) -> Left | None:
    """Where work on the way to a branch went on without the tree, if it has not come back to it; as it was at `until`."""
    if session.walk is None:
        return None
    branches = (session.branches.get(branch_id), *session.branches.ancestors(branch_id))
    found = (place.left for branch in branches if (place := session.walk.at(branch.id)) is not None)
    return next((one for one in found if one is not None and (until is None or one.at <= until)), None)
