"""Pieces of Markdown."""

import inspect
from collections.abc import Iterable, Sequence

MADE = "<!-- Made by `make docs` from the code; change the code, not this page. -->"


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join((f"# {title}", MADE, *parts)) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Inline code."""
    return f"`{text}`"


def first_sentences(thing: object) -> str:
    """The docstring's first paragraph, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
