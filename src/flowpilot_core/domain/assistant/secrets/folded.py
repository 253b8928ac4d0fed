"""A text as it is looked through: whatever a sign is written as, it is one sign."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from .span import SecretKind

PLACEHOLDER: Final = re.compile(rf"\[(?:{'|'.join(SecretKind)}) [0-9a-f]{{6}}\]")
"""What stands in the place of a secret."""
DONE: Final = "\ue000"
"""Stands for each character of a placeholder, so that no rule reads its words; private, so that no text means anything by it."""

_ENTITY: Final = re.compile(r"&(?:nbsp|quot|apos|lt|gt|amp|#39|#34|#160);")
_ENTITIES: Final = {"nbsp": " ", "quot": '"', "apos": "'", "lt": "<", "gt": ">", "amp": "&", "#39": "'", "#34": '"', "#160": " "}
_ESCAPED_QUOTE: Final = '\\"'
_DOUBLE: Final = "\u201e\u201c\u201d\u201f\u00ab\u00bb\u2033"
_SINGLE: Final = "\u2018\u2019\u201a\u201b\u2039\u203a\u2032"
_MOST_REMEMBERED: Final = 4_096


@frozen
class Folded:
    """A text with each sign as ASCII has it where it has one, without what nobody sees."""

    text: str
    low: str
    """In small letters, and as long as `text`."""
    _places: Sequence[int] | None = None

    @classmethod
    def of(cls, text: str) -> "Folded":
        """Whatever the text, each sign of it is one here, or none."""
        folded, places = text, None
        if not text.isascii():
            folded = text.translate(_SIGNS)
            if len(folded) != len(text):
                places = [place for place, sign in enumerate(text) if _SIGNS[ord(sign)] is not None]
        folded = PLACEHOLDER.sub(lambda found: DONE * len(found[0]), folded)
        folded = _ENTITY.sub(lambda found: _ENTITIES[found[0][1:-1]].ljust(len(found[0])), folded).replace(_ESCAPED_QUOTE, ' "')
        low = folded.lower()
        if len(low) != len(folded):
            low = "".join(small if len(small := sign.lower()) == 1 else sign for sign in folded)
        return cls(folded, low, places)

    def place(self, at: int) -> int:
        """Where in the text as it was a sign of this one stands."""
        return at if self._places is None else self._places[at]


class _Signs(dict[int, int | str | None]):
    """What each sign is read as; None for what nobody sees."""

    def __missing__(self, code: int) -> int | str | None:
        read = _read(chr(code))
        if len(self) < _MOST_REMEMBERED:
            self[code] = read
        return read


def _read(sign: str) -> str | None:
    category = unicodedata.category(sign)
    if category == "Cf" or "\ufe00" <= sign <= "\ufe0f":
        return None
    if sign in _DOUBLE or sign in _SINGLE:
        return '"' if sign in _DOUBLE else "'"
    if sign == DONE or category == "Cs":
        return "\ufffd"
    alike = {"Zs": " ", "Pd": "-"}.get(category) or unicodedata.normalize("NFKC", sign)
    return alike if len(alike) == 1 else sign


_SIGNS: Final = _Signs()
