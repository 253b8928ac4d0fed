"""A walk: where a session stands in the tree that it follows, branch by branch. What a node leads to is the tree's to say."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.identifiers import BranchId, ScriptTemplateId, TreeId

from .step import NodeTaken, StepKind


class TreeOutcome(StrEnum):
    """What a way through a tree ends in."""

    SOLVED = "solved"
    DEAD_END = "dead_end"
    ESCALATE = "escalate"


@frozen(kw_only=True)
class ScriptToRun:
    """A script that a node asks for, with what it is given."""

    id: ScriptTemplateId
    revision: int | None
    parameters: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Waiting:
    """A node that waits to be done, its text with the parameters filled in."""

    node_id: str
    kind: StepKind
    text: str
    help: str | None = None
    answers: tuple[str, ...] = ()
    """Of a question."""
    script: ScriptToRun | None = None


@frozen(kw_only=True)
class Left:
    """That work went on without the tree, while a node waited."""

    node_id: str
    text: str
    reason: str | None = None
    """None: a step was added by hand."""
    at: datetime


@frozen(kw_only=True)
class Reached:
    """The end of a way."""

    node_id: str
    outcome: TreeOutcome
    text: str


@frozen(kw_only=True)
class Place:
    """How far the walk is in one branch: at a node, at an end, or neither once it went on in the branches that it split into."""

    branch_id: BranchId
    waiting: Waiting | None = None
    left: Left | None = None
    reached: Reached | None = None


@frozen(kw_only=True)
class Walk:
    """The tree that a session follows, in one of its revisions for good."""

    tree_id: TreeId
    of_platform: bool = False
    revision: int
    name: str
    parameters: Mapping[str, str] = field(factory=dict)
    """As they read in a text; secrets are never among them."""
    places: tuple[Place, ...] = ()

    def at(self, branch_id: BranchId) -> Place | None:
        """How far it is in a branch; None where it never was."""
        return next((place for place in self.places if place.branch_id == branch_id), None)

    def placed(self, *places: Place) -> "Walk":
        """With these in place of those of the same branches."""
        new = {place.branch_id: place for place in places}
        kept = tuple(new.pop(place.branch_id, place) for place in self.places)
        return evolve(self, places=(*kept, *new.values()))

    def left_at(self, branch_id: BranchId, *, reason: str | None, at: datetime) -> "Walk":
        """With work going on without it in a branch; by a step alone, what waits there still does."""
        place = self.at(branch_id)
        if place is None or place.waiting is None:
            return self
        left = Left(node_id=place.waiting.node_id, text=place.waiting.text, reason=reason, at=at)
        return self.placed(evolve(place, left=left, waiting=place.waiting if reason is None else None))

    def node(self, node_id: str, answers: tuple[str, ...] = ()) -> NodeTaken:
        """What a step says of the node that it was taken at."""
        return NodeTaken(tree_id=self.tree_id, revision=self.revision, node_id=node_id, answers=answers)
