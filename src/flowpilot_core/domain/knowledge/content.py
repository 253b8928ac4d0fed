"""What a tree says: its nodes, and where each of them leads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final, NewType

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.kernel.text import TITLE, optional_text
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome

from .parameter import LONGEST_VALUE, Matches, Parameter, checked_parameters

NodeId = NewType("NodeId", str)

NODE_ID: Final = re.compile(r"[a-z0-9_-]{1,64}")
LONGEST_TEXT: Final = 4_000
"""Characters of what a node says, and as many again of its help."""


MOST_KEPT: Final = 2_000
"""Nodes of a draft: what has more is no tree."""


class TreeKind(StrEnum):
    """What a tree is for."""

    TROUBLESHOOTING = "troubleshooting"
    """Questions lead to outcomes."""
    PROCEDURE = "procedure"
    """A list of things to do, one after the other."""


class NodeKind(StrEnum):
    """What is done at a node."""

    QUESTION = "question"
    ACTION = "action"
    SCRIPT = "script"
    OUTCOME = "outcome"


@frozen(kw_only=True)
class Answer:
    """One answer of a question."""

    label: str
    next: NodeId | None = None


@frozen(kw_only=True)
class Next:
    """Where an action or a script leads, by what came of it."""

    worked: NodeId | None = None
    failed: NodeId | None = None
    inconclusive: NodeId | None = None
    otherwise: NodeId | None = None
    """For every result without a way of its own."""

    def after(self, result: StepResult | None) -> NodeId | None:
        """The node that follows on a result."""
        own: Mapping[StepResult | None, NodeId | None] = {
            StepResult.WORKED: self.worked,
            StepResult.FAILED: self.failed,
            StepResult.INCONCLUSIVE: self.inconclusive,
        }
        return own.get(result) or self.otherwise


@frozen(kw_only=True)
class ScriptRef:
    """A script template, in one of its revisions or the newest."""

    id: ScriptTemplateId
    revision: int | None = None


@frozen(kw_only=True)
class Edge:
    """A way from one node; `label` is the answer or the result that it is taken for."""

    label: str
    field: str
    """Where in its node it stands: `answers.0.next`."""
    to: NodeId | None


@frozen(kw_only=True)
class Node:
    """One node. What belongs to another kind is empty."""

    id: NodeId
    kind: NodeKind
    text: str = ""
    help: str | None = None
    answers: tuple[Answer, ...] = ()
    """Of a question."""
    next: Next = Next()
    """Of an action or a script."""
    script: ScriptRef | None = None
    parameters: Mapping[str, str] = {}
    """What a script is given; values may ask for parameters of the tree."""
    outcome: TreeOutcome | None = None
    """Of an outcome."""

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All ways on from it: of a question one an answer, of an action or a script one for every result."""
        if self.kind is NodeKind.QUESTION:
            return tuple(Edge(label=one.label, field=f"answers.{place}.next", to=one.next) for place, one in enumerate(self.answers))
        if self.kind is NodeKind.OUTCOME:
            return ()
        ways = {name: getattr(self.next, name) for name in RESULTS}
        own = tuple(Edge(label=name, field=f"next.{name}", to=to) for name, to in ways.items() if to is not None)
        if len(own) == len(RESULTS) and self.next.otherwise is None:
            return own
        return (*own, Edge(label=OTHERWISE, field=f"next.{OTHERWISE}", to=self.next.otherwise))

    @property
    def asking(self) -> Iterator[tuple[str, str]]:
        """Where parameters of the tree may be asked for, and what stands there."""
        yield "text", self.text
        if self.help:
            yield "help", self.help
        for name, value in self.parameters.items():
            yield f"parameters.{name}", value


RESULTS: Final = tuple(map(str, StepResult))
OTHERWISE: Final = "otherwise"


@frozen(kw_only=True)
class Content:
    """All of a tree: of a draft it may be anything that has nodes."""

    root: NodeId | None = None
    nodes: tuple[Node, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[NodeId, Node]:
        """The first node of each id."""
        first: dict[NodeId, Node] = {}
        for node in self.nodes:
            first.setdefault(node.id, node)
        return first


EMPTY: Final = Content()

_BELONGS: Final[Mapping[str, frozenset[NodeKind]]] = {
    "answers": frozenset({NodeKind.QUESTION}),
    "next": frozenset({NodeKind.ACTION, NodeKind.SCRIPT}),
    "script": frozenset({NodeKind.SCRIPT}),
    "parameters": frozenset({NodeKind.SCRIPT}),
    "outcome": frozenset({NodeKind.OUTCOME}),
}


def checked_content(content: Content, matches: Matches, field: str = "content") -> Content:
    """Content that can be kept, however unfinished. Raises `InvalidValue`, at what can be in no tree."""
    checked_parameters(content.parameters, matches, f"{field}.parameters")
    if len(content.nodes) > MOST_KEPT:
        raise InvalidValue(f"{field}.nodes", f"has more than {MOST_KEPT} nodes")
    if content.root is not None:
        _require_id(f"{field}.root", content.root)
    for place, node in enumerate(content.nodes):
        at = f"{field}.nodes.{place}"
        _require_id(f"{at}.id", node.id)
        for name, kinds in _BELONGS.items():
            if node.kind not in kinds and getattr(node, name) != getattr(_BLANK, name):
                raise InvalidValue(f"{at}.{name}", f"is not for {NAMES[node.kind]}")
        optional_text(f"{at}.text", node.text, most=LONGEST_TEXT)
        optional_text(f"{at}.help", node.help, most=LONGEST_TEXT)
        for number, answer in enumerate(node.answers):
            optional_text(f"{at}.answers.{number}.label", answer.label, most=TITLE)
        for edge in node.edges:
            if edge.to is not None:
                _require_id(f"{at}.{edge.field}", edge.to)
        for name, value in node.parameters.items():
            optional_text(f"{at}.parameters", name, most=TITLE)
            optional_text(f"{at}.parameters.{name}", value, most=LONGEST_VALUE)
    return content


NAMES: Final[Mapping[NodeKind, str]] = {
    NodeKind.QUESTION: "a question",
    NodeKind.ACTION: "an action",
    NodeKind.SCRIPT: "a script",
    NodeKind.OUTCOME: "an outcome",
}
_BLANK: Final = Node(id=NodeId("blank"), kind=NodeKind.OUTCOME)


def _require_id(field: str, node_id: str) -> None:
    if not NODE_ID.fullmatch(node_id):
        raise InvalidValue(field, "must be 1 to 64 of a-z, 0-9, _ and -")


def links(nodes: Sequence[Node]) -> Iterator[tuple[NodeId, str, NodeId]]:
    """Every way between two nodes, with its label."""
    for node in nodes:
        for edge in node.edges:
            if edge.to is not None:
                yield node.id, edge.label, edge.to
