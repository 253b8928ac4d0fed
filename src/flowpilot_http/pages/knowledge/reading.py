"""A tree in the order in which one walks it, each node once and what ends at once first; and a drawing of it, in which no line crosses."""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.knowledge.content import Content, Edge, Node, NodeId, NodeKind

BOX: Final = 200
"""How wide a node is drawn, in pixels."""
HIGH: Final = 40
GAP: Final = 130
"""Between two columns; what leads to a node stands there."""
ROW: Final = 56
EDGE: Final = 8
LETTERS: Final = 22
LETTERS_OF_WAY: Final = 14


@frozen(kw_only=True)
class Exit:
    """A way on from a node."""

    label: str
    to: NodeId | None
    number: int | None
    """Of the node that it leads to; None where there is none."""


@frozen(kw_only=True)
class Stop:
    """A node, in its place."""

    number: int
    node: Node
    exits: tuple[Exit, ...]
    reached: bool
    """Whether any way leads here from the first node."""


@frozen(kw_only=True)
class Box:
    """A node as it is drawn; or a place where a way goes on at a node that is drawn elsewhere."""

    x: int
    y: int
    words: str
    node: Node
    number: int
    again: bool


@frozen(kw_only=True)
class Line:
    """A way as it is drawn, with what it is taken for."""

    path: str
    x: int
    y: int
    label: str


@frozen(kw_only=True)
class Reading:
    """All of a tree."""

    stops: tuple[Stop, ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    words: str
    """What the drawing shows, for who does not see it."""


@define
class _Placed:
    """Nodes as they are come by; no recursion, since a draft may be deep."""

    content: Content
    numbers: dict[NodeId, int] = field(factory=dict)
    boxes: list[Box] = field(factory=list)
    lines: list[Line] = field(factory=list)
    rows: int = 0

    def down(self, start: Node) -> None:
        """Everything that is come by from here for the first time: a first way goes on in its row, each other one begins a row."""
        waiting: list[tuple[Node, str, Box | None, bool]] = [(start, "", None, False)]
        while waiting:
            node, label, before, same_row = waiting.pop()
            again = node.id in self.numbers
            number = self.numbers.setdefault(node.id, len(self.numbers) + 1)
            if not same_row:
                self.rows += 1
            x = EDGE if before is None else before.x + BOX + GAP
            words = _short(f"{number}: {' '.join(node.text.split())}", LETTERS)
            box = Box(x=x, y=EDGE + (self.rows - 1) * ROW, words=words, node=node, number=number, again=again)
            self.boxes.append(box)
            if before is not None:
                self.lines.append(_line(before, box, label))
            if not again:
                ways = [(self.content.by_id[to], label) for to, label in _labels(node).items() if to in self.content.by_id]
                # What ends at once stands beside what leads there, not below all that the other ways come to.
                ways.sort(key=lambda way: way[0].kind is not NodeKind.OUTCOME)
                waiting += reversed([(to, label, box, place == 0) for place, (to, label) in enumerate(ways)])


def read(content: Content) -> Reading:
    """The tree, from its first node on; nodes that no way leads to come last."""
    placed, root = _Placed(content), content.by_id.get(content.root) if content.root else None
    if root is not None:
        placed.down(root)
    reached = len(placed.numbers)
    for node in content.by_id.values():
        if node.id not in placed.numbers:
            placed.down(node)
    stops = tuple(_stop(content, node_id, placed.numbers, reached) for node_id in placed.numbers)
    return Reading(
        stops=stops,
        boxes=tuple(placed.boxes),
        lines=tuple(placed.lines),
        width=max((box.x for box in placed.boxes), default=0) + BOX + EDGE,
        height=placed.rows * ROW + EDGE,
        words=f"A drawing of {counted(len(stops), 'node', 'nodes')}. They stand beneath, one after the other.",
    )


def _stop(content: Content, node_id: NodeId, numbers: Mapping[NodeId, int], reached: int) -> Stop:
    node = content.by_id[node_id]
    exits = tuple(Exit(label=edge.label, to=edge.to, number=numbers.get(edge.to) if edge.to else None) for edge in _merged(node.edges))
    return Stop(number=numbers[node_id], node=node, exits=exits, reached=numbers[node_id] <= reached)


def _labels(node: Node) -> dict[NodeId, str]:
    """Where a node leads, each with all that it is taken for."""
    ways: dict[NodeId, list[str]] = {}
    for edge in node.edges:
        if edge.to is not None:
            ways.setdefault(edge.to, []).append(edge.label)
    return {to: ", ".join(labels) for to, labels in ways.items()}


def _merged(edges: Sequence[Edge]) -> Sequence[Edge]:
    """One way where all lead to the same."""
    return edges if len({edge.to for edge in edges}) > 1 else edges[-1:]


def _line(before: Box, box: Box, label: str) -> Line:
    middle = HIGH // 2
    start, trunk = before.x + BOX, before.x + BOX + 12
    path = f"M{start} {before.y + middle}H{box.x}" if box.y == before.y else f"M{trunk} {before.y + middle}V{box.y + middle}H{box.x}"
    return Line(path=path, x=trunk + 6, y=box.y + middle - 5, label=_short(label, LETTERS_OF_WAY))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
