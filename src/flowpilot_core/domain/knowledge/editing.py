"""A tree as it is written, one node after the other."""

from collections.abc import Callable

from attrs import evolve

from flowpilot_core.domain.kernel.errors import InvalidValue

from .content import NODE_ID, Answer, Content, Next, Node, NodeId


def with_node(content: Content, node: Node) -> Content:
    """With one node more, the last; the first of all is where the tree begins. Raises `InvalidValue` where another has its id."""
    _require_free(content, node.id)
    return evolve(content, root=content.root or node.id, nodes=(*content.nodes, node))


def with_node_at(content: Content, place: int, node: Node) -> Content:
    """With this node in that place; what led to the one that was there leads to it. Raises `InvalidValue` where another has its id."""
    before = content.nodes[place].id
    nodes = (*content.nodes[:place], node, *content.nodes[place + 1 :])
    if before == node.id:
        return evolve(content, nodes=nodes)
    _require_free(content, node.id)
    if any(one.id == before for one in nodes):
        return evolve(content, nodes=nodes)

    def led(to: NodeId | None) -> NodeId | None:
        return node.id if to == before else to

    return evolve(content, root=led(content.root), nodes=tuple(leading(one, led) for one in nodes))


def without_node_at(content: Content, place: int) -> Content:
    """Without the node in that place; what leads to it leads nowhere from then on, and says so."""
    return evolve(content, nodes=(*content.nodes[:place], *content.nodes[place + 1 :]))


def leading(node: Node, led: Callable[[NodeId | None], NodeId | None]) -> Node:
    """A node whose ways lead where `led` says of where each of them leads."""
    ways = node.next
    return evolve(
        node,
        answers=tuple(Answer(label=one.label, next=led(one.next)) for one in node.answers),
        next=Next(worked=led(ways.worked), failed=led(ways.failed), inconclusive=led(ways.inconclusive), otherwise=led(ways.otherwise)),
    )


def _require_free(content: Content, node_id: NodeId) -> None:
    if not NODE_ID.fullmatch(node_id):
        raise InvalidValue("id", "must be 1 to 64 of a-z, 0-9, _ and -")
    if node_id in content.by_id:
        raise InvalidValue("id", "is another node's")
