"""A step: what was asked, done or seen in a branch, with its result and evidence."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.identifiers import BranchId, ScriptTemplateId, SessionId, StepId, TreeId, UserId
from flowpilot_core.domain.kernel.text import evidence as checked_evidence

from .picture import Picture


class StepKind(StrEnum):
    """What sort of thing a step is."""

    QUESTION = "question"
    ACTION = "action"
    OBSERVATION = "observation"
    SCRIPT = "script"
    NOTE = "note"


class StepResult(StrEnum):
    """What came of a step."""

    WORKED = "worked"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


TRIES = frozenset({StepKind.ACTION, StepKind.SCRIPT})
"""The kinds that try something, whether or not a result is known yet."""


@frozen(kw_only=True)
class StepScript:
    """Which script a step is, with the values of its parameters; of its secrets nobody here knows any."""

    template_id: ScriptTemplateId
    revision: int
    parameters: Mapping[str, str | int | float | bool]
    sha256: str
    """Of the rendered text."""


@frozen(kw_only=True)
class NodeTaken:
    """The node of a tree that a step was taken at."""

    tree_id: TreeId
    revision: int
    node_id: str
    answers: tuple[str, ...] = ()
    """Of a question."""


@frozen(kw_only=True)
class Step:
    """One entry of a branch. `number` counts up through the whole session, from 1."""

    id: StepId
    session_id: SessionId
    branch_id: BranchId
    number: int
    kind: StepKind
    content: str
    result: StepResult | None = None
    evidence: str | None = None
    script: StepScript | None = None
    """Of a step that was taken from a script template."""
    node: NodeTaken | None = None
    """Where a walk led to it."""
    pictures: tuple[Picture, ...] = ()
    """As evidence too, in the order in which they came."""
    created_by: UserId
    created_at: datetime
    updated_at: datetime

    @property
    def tried(self) -> bool:
        """Whether this was an attempt, rather than something asked, seen or noted."""
        return self.kind in TRIES or self.result is not None

    def with_result(self, result: StepResult | None, evidence: str | None, *, at: datetime) -> "Step":
        """The step with another result; evidence stays as it is where None is given. Raises `InvalidValue`."""
        kept = self.evidence if evidence is None else checked_evidence("evidence", evidence)
        return evolve(self, result=result, evidence=kept, updated_at=max(at, self.updated_at))

    def with_picture(self, picture: Picture, *, at: datetime) -> "Step":
        """The step with one more picture."""
        return evolve(self, pictures=(*self.pictures, picture), updated_at=max(at, self.updated_at))

    def in_branch(self, branch_id: BranchId) -> "Step":
        """The step, as one of another branch; its number stays."""
        return evolve(self, branch_id=branch_id)
