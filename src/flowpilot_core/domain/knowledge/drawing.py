"""A tree as a drawing in the language of Mermaid."""

import re
from collections.abc import Mapping
from typing import Final

from .content import Content, NodeKind

_SHAPES: Final[Mapping[NodeKind, tuple[str, str]]] = {
    NodeKind.QUESTION: ("{", "}"),
    NodeKind.ACTION: ("[", "]"),
    NodeKind.SCRIPT: ("[[", "]]"),
    NodeKind.OUTCOME: ("([", "])"),
}
_SPECIAL: Final = re.compile(r"[^\w ,.;:?!()/+=%-]|_", re.ASCII)
LONGEST: Final = 200
"""Characters of a text that are drawn."""


def as_mermaid(content: Content) -> str:
    """A flow chart; nothing that somebody wrote into a tree means anything in it."""
    places = {node_id: f"n{place}" for place, node_id in enumerate(content.by_id)}
    lines = ["flowchart TD"]
    for node_id, node in content.by_id.items():
        opening, closing = _SHAPES[node.kind]
        lines.append(f"    {places[node_id]}{opening}{_quoted(node.text)}{closing}")
    for node_id, node in content.by_id.items():
        for edge in node.edges:
            if edge.to in places:
                lines.append(f"    {places[node_id]} -->|{_quoted(edge.label)}| {places[edge.to]}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text in quotes, with its number for every character that could be read as anything else."""
    line = " ".join(text.split())
    return '"' + _SPECIAL.sub(lambda found: f"#{ord(found[0])};", line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") + '"'
