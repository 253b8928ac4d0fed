"""Walking a tree in a session: each node becomes a step, each end closes its branch, and several answers split it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from attrs import define, frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound, WalkMovedOn
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, StepId
from flowpilot_core.domain.kernel.text import PROSE, optional_text
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds
from flowpilot_core.domain.sessions.branch import MOST_OPTIONS, BranchState, Option, Outcome
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walk import Place, Reached, ScriptToRun, TreeOutcome, Waiting, Walk

from .content import Content, Node, NodeId, NodeKind
from .ownership import Owner
from .parameter import Matches, ParameterType, Value, given
from .placeholders import filled
from .tree import Tree

KINDS: Final[Mapping[NodeKind, StepKind]] = MappingProxyType(
    {NodeKind.QUESTION: StepKind.QUESTION, NodeKind.ACTION: StepKind.ACTION, NodeKind.SCRIPT: StepKind.SCRIPT}
)
"""The step that each kind of node becomes."""
CLOSING: Final[Mapping[TreeOutcome, Outcome]] = MappingProxyType(
    {TreeOutcome.SOLVED: Outcome.SOLVED, TreeOutcome.DEAD_END: Outcome.DEAD_END}
)
"""The ends that close their branch; whoever reaches another hands the session off."""


@frozen(kw_only=True)
class Took:
    """What came of a node: the step, and the session as it goes on."""

    session: Session
    step: Step
    events: tuple[Event, ...]


def begun(tree: Tree, revision: int, content: Content, values: Mapping[str, Value], branch_id: BranchId, matches: Matches) -> Walk:
    """A walk at its first node. Raises `InvalidValue` for parameters that are missing, or are none of the tree's."""
    checked = given(content.parameters, values, matches)
    said = {name: _said(value) for name, value in checked.items()}
    for one in content.parameters:
        if one.type is ParameterType.SECRET:
            said[one.name] = f"({one.label})"
    for node in content.nodes:
        if len(filled(node.text, said.get)) > PROSE:
            raise InvalidValue("parameters", f"make the text of {node.id} longer than {PROSE} characters")
    walk = Walk(tree_id=tree.id, of_platform=tree.owner is Owner.PLATFORM, revision=revision, name=tree.name, parameters=said)
    return walk.placed(_place(walk, content, branch_id, content.root))


def current(session: Session, branch_id: BranchId | None = None) -> Place | None:
    """Where the walk is that somebody goes on with: in the branch named, or else the active one or the nearest above it."""
    if session.walk is None:
        return None
    if branch_id is not None:
        return session.walk.at(session.branches.get(branch_id).id)
    active = session.branches.get(session.branches.active_id)
    near = (session.walk.at(branch.id) for branch in (active, *session.branches.ancestors(active.id)) if branch.state is BranchState.OPEN)
    return next((place for place in near if place is not None), None)


def taken(
    session: Session,
    content: Content,
    node_id: str,
    *,
    answers: Sequence[str] = (),
    result: StepResult | None = None,
    evidence: str | None = None,
    branch_id: BranchId | None = None,
    new_id: Callable[[], UUID],
    by: Person,
    at: datetime,
    bounds: Bounds = BOUNDS,
) -> Took:
    """The node that waits, done: its step is added, and the walk is at the next one.

    Several answers split the branch, with one of the new branches each. Raises `NotFound` without a walk, `NotAssignee` and the like,
    `WalkMovedOn` where another node waits, `InvalidValue` for an answer that the question has not, and whatever adding a step raises.
    """
    if session.walk is None:
        raise NotFound("walk")
    place = current(session, branch_id)
    optional_text("evidence", evidence, most=PROSE)
    session.require_work(by)
    waiting = None if place is None else place.waiting
    if place is None or waiting is None or waiting.node_id != node_id:
        raise WalkMovedOn(waiting.node_id if waiting else None)
    node = content.by_id[NodeId(node_id)]
    ways = _ways(node, answers, result)
    said = "\n".join(part for part in (", ".join(answers), evidence) if part) or None
    walk = session.walk
    session, step, event = session.with_step(
        StepId(new_id()),
        kind=waiting.kind,
        content=waiting.text,
        branch_id=place.branch_id,
        result=result,
        evidence=said,
        node=walk.node(node_id, tuple(answers)),
        by=by,
        at=at,
        bounds=bounds,
    )
    going = _Going(session, content, by, at, [event])
    if len(ways) == 1:
        going.arrive(place.branch_id, ways[0][1])
    else:
        going.split(place.branch_id, step, ways, new_id, bounds)
    return Took(session=going.session, step=step, events=tuple(going.events))


