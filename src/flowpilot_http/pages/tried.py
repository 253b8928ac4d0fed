"""What was tried, as pages show it: each branch with its own steps, of a session as it is or as a snapshot froze it."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.sessions.branch import BRANCH, BranchMove
from flowpilot_http.schemas.handoffs.snapshot import CutEvidence, FrozenBranch, FrozenForkPoint, FrozenPicture, FrozenStep, SnapshotOut
from flowpilot_http.schemas.sessions import BranchOut, ForkPointOut, PictureOut, SessionDetailOut, StepOut

WIDEST, HIGHEST = 320, 240
"""Pixels of a picture among other things."""
LONG = 200
"""Characters of evidence that are shown without asking; with more, or with several lines, it is folded."""


@frozen(kw_only=True)
class Evidence:
    """What a step brought to light."""

    text: str
    whole: int | None
    """Bytes of the whole, where only the beginning was kept."""

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return len(self.text) > LONG or "\n" in self.text.strip()

    @property
    def lines(self) -> int:
        """How much there is to read."""
        return len(self.text.splitlines())

    @classmethod
    def of(cls, evidence: str | CutEvidence | None) -> "Evidence | None":
        """None where there is none."""
        if not evidence:
            return None
        return cls(text=evidence, whole=None) if isinstance(evidence, str) else cls(text=evidence.text, whole=evidence.bytes)


@frozen(kw_only=True)
class Shot:
    """A picture, at the address that its page's readers may see it at, and how large it is shown there."""

    address: str
    alt: str
    width: int
    height: int
    sharp: int
    """Pixels in a row that make it sharp on any screen."""

    @classmethod
    def of(cls, picture: FrozenPicture | PictureOut, step: FrozenStep | StepOut, pictures: str) -> "Shot":
        """A picture of a step; `pictures` is the address of all of that step's."""
        scale = min(1.0, WIDEST / picture.width, HIGHEST / picture.height)
        width = max(1, round(picture.width * scale))
        return cls(
            address=f"{pictures}/{picture.id}",
            alt=picture.alt or f"Picture of step {step.number}",
            width=width,
            height=max(1, round(picture.height * scale)),
            sharp=min(2 * width, picture.width),
        )


@frozen(kw_only=True)
class Line:
    """A step, with its evidence."""

    step: FrozenStep | StepOut
    evidence: Evidence | None
    shots: tuple[Shot, ...]


@frozen(kw_only=True)
class Way:
    """A branch with its own steps, and where it came from."""

    number: int
    branch: FrozenBranch | BranchOut
    active: bool
    lines: tuple[Line, ...]
    fork: FrozenForkPoint | ForkPointOut | None
    """Where it split off; None for the root."""

    @property
    def workable(self) -> bool:
        """Whether work can go on in it."""
        return (self.branch.state, BranchMove.WORK) in BRANCH


@frozen(kw_only=True)
class Split:
    """A fork point, with the branches that it led to."""

    fork: FrozenForkPoint | ForkPointOut
    ways: tuple[Way, ...]


@frozen(kw_only=True)
class Tried:
    """All of it."""

    ways: tuple[Way, ...]
    splits: Mapping[UUID, tuple[Split, ...]]
    """The fork points of each branch."""
    numbers: Mapping[UUID, int]
    """What number a step has, by its id."""

    @classmethod
    def frozen_in(cls, snapshot: SnapshotOut) -> "Tried":
        """As the snapshot has it."""
        active = {branch.id for branch in snapshot.branches if branch.active}
        pictures = f"/handoffs/{snapshot.handoff_id}/pictures"
        return _tried(snapshot.branches, snapshot.fork_points, snapshot.steps, active, lambda _: pictures)

    @classmethod
    def of(cls, session: SessionDetailOut) -> "Tried":
        """As the session is."""
        steps = f"/ai-sessions/{session.id}/steps"
        return _tried(
            session.branches,
            session.fork_points,
            session.steps,
            {session.active_branch_id},
            lambda step: f"{steps}/{step.id}/pictures",
        )


def _tried(
    branches: Sequence[FrozenBranch | BranchOut],
    forks: Sequence[FrozenForkPoint | ForkPointOut],
    steps: Sequence[FrozenStep | StepOut],
    active: set[UUID],
    pictures: Callable[[FrozenStep | StepOut], str],
) -> Tried:
    lines: dict[UUID, list[Line]] = {branch.id: [] for branch in branches}
    for step in steps:
        shots = tuple(Shot.of(picture, step, pictures(step)) for picture in step.pictures)
        lines[step.branch_id].append(Line(step=step, evidence=Evidence.of(step.evidence), shots=shots))
    begun = {branch_id: fork for fork in forks for branch_id in fork.branch_ids}
    ways = {
        branch.id: Way(number=number, branch=branch, active=branch.id in active, lines=tuple(lines[branch.id]), fork=begun.get(branch.id))
        for number, branch in enumerate(branches, 1)
    }
    splits: dict[UUID, tuple[Split, ...]] = {branch.id: () for branch in branches}
    for fork in forks:
        splits[fork.branch_id] += (Split(fork=fork, ways=tuple(ways[branch_id] for branch_id in fork.branch_ids)),)
    return Tried(ways=tuple(ways.values()), splits=splits, numbers={step.id: step.number for step in steps})
