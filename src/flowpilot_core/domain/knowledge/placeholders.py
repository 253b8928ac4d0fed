"""Places in a text where the value of a parameter is put: `{{ name }}`."""

import re
from collections.abc import Callable
from typing import Final

PLACE: Final = re.compile(r"\{\{[ \t]*+([A-Za-z_][A-Za-z0-9_]*+)[ \t]*+\}\}")
"""A place, and the name in it."""


def names_in(text: str) -> frozenset[str]:
    """The parameters that a text asks for."""
    return frozenset(found[1] for found in PLACE.finditer(text))


def filled(text: str, value: Callable[[str], str | None]) -> str:
    """A text with `value` of each name in its place; a place stays as it is where that is None."""

    def put(found: re.Match[str]) -> str:
        given = value(found[1])
        return found[0] if given is None else given

    return PLACE.sub(put, text)
