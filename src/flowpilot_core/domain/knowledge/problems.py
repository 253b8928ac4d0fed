"""What keeps a tree from being published, each thing said where it is."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId

from .content import NAMES, Content, Node, NodeId, NodeKind, TreeKind
from .placeholders import names_in

MOST_NODES: Final = 500
FEWEST_ANSWERS: Final = 2
MOST_ANSWERS: Final = 12
LONGEST_PATH: Final = 64
"""Nodes from the root to an outcome, both included."""


class ProblemCode(StrEnum):
    """What can be wrong with a tree."""

    NO_ROOT = "no_root"
    UNKNOWN_REFERENCE = "unknown_reference"
    UNREACHABLE = "unreachable"
    CYCLE = "cycle"
    NO_OUTCOME = "no_outcome"
    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_ANSWER = "duplicate_answer"
    TOO_FEW_ANSWERS = "too_few_answers"
    TOO_MANY_ANSWERS = "too_many_answers"
    TOO_MANY_NODES = "too_many_nodes"
    TOO_DEEP = "too_deep"
    UNKNOWN_PARAMETER = "unknown_parameter"
    UNUSED_PARAMETER = "unused_parameter"
    UNKNOWN_SCRIPT = "unknown_script"
    BLANK_TEXT = "blank_text"
    QUESTION_IN_PROCEDURE = "question_in_procedure"
    MORE_THAN_ONE_PATH = "more_than_one_path"


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """Nothing with it is published."""
    WARNING = "warning"


WARNINGS: Final = frozenset({ProblemCode.UNUSED_PARAMETER})


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong, at the field where it is: `content.nodes.3.text`."""

    code: ProblemCode
    field: str
    detail: str
    node_id: NodeId | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return Severity.WARNING if self.code in WARNINGS else Severity.ERROR


KnownScripts = Mapping[ScriptTemplateId, int]
"""The script templates that a tree may lead to, each with the number of its newest revision."""


def problems(content: Content, kind: TreeKind, scripts: KnownScripts) -> tuple[Problem, ...]:
    """All that is wrong with a tree, in the order of its nodes; in time that grows with its size."""
    return tuple(_found(content, kind, scripts))


def errors(found: Sequence[Problem]) -> tuple[Problem, ...]:
    """Those that keep it from being published."""
    return tuple(one for one in found if one.severity is Severity.ERROR)


def scripts_of(content: Content) -> frozenset[ScriptTemplateId]:
    """The script templates that it names."""
    return frozenset(node.script.id for node in content.nodes if node.script)


def _found(content: Content, kind: TreeKind, scripts: KnownScripts) -> Iterator[Problem]:
    root = content.by_id.get(content.root) if content.root else None
    if root is None:
        detail = "the tree has no first node" if content.root is None else f"there is no node {content.root} to begin at"
        yield Problem(code=ProblemCode.NO_ROOT, field="content.root", detail=detail)
    if len(content.nodes) > MOST_NODES:
        yield Problem(code=ProblemCode.TOO_MANY_NODES, field="content.nodes", detail=f"a tree has at most {MOST_NODES} nodes")
    ways = _Ways(content, root)
    declared = frozenset(one.name for one in content.parameters)
    for place, node in enumerate(content.nodes):
        at = _At(f"content.nodes.{place}", node)
        if content.by_id[node.id] is not node:
            yield at(ProblemCode.DUPLICATE_ID, "id", f"another node is called {node.id}")
        yield from _of_node(at, node, kind, scripts)
        for edge in node.edges:
            if edge.to is None:
                yield at(ProblemCode.NO_OUTCOME, edge.field, f"“{edge.label}” leads nowhere")
            elif edge.to not in content.by_id:
                yield at(ProblemCode.UNKNOWN_REFERENCE, edge.field, f"there is no node {edge.to}")
            elif (node.id, edge.to) in ways.closing:
                yield at(ProblemCode.CYCLE, edge.field, f"“{edge.label}” leads back to {edge.to}")
        for field, text in node.asking:
            for name in sorted(names_in(text) - declared):
                yield at(ProblemCode.UNKNOWN_PARAMETER, field, f"the tree has no parameter {name}")
        if root is not None and node.id not in ways.depths:
            yield at(ProblemCode.UNREACHABLE, "", "no way leads here")
        if ways.depths.get(node.id) == LONGEST_PATH + 1:
            yield at(ProblemCode.TOO_DEEP, "", f"it comes after {LONGEST_PATH} others; a path has at most {LONGEST_PATH} nodes")
    yield from _unused(content, declared)


