"""Branches and fork points: the lines of investigation of one session."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, StepId, UserId
from flowpilot_core.domain.kernel.text import TITLE, text
from flowpilot_core.domain.kernel.transitions import advance

from .step import Step


class BranchState(StrEnum):
    """How far a line of investigation is."""

    OPEN = "open"
    SOLVED = "solved"
    DEAD_END = "dead_end"
    ABANDONED = "abandoned"


class BranchMove(StrEnum):
    """What can be done to a branch: work in it, or close it with one of three outcomes."""

    WORK = "work"
    SOLVED = "solved"
    DEAD_END = "dead_end"
    ABANDONED = "abandoned"


BRANCH: Mapping[tuple[BranchState, BranchMove], BranchState] = MappingProxyType(
    {
        (BranchState.OPEN, BranchMove.WORK): BranchState.OPEN,
        (BranchState.OPEN, BranchMove.SOLVED): BranchState.SOLVED,
        (BranchState.OPEN, BranchMove.DEAD_END): BranchState.DEAD_END,
        (BranchState.OPEN, BranchMove.ABANDONED): BranchState.ABANDONED,
    }
)

FEWEST_OPTIONS = 2
MOST_OPTIONS = 8


class Outcome(StrEnum):
    """Why a branch was closed."""

    SOLVED = "solved"
    DEAD_END = "dead_end"
    ABANDONED = "abandoned"


@frozen(kw_only=True)
class Option:
    """One way on from a fork point."""

    label: str
    hypothesis: str


@frozen(kw_only=True)
class Branch:
    """One line of investigation; the root has neither parent nor hypothesis."""

    id: BranchId
    parent_id: BranchId | None = None
    fork_point_id: ForkPointId | None = None
    label: str
    hypothesis: str | None = None
    state: BranchState = BranchState.OPEN
    close_reason: str | None = None
    created_at: datetime
    closed_at: datetime | None = None

    def require_open(self) -> None:
        """Raises `InvalidTransition` once the branch is closed."""
        advance(BRANCH, self.state, BranchMove.WORK, thing="branch")

    def closed(self, outcome: Outcome, reason: str, *, at: datetime) -> "Branch":
        """The branch, closed. Raises `InvalidTransition` where it is already."""
        state = advance(BRANCH, self.state, BranchMove(outcome), thing="branch")
        return evolve(self, state=state, close_reason=text("reason", reason), closed_at=at)


@frozen(kw_only=True)
class ForkPoint:
    """Where one branch split into several, and why."""

    id: ForkPointId
    branch_id: BranchId
    at_step_id: StepId
    at_step_number: int
    reason: str
    branch_ids: tuple[BranchId, ...]
    created_by: UserId
    created_at: datetime


@frozen(kw_only=True)
class Branches:
    """The branches of one session, oldest first, and the one that steps go to."""

    all: tuple[Branch, ...]
    fork_points: tuple[ForkPoint, ...] = ()
    active_id: BranchId

    @cached_property
    def _by_id(self) -> Mapping[BranchId, Branch]:
        return {branch.id: branch for branch in self.all}

    @classmethod
    def rooted(cls, root: BranchId, *, at: datetime) -> "Branches":
        """Just a root branch."""
        return cls(all=(Branch(id=root, label="root", created_at=at),), active_id=root)

    def get(self, branch_id: BranchId) -> Branch:
        """Raises `NotFound` for an id that is not of this session."""
        try:
            return self._by_id[branch_id]
        except KeyError:
            raise NotFound("branch") from None

    def for_steps(self, branch_id: BranchId | None) -> Branch:
        """The open branch that a new step goes to: the one named, or else the active one.

        Raises `NotFound`, or `InvalidTransition` where that branch is closed.
        """
        branch = self.get(branch_id or self.active_id)
        branch.require_open()
        return branch

    def forked(
        self,
        fork_point_id: ForkPointId,
        *,
        at_step: Step,
        reason: str,
        options: Sequence[tuple[BranchId, Option]],
        by: UserId,
        at: datetime,
    ) -> "Branches":
        """With one new branch per option, split off at a step; the first becomes the active one.

        Raises `InvalidValue`, or `InvalidTransition` where the step's branch is closed.
        """
        if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
            raise InvalidValue("options", f"needs {FEWEST_OPTIONS} to {MOST_OPTIONS} options, not {len(options)}")
        parent = self.get(at_step.branch_id)
        parent.require_open()
        fork_point = ForkPoint(
            id=fork_point_id,
            branch_id=parent.id,
            at_step_id=at_step.id,
            at_step_number=at_step.number,
            reason=text("reason", reason),
            branch_ids=tuple(branch_id for branch_id, _ in options),
            created_by=by,
            created_at=at,
        )
        new = tuple(
            Branch(
                id=branch_id,
                parent_id=parent.id,
                fork_point_id=fork_point_id,
                label=text(f"options.{index}.label", option.label, most=TITLE),
                hypothesis=text(f"options.{index}.hypothesis", option.hypothesis),
                created_at=at,
            )
            for index, (branch_id, option) in enumerate(options)
        )
        return evolve(self, all=(*self.all, *new), fork_points=(*self.fork_points, fork_point), active_id=new[0].id)

    def activated(self, branch_id: BranchId) -> "Branches":
        """With steps going to `branch_id` from now on. Raises `NotFound` or `InvalidTransition`."""
        return evolve(self, active_id=self.for_steps(branch_id).id)

    def closed(self, branch_id: BranchId, outcome: Outcome, reason: str, *, prefer: Sequence[BranchId] = (), at: datetime) -> "Branches":
        """With one branch closed; where it was the active one, work goes on in an open one of `prefer`, or else the nearest.

        Nearest is the oldest open one of the same fork, else the closest open ancestor; without either the closed branch stays
        the active one. Raises `NotFound` or `InvalidTransition`.
        """
        closed = self.get(branch_id).closed(outcome, reason, at=at)
        branches = evolve(self, all=tuple(closed if branch.id == branch_id else branch for branch in self.all))
        if branch_id != self.active_id:
            return branches
        siblings = (branch for branch in branches.all if branch.parent_id and branch.fork_point_id == closed.fork_point_id)
        candidates = (*(branches.get(one) for one in prefer), *siblings, *branches.ancestors(branch_id))
        return evolve(branches, active_id=next((one.id for one in candidates if one.state is BranchState.OPEN), branch_id))

    def ancestors(self, branch_id: BranchId) -> Iterator[Branch]:
        """From the parent of a branch up to the root."""
        parent = self.get(branch_id).parent_id
        while parent is not None:
            branch = self.get(parent)
            yield branch
            parent = branch.parent_id

    def in_sight(self, branch_id: BranchId, steps: Iterable[Step]) -> tuple[Step, ...]:
        """Those of `steps` that a branch sees, in order: its ancestors' up to where it was split off, then its own."""
        forked_at = {new: fork.at_step_number for fork in self.fork_points for new in fork.branch_ids}
        last: dict[BranchId, int | None] = {branch_id: None}
        below = branch_id
        for ancestor in self.ancestors(branch_id):
            last[ancestor.id] = forked_at[below]
            below = ancestor.id
        seen = (
            step
            for step in steps
            if step.branch_id in last and (last[step.branch_id] is None or step.number <= (last[step.branch_id] or 0))
        )
        return tuple(sorted(seen, key=lambda step: step.number))

    @property
    def workable(self) -> tuple[Branch, ...]:
        """Those that work can go on in."""
        return tuple(branch for branch in self.all if (branch.state, BranchMove.WORK) in BRANCH)

    def open_hypotheses(self) -> tuple[Branch, ...]:
        """Branches whose hypothesis is neither confirmed nor ruled out."""
        return tuple(branch for branch in self.all if branch.hypothesis and branch.state is BranchState.OPEN)
