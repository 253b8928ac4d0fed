"""Another way on from a node of a tree."""

from collections.abc import Iterable
from itertools import count
from typing import Final

from attrs import evolve

from .content import Answer, Content, Node, NodeId, NodeKind, TreeKind
from .editing import leading
from .problems import MOST_ANSWERS, ProblemCode, errors, problems
from .saving import free_label

WHICH: Final = "Which way fits here?"
"""What is asked before a node that cannot have one answer more."""
AS_BEFORE: Final = "What the tree said so far"


def grafted(content: Content, kind: TreeKind, at: NodeId, branch: Content, answer: str) -> Content | None:
    """A tree with all of `branch` as what follows on an answer at a node.

    A question gets the answer as one of its own; before any other node, and one with as many as there can be, stands a question that has
    it. None where there is no such node to go on from, or where the tree would have a problem then that it has not now.
    """
    node = content.by_id.get(at)
    if node is None or node.kind is NodeKind.OUTCOME or branch.root is None:
        return None
    begin = _free(content.by_id)
    ids = {one.id: NodeId(f"{begin}-{one.id}") for one in branch.nodes}
    grown = _asking(content, node, NodeId(begin), Answer(label=answer, next=ids[branch.root]))
    grown = evolve(grown, nodes=(*grown.nodes, *(evolve(leading(one, lambda to: to and ids[to]), id=ids[one.id]) for one in branch.nodes)))
    return grown if _wrong(grown, kind) <= _wrong(content, kind) else None


def _asking(content: Content, node: Node, question: NodeId, answer: Answer) -> Content:
    if node.kind is NodeKind.QUESTION and len(node.answers) < MOST_ANSWERS:
        label = free_label(answer.label, {one.label.strip().casefold() for one in node.answers})
        asked = evolve(node, answers=(*node.answers, evolve(answer, label=label)))
        return evolve(content, nodes=tuple(asked if one is node else one for one in content.nodes))
    ways = (Answer(label=AS_BEFORE, next=node.id), evolve(answer, label=free_label(answer.label, {AS_BEFORE.casefold()})))

    def led(to: NodeId | None) -> NodeId | None:
        return question if to == node.id else to

    asked = Node(id=question, kind=NodeKind.QUESTION, text=WHICH, answers=ways)
    return evolve(content, root=led(content.root), nodes=(*(leading(one, led) for one in content.nodes), asked))


def _free(taken: Iterable[NodeId]) -> str:
    """What no id begins with."""
    ids = tuple(taken)
    return next(begin for begin in map("way{}".format, count(1)) if not any(one.startswith(begin) for one in ids))


def _wrong(content: Content, kind: TreeKind) -> frozenset[ProblemCode]:
    return frozenset(one.code for one in errors(problems(content, kind, {})))