def _of_node(at: "_At", node: Node, kind: TreeKind, scripts: KnownScripts) -> Iterator[Problem]:
    if not node.text.strip():
        yield at(ProblemCode.BLANK_TEXT, "text", f"{NAMES[node.kind]} says something")
    if node.kind is NodeKind.QUESTION:
        yield from _of_question(at, node)
    elif node.kind is NodeKind.SCRIPT:
        newest = scripts.get(node.script.id) if node.script else None
        if newest is None or (node.script and node.script.revision is not None and not 1 <= node.script.revision <= newest):
            yield at(ProblemCode.UNKNOWN_SCRIPT, "script", "there is no such published script template")
    elif node.kind is NodeKind.OUTCOME and node.outcome is None:
        yield at(ProblemCode.NO_OUTCOME, "outcome", "an outcome says whether it is solved, a dead end or for somebody else")
    if kind is TreeKind.PROCEDURE:
        if node.kind is NodeKind.QUESTION:
            yield at(ProblemCode.QUESTION_IN_PROCEDURE, "kind", "a procedure asks no questions")
        elif len({edge.to for edge in node.edges}) > 1:
            yield at(ProblemCode.MORE_THAN_ONE_PATH, "next", "a procedure has one path, whatever comes of a step")


def _of_question(at: "_At", node: Node) -> Iterator[Problem]:
    if len(node.answers) < FEWEST_ANSWERS:
        yield at(ProblemCode.TOO_FEW_ANSWERS, "answers", f"a question has at least {FEWEST_ANSWERS} answers")
    if len(node.answers) > MOST_ANSWERS:
        yield at(ProblemCode.TOO_MANY_ANSWERS, "answers", f"a question has at most {MOST_ANSWERS} answers")
    seen = set[str]()
    for place, answer in enumerate(node.answers):
        label = answer.label.strip().casefold()
        if not label:
            yield at(ProblemCode.BLANK_TEXT, f"answers.{place}.label", "an answer says something")
        elif label in seen:
            yield at(ProblemCode.DUPLICATE_ANSWER, f"answers.{place}.label", "another answer says the same")
        seen.add(label)


def _unused(content: Content, declared: frozenset[str]) -> Iterator[Problem]:
    used = frozenset(name for node in content.nodes for _, text in node.asking for name in names_in(text))
    for place, one in enumerate(content.parameters):
        if one.name in declared - used:
            yield Problem(code=ProblemCode.UNUSED_PARAMETER, field=f"content.parameters.{place}", detail=f"nothing asks for {one.name}")


@frozen
class _At:
    """Problems of one node."""

    field: str
    node: Node

    def __call__(self, code: ProblemCode, field: str, detail: str) -> Problem:
        return Problem(code=code, field=f"{self.field}.{field}" if field else self.field, detail=detail, node_id=self.node.id)


class _Ways:
    """Where all ways from the root lead: which edges close a circle, and how many nodes the longest way to each node has."""

    def __init__(self, content: Content, root: Node | None) -> None:
        self.closing = set[tuple[NodeId, NodeId]]()
        self.depths = dict[NodeId, int]()
        """Only of what can be reached."""
        after = {
            node_id: tuple(dict.fromkeys(edge.to for edge in node.edges if edge.to is not None and edge.to in content.by_id))
            for node_id, node in content.by_id.items()
        }
        order = self._ordered(after, root)
        if root is not None:
            self.depths[root.id] = 1
        for node_id in order:
            if node_id in self.depths:
                for to in after[node_id]:
                    if (node_id, to) not in self.closing:
                        self.depths[to] = max(self.depths.get(to, 0), self.depths[node_id] + 1)

    def _ordered(self, after: Mapping[NodeId, tuple[NodeId, ...]], root: Node | None) -> list[NodeId]:
        """Every node before those that it leads to, without the edges that close circles; no recursion, since a draft may be deep."""
        done, open_, order = set[NodeId](), set[NodeId](), list[NodeId]()
        for start in (*((root.id,) if root else ()), *after):
            stack = [] if start in done else [(start, iter(after[start]))]
            open_.update(node_id for node_id, _ in stack)
            while stack:
                node_id, rest = stack[-1]
                to = next(rest, None)
                if to is None:
                    stack.pop()
                    open_.discard(node_id)
                    done.add(node_id)
                    order.append(node_id)
                elif to in open_:
                    self.closing.add((node_id, to))
                elif to not in done:
                    open_.add(to)
                    stack.append((to, iter(after[to])))
        return order[::-1]