def _ways(node: Node, answers: Sequence[str], result: StepResult | None) -> list[tuple[str, NodeId | None]]:
    """Where it goes on, for each answer. Raises `InvalidValue`."""
    if node.kind is not NodeKind.QUESTION:
        if answers:
            raise InvalidValue("answers", "are for a question alone")
        to = node.next.after(result)
        if to is None:
            raise InvalidValue("result", "is asked for here: what follows depends on it")
        return [("", to)]
    known = {answer.label: answer.next for answer in node.answers}
    if not answers or len(set(answers)) < len(answers) or not known.keys() >= set(answers):
        raise InvalidValue("answers", f"must be some of {', '.join(known)}")
    if len(answers) > MOST_OPTIONS:
        raise InvalidValue("answers", f"can be {MOST_OPTIONS} at once, and no more")
    return [(label, known[label]) for label in answers]


@define
class _Going:
    """A session on its way, and what happened to it."""

    session: Session
    content: Content
    by: Person
    at: datetime
    events: list[Event]

    def arrive(self, branch_id: BranchId, node_id: NodeId | None) -> None:
        """The walk is at a node of a branch; an end closes it."""
        walk = self._walk()
        place = _place(walk, self.content, branch_id, node_id)
        self.session = self.session.at_places(place)
        if place.reached is None or place.reached.outcome not in CLOSING:
            return
        siblings = self._waiting_beside(branch_id)
        self.session, event = self.session.branch_closed(
            branch_id, CLOSING[place.reached.outcome], place.reached.text, prefer=siblings, by=self.by, at=self.at
        )
        self.events.append(event)

    def split(
        self,
        branch_id: BranchId,
        step: Step,
        ways: Sequence[tuple[str, NodeId | None]],
        new_id: Callable[[], UUID],
        bounds: Bounds,
    ) -> None:
        """The walk goes on in one new branch for each answer."""
        options = [(BranchId(new_id()), Option(label=label, hypothesis=f"{step.content} {label}"[:PROSE])) for label, _ in ways]
        self.session, _, event = self.session.forked(
            ForkPointId(new_id()), at_step=step, reason=step.content, options=options, by=self.by, at=self.at, bounds=bounds
        )
        self.events.append(event)
        walk = self._walk()
        self.session = self.session.at_places(
            Place(branch_id=branch_id),
            *(_place(walk, self.content, new, to) for (new, _), (_, to) in zip(options, ways, strict=True)),
        )
        for (new, _), (_, to) in zip(options, ways, strict=True):
            self.arrive(new, to)

    def _walk(self) -> Walk:
        if self.session.walk is None:
            raise ValueError("it has a walk from the beginning")
        return self.session.walk

    def _waiting_beside(self, branch_id: BranchId) -> tuple[BranchId, ...]:
        branches, walk = self.session.branches, self._walk()
        fork = branches.get(branch_id).fork_point_id
        beside = (one.id for one in branches.all if fork and one.fork_point_id == fork and one.id != branch_id)
        return tuple(one for one in beside if (place := walk.at(one)) and place.waiting and branches.get(one).state is BranchState.OPEN)


def _place(walk: Walk, content: Content, branch_id: BranchId, node_id: NodeId | None) -> Place:
    node = content.by_id[node_id] if node_id is not None else None
    if node is None:
        raise ValueError("every way of a published tree leads somewhere")
    text = filled(node.text, walk.parameters.get)
    if node.kind is NodeKind.OUTCOME:
        if node.outcome is None:
            raise ValueError("every outcome of a published tree says which")
        return Place(branch_id=branch_id, reached=Reached(node_id=node.id, outcome=node.outcome, text=text))
    waiting = Waiting(
        node_id=node.id,
        kind=KINDS[node.kind],
        text=text,
        help=None if node.help is None else filled(node.help, walk.parameters.get),
        answers=tuple(answer.label for answer in node.answers),
        script=_script(node, walk),
    )
    return Place(branch_id=branch_id, waiting=waiting)


def _script(node: Node, walk: Walk) -> ScriptToRun | None:
    if node.script is None:
        return None
    values = {name: filled(value, walk.parameters.get) for name, value in node.parameters.items()}
    return ScriptToRun(id=node.script.id, revision=node.script.revision, parameters=values)


def _said(value: Value) -> str:
    """A value as people read it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def shown(session: Session) -> tuple[Place, ...]:
    """Where the walk is: one place for each open branch, and that of the branch that closed last."""
    if session.walk is None:
        return ()
    found = [(place, session.branches.get(place.branch_id)) for place in session.walk.places]
    closed = [(branch.closed_at, place) for place, branch in found if branch.closed_at is not None]
    last = max(closed, key=lambda one: one[0])[1:] if closed else ()
    return (*(place for place, branch in found if branch.state is BranchState.OPEN), *last)
