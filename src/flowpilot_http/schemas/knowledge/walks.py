"""What is asked of a walk, and what it comes to."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.knowledge.walks import Walked
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_core.domain.knowledge.fitting import Fitting
from flowpilot_core.domain.knowledge.ownership import Owner
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_http.schemas.kernel import Closed, Line, MaybeText
from flowpilot_http.schemas.sessions import StepOut, WalkOut

from .content import Id, ValueIO


class BeginWalk(Closed, kw_only=True, frozen=True):
    """The tree to follow, and what it asks for before."""

    tree_id: UUID
    parameters: Annotated[dict[str, ValueIO], Meta(description="Secrets are never among them.")] = {}


class NewWalkStep(Closed, kw_only=True, frozen=True):
    """The node that is done, and what came of it."""

    node_id: Id
    answers: Annotated[list[Line], Meta(description="Of a question; several split the branch, up to 8.")] = []
    result: StepResult | None = None
    evidence: MaybeText | None = None
    branch_id: Annotated[UUID | None, Meta(description="Without it: where a node waits for the active branch.")] = None


class LeaveWalk(Closed, kw_only=True, frozen=True):
    """Why work goes on without the tree."""

    reason: MaybeText = ""
    branch_id: Annotated[UUID | None, Meta(description="Without it: where a node waits for the active branch.")] = None


class WalkedOut(msgspec.Struct, kw_only=True, frozen=True):
    """A step that was taken at a node, and the walk as it goes on."""

    id: Annotated[UUID, Meta(description="The step's.")]
    step: StepOut
    walk: WalkOut

    @classmethod
    def of(cls, walked: Walked) -> "WalkedOut":
        """As clients read it."""
        step = StepOut.of(walked.step, walked.detail.names)
        return cls(id=step.id, step=step, walk=walk_of(walked.detail))


class FittingTreeOut(msgspec.Struct, kw_only=True, frozen=True):
    """A tree, as whoever chooses one reads it."""

    id: UUID
    kind: TreeKind
    owner: Owner
    name: str
    description: str | None
    revision: int | None


class FitOut(msgspec.Struct, kw_only=True, frozen=True):
    """A published tree that fits a session: how well, from 0 to 100, and by which words."""

    tree: FittingTreeOut
    score: int
    because: list[str]

    @classmethod
    def of(cls, tree: Tree, fit: Fitting) -> "FitOut":
        """As clients read it."""
        shown = FittingTreeOut(**{name: getattr(tree, name) for name in FittingTreeOut.__struct_fields__})
        return cls(tree=shown, score=fit.score, because=list(fit.because))


def walk_of(detail: SessionDetail) -> WalkOut:
    """The walk of a session that has one."""
    walk = WalkOut.of(detail.session, detail.steps)
    if walk is None:
        raise NotFound("walk")
    return walk
