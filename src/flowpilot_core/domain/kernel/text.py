"""What a text may be: bounded, storable everywhere, and not blank where something must be said; and how a number of things is said."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from .errors import InvalidValue

TITLE = 200
"""Longest title, name or label, in characters."""
PROSE = 20_000
"""Longest problem, reason, note, content or summary, in characters."""
EVIDENCE = 256 * 1024
"""Most evidence of one step, in bytes of UTF-8."""
FEWEST: Final = 40
"""Characters of a text that are always read."""
EMPTY_LINE: Final = re.compile(r"\n[ \t]*+\n")
"""What stands between two paragraphs."""


def text(field: str, value: str, *, most: int = PROSE) -> str:
    """`value` itself, when it says something and can be stored and sent.

    Raises `InvalidValue` for a blank or overlong text, for NUL and for lone surrogates.
    """
    if not value.strip():
        raise InvalidValue(field, "must not be blank")
    return _storable(field, value, most)


def beginnings(texts: Sequence[str], *, each: int, together: int) -> tuple[str, ...]:
    """What is read of texts by whoever has no time for all of it: of each its beginning, the shorter the more there are.

    None is longer than `each`; nor are they `together`, where they are not so many that a few words of each are more.
    """
    most = each
    while most > FEWEST and sum(min(len(text), most) for text in texts) > together:
        most //= 2
    return tuple(text[:most] for text in texts)


def counted(number: int, one: str, many: str) -> str:
    """So many things, as people say it."""
    return f"{number} {one if number == 1 else many}"


def one_of(values: Iterable[object]) -> str:
    """What is wrong with a value that is none of these."""
    return f"must be one of {', '.join(map(str, values))}"


def optional_text(field: str, value: str | None, *, most: int = PROSE) -> str | None:
    """As `text`, but may be left out or empty."""
    return None if value is None else _storable(field, value, most)


def evidence(field: str, value: str | None) -> str | None:
    """Evidence of a step: any text up to 256 KiB of UTF-8."""
    if value is not None and len(_storable(field, value, EVIDENCE).encode()) > EVIDENCE:
        raise InvalidValue(field, f"is longer than {EVIDENCE} bytes")
    return value


def mended(value: str) -> str:
    """A text that nobody of ours wrote, as any store and any reader takes it: with U+FFFD for NUL and for half a character."""
    if "\0" not in value and value.isascii():
        return value
    return "".join("\ufffd" if character == "\0" or "\ud800" <= character <= "\udfff" else character for character in value)


def _storable(field: str, value: str, most: int) -> str:
    if len(value) > most:
        raise InvalidValue(field, f"is longer than {most} characters")
    if "\0" in value:
        raise InvalidValue(field, "must not contain a NUL character")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidValue(field, "must not contain a lone surrogate")
    return value
