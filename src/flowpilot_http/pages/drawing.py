"""The branches of an investigation as a drawing: a lane for each, and a mark for each step, in the order in which they came."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_http.schemas.handoffs.snapshot import FrozenStep
from flowpilot_http.schemas.sessions import StepOut

from .tried import Tried, Way
from .words import plain

EDGE: Final = 12
LANE: Final = 44
LINE: Final = 30
"""How far under the top of its lane a branch is drawn; above it stands what it is called."""
WIDEST: Final = 28
NARROWEST: Final = 11
ROOM: Final = 860
"""What the marks share where there are many."""
LETTER: Final = 7.2
LONGEST: Final = 44


@frozen(kw_only=True)
class Mark:
    """A step."""

    x: float
    y: float
    number: int
    result: str
    title: str


@frozen(kw_only=True)
class Lane:
    """A branch."""

    way: Way
    x: float
    """Where it begins."""
    end: float
    y: float
    label: str
    said: str
    """Its state and how much was tried, in words."""
    path: str
    """From the step at which it split off, through all its steps."""
    solving: str | None
    """What of it leads to the solution."""
    marks: tuple[Mark, ...]

    @property
    def state(self) -> str:
        """As the branch's."""
        return self.way.branch.state


@frozen(kw_only=True)
class Drawing:
    """All of them."""

    width: int
    height: int
    size: float
    """Of a mark."""
    lanes: tuple[Lane, ...]
    words: str
    """What it shows, for who does not see it."""


def drawn(tried: Tried) -> Drawing:
    """What was tried, as a drawing."""
    ways = {way.branch.id: way for way in tried.ways}
    order = [way for root in tried.ways if root.fork is None for way in _down(root, tried)]
    columns = _columns(order, tried.numbers)
    step = max(NARROWEST, min(WIDEST, ROOM / (max(columns.values(), default=0) + 1)))
    rows = {way.branch.id: number for number, way in enumerate(order)}
    solving = _solving(order, ways)
    lanes = tuple(_lane(way, rows, columns, step, solving) for way in order)
    width = max(max(lane.end, lane.x + LETTER * (len(lane.label) + len(lane.said) + 2)) for lane in lanes) + EDGE
    told = " ".join(f"{lane.way.branch.label}: {lane.said}{_from(lane.way, tried)}." for lane in lanes)
    count = f"{counted(len(tried.numbers), 'step', 'steps')} in {counted(len(lanes), 'branch', 'branches')}"
    if len(tried.shown) < len(tried.numbers):
        count += f", {len(tried.shown)} of them drawn"
    return Drawing(
        width=int(width), height=LANE * len(lanes) + EDGE, size=min(6.0, step / 2 - 1), lanes=lanes, words=f"A drawing of {count}. {told}"
    )


def _down(way: Way, tried: Tried) -> Iterator[Way]:
    """A branch, and then those that split off from it, the latest first, so that no line crosses another."""
    yield way
    for split in reversed(tried.splits[way.branch.id]):
        for child in split.ways:
            yield from _down(child, tried)


def _columns(order: list[Way], numbers: Mapping[UUID, int]) -> dict[UUID, int]:
    """How far to the right each step stands: after the one before it, and after the one at which its branch split off."""
    columns: dict[UUID, int] = {}
    ways = {way.branch.id: way for way in order}
    firsts: dict[UUID, int] = {}
    for way in order:
        first = 0
        if fork := way.fork:
            if fork.at_step_id not in columns:
                # It is not on the page: where it would be among those of its branch that are.
                earlier = sum(line.step.number < numbers[fork.at_step_id] for line in ways[fork.branch_id].lines)
                columns[fork.at_step_id] = firsts[fork.branch_id] + max(0, earlier - 1)
            first = columns[fork.at_step_id] + 1
        firsts[way.branch.id] = first
        columns |= {line.step.id: first + number for number, line in enumerate(way.lines)}
    return columns


def _solving(order: list[Way], ways: Mapping[UUID, Way]) -> dict[UUID, UUID | None]:
    """The branches that led to the solution, each with the step at which it was left for the next; None: at its end."""
    path: dict[UUID, UUID | None] = {}
    for way in order:
        if way.branch.state == BranchState.SOLVED:
            left: UUID | None = None
            at: Way | None = way
            while at is not None and at.branch.id not in path:
                path[at.branch.id] = left
                left = at.fork.at_step_id if at.fork else None
                at = ways[at.fork.branch_id] if at.fork else None
    return path


def _lane(way: Way, rows: Mapping[UUID, int], columns: Mapping[UUID, int], step: float, solving: Mapping[UUID, UUID | None]) -> Lane:
    def x(step_id: UUID) -> float:
        return EDGE + columns[step_id] * step

    y = rows[way.branch.id] * LANE + LINE
    fork = way.fork
    before = "" if fork is None else f"M{x(fork.at_step_id):g} {rows[fork.branch_id] * LANE + LINE}V{y - 8}q0 8 8 8"
    start = EDGE if fork is None else x(fork.at_step_id) + step
    end = x(way.lines[-1].step.id) if way.lines else start
    begin = before or f"M{start:g} {y}"
    left = solving.get(way.branch.id)
    to = end if left is None else x(left)
    count = counted(way.count, "step", "steps")
    return Lane(
        way=way,
        x=start + (4 if fork else 0),
        end=end + step,
        y=y,
        label=way.branch.label if len(way.branch.label) <= LONGEST else f"{way.branch.label[: LONGEST - 1]}…",
        said=f"{plain(way.branch.state)}, {count}",
        path=f"{begin}H{end + step / 2:g}",
        solving=f"{begin}H{to:g}" if way.branch.id in solving else None,
        marks=tuple(
            Mark(x=x(line.step.id), y=y, number=line.step.number, result=line.step.result or "none", title=_titled(line.step))
            for line in way.lines
        ),
    )


def _titled(step: FrozenStep | StepOut) -> str:
    return f"Step {step.number}, {step.kind}{f', {step.result}' if step.result else ''}: {step.content[:80]}"


def _from(way: Way, tried: Tried) -> str:
    return f", split off after step {tried.numbers[way.fork.at_step_id]}" if way.fork else ""
