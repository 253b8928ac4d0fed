"""A script with something of our own in place of each placeholder, parsed: what stands around each of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from attrs import frozen
from tree_sitter import Language, Node, Parser

from flowpilot_core.domain.knowledge.placeholders import PLACE

DEEPEST: Final = 1_500
"""Levels that are looked at; what lies deeper counts as broken. PowerShell has some fifteen a bracket."""


@frozen
class Span:
    """From a byte up to another."""

    start: int
    end: int


@frozen(kw_only=True)
class Parsed:
    """What a parser made of a script with its placeholders filled."""

    root: Node
    text: bytes
    spans: Sequence[Span]
    """Of what was put in place of each placeholder, in their order."""

    def path(self, span: Span) -> Sequence[Node] | None:
        """The nodes around a span, from the script down to the innermost; None where that is too deep to follow."""
        cursor = self.root.walk()
        path = [self.root]
        while _into(cursor.goto_first_child, cursor.goto_next_sibling, lambda: cursor.node, span):
            node = cursor.node
            if node is None or len(path) == DEEPEST:
                return None
            path.append(node)
        return path

    @property
    def broken_at(self) -> int | None:
        """The first byte that does not fit; None where all does."""
        if not self.root.has_error:
            return None
        node = self.root
        for _ in range(DEEPEST):
            inner = next((child for child in node.children if child.has_error or child.is_missing), None)
            if inner is None or node.is_error:
                break
            node = inner
        return node.start_byte


def _into(down: Callable[[], bool], on: Callable[[], bool], here: Callable[[], Node | None], span: Span) -> bool:
    if not down():
        return False
    while (node := here()) is not None:
        if node.start_byte <= span.start and span.end <= node.end_byte and node.start_byte < node.end_byte:
            return True
        if node.start_byte > span.start or not on():
            return False
    return False


def parse(language: Language, body: str, fill: Callable[[int, str], str]) -> Parsed:
    """The script with `fill` of each placeholder's number and name in its place."""
    parts: list[bytes] = []
    spans: list[Span] = []
    size = end = 0
    for number, place in enumerate(PLACE.finditer(body)):
        before, filling = body[end : place.start()].encode(), fill(number, place[1]).encode()
        spans.append(Span(size + len(before), size + len(before) + len(filling)))
        parts += (before, filling)
        size, end = spans[-1].end, place.end()
    text = b"".join((*parts, body[end:].encode(), b"\n"))
    return Parsed(root=Parser(language).parse(text).root_node, text=text, spans=spans)


def in_body(parsed: Parsed, body: str, at: int) -> int:
    """The number of the character of the script itself at a byte of what was parsed."""
    shift = 0
    for place, span in zip(PLACE.finditer(body), parsed.spans, strict=True):
        if span.start > at:
            break
        if at < span.end:
            return place.start()
        shift += len(place[0].encode()) - (span.end - span.start)
    return len(body.encode()[: at + shift].decode(errors="ignore"))


def said(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode(errors="replace")


def find(node: Node, *kinds: str) -> Iterator[Node]:
    """All nodes of these kinds in a script, in the order of its text."""
    cursor = node.walk()
    depth = 0
    while True:
        here = cursor.node
        if here is not None and here.type in kinds:
            yield here
        if depth < DEEPEST and cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            depth -= 1
