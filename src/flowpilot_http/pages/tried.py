"""What was tried, as pages show it: each branch with its own steps, of a session as it is or as a snapshot froze it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.sessions.branch import BRANCH, BranchMove
from flowpilot_http.schemas.handoffs.snapshot import CutEvidence, FrozenBranch, FrozenForkPoint, FrozenPicture, FrozenStep, SnapshotOut
from flowpilot_http.schemas.sessions import BranchOut, ForkPointOut, PictureOut, SessionDetailOut, StepOut

WIDEST, HIGHEST = 320, 240
"""Pixels of a picture among other things."""
MOST: Final = 500
"""Steps that a page shows of all branches together; of who has more, it shows a part of each and leads to the others."""
MOST_OF_ONE: Final = 200
"""Of these, of the branch that is looked at."""
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
    before: int = 0
    """Steps of it that came before those lines, and are not on the page."""
    after: int = 0
    """Steps of it that came after them."""
    older: int | None = None
    """The number of a step around which those before stand on the page."""
    newer: int | None = None
    """The number of a step around which those after do."""

    @property
    def count(self) -> int:
        """How many steps it has."""
        return self.before + len(self.lines) + self.after

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

    address: str
    """Of the page."""
    chosen: Way
    """The branch that is looked at."""
    ways: tuple[Way, ...]
    splits: Mapping[UUID, tuple[Split, ...]]
    """The fork points of each branch."""
    numbers: Mapping[UUID, int]
    """What number a step has, by its id."""
    shown: frozenset[int]
    """The numbers of those that are on the page."""

    def at(self, number: int) -> str:
        """Where the step of that number stands."""
        return f"#step-{number}" if number in self.shown else f"{self.address}?step={number}#step-{number}"

    @classmethod
    def frozen_in(cls, snapshot: SnapshotOut, *, around: int | None = None) -> "Tried":
        """As the snapshot has it, with the step number `around` among what is shown."""
        active = {branch.id for branch in snapshot.branches if branch.active}
        pictures = f"/handoffs/{snapshot.handoff_id}/pictures"
        return _tried(
            snapshot.branches,
            snapshot.fork_points,
            snapshot.steps,
            active,
            lambda _: pictures,
            address=f"/escalations/{snapshot.handoff_id}",
            around=around,
        )

    @classmethod
    def of(cls, session: SessionDetailOut, *, branch_id: UUID | None = None, around: int | None = None) -> "Tried":
        """As the session is, seen from that branch, or from the one that the step number `around` is in."""
        steps = f"/ai-sessions/{session.id}/steps"
        return _tried(
            session.branches,
            session.fork_points,
            session.steps,
            {session.active_branch_id},
            lambda step: f"{steps}/{step.id}/pictures",
            address=f"/sessions/{session.id}",
            branch_id=branch_id,
            around=around,
        )


def _tried(
    branches: Sequence[FrozenBranch | BranchOut],
    forks: Sequence[FrozenForkPoint | ForkPointOut],
    steps: Sequence[FrozenStep | StepOut],
    active: set[UUID],
    pictures: Callable[[FrozenStep | StepOut], str],
    *,
    address: str,
    branch_id: UUID | None = None,
    around: int | None = None,
) -> Tried:
    own: dict[UUID, list[FrozenStep | StepOut]] = {branch.id: [] for branch in branches}
    for step in steps:
        own[step.branch_id].append(step)
    wanted = next((step.branch_id for step in steps if step.number == around), branch_id)
    chosen = wanted if wanted in own else next(branch.id for branch in branches if branch.id in active)
    share = max(1, (MOST - MOST_OF_ONE) // max(1, len(branches) - 1))

    def line(step: FrozenStep | StepOut) -> Line:
        shots = tuple(Shot.of(picture, step, pictures(step)) for picture in step.pictures)
        return Line(step=step, evidence=Evidence.of(step.evidence), shots=shots)

    def way(number: int, branch: FrozenBranch | BranchOut) -> Way:
        of_it = own[branch.id]
        most = len(of_it) if len(steps) <= MOST else MOST_OF_ONE if branch.id == chosen else share
        begin = _begin(of_it, most, around)
        end = min(begin + most, len(of_it))
        return Way(
            number=number,
            branch=branch,
            active=branch.id in active,
            lines=tuple(line(step) for step in of_it[begin:end]),
            fork=begun.get(branch.id),
            before=begin,
            after=len(of_it) - end,
            older=of_it[max(0, begin - MOST_OF_ONE // 2)].number if begin else None,
            newer=of_it[min(end + MOST_OF_ONE // 2, len(of_it) - 1)].number if end < len(of_it) else None,
        )

    begun = {forked: fork for fork in forks for forked in fork.branch_ids}
    ways = {branch.id: way(number, branch) for number, branch in enumerate(branches, 1)}
    splits: dict[UUID, tuple[Split, ...]] = {branch.id: () for branch in branches}
    for fork in forks:
        splits[fork.branch_id] += (Split(fork=fork, ways=tuple(ways[forked] for forked in fork.branch_ids)),)
    return Tried(
        address=address,
        chosen=ways[chosen],
        ways=tuple(ways.values()),
        splits=splits,
        numbers={step.id: step.number for step in steps},
        shown=frozenset(line.step.number for way in ways.values() for line in way.lines),
    )


def _begin(steps: Sequence[FrozenStep | StepOut], most: int, around: int | None) -> int:
    """Where that many steps begin: the last ones, or with one of them in the middle."""
    last = max(0, len(steps) - most)
    middle = next((place for place, step in enumerate(steps) if step.number == around), None)
    return last if middle is None else min(last, max(0, middle - most // 2))
