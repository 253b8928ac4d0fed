"""What a name may be: one line of which everything shows.

The characters are those of PRECIS' FreeformClass (RFC 8264), computed from Unicode's properties: letters, marks, digits, symbols and
punctuation of any script, and spaces, which are all one. None is ignored where it is shown, turns others round, or is obeyed by a terminal.
Joiners are part of words in some scripts, and may stand where RFC 5892 lets them (A.1 and A.2). Emoji are put together with a joiner and
told from text by a selector, which PRECIS leaves out and people write: both may stand after symbols.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

from .errors import InvalidValue
from .text import TITLE, text

_IGNORED: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u180b\u180c\u180d\u180f").union(
    map(chr, range(0xFE00, 0xFE0F + 1)), map(chr, range(0xE0100, 0xE01EF + 1))
)
"""Letters and marks that Unicode says are ignored where they are shown."""
_NON_JOINER: Final = "\u200c"
_JOINER: Final = "\u200d"
_SELECTOR: Final = "\ufe0f"
_COLOURS: Final = frozenset(map(chr, range(0x1F3FB, 0x1F3FF + 1)))
_VIRAMA: Final = 9
"""Unicode's combining class of the sign after which a joiner may stand."""
_SHAPES: Final = (range(0xFB50, 0xFDFF + 1), range(0xFE70, 0xFEFF + 1))
"""Where Unicode has the shapes that letters of Arabic take beside others."""


def checked_name(value: str, field: str = "name") -> str:
    """What something is called, in the words of whoever calls it so. Raises `InvalidValue`."""
    name = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text(field, value, most=TITLE)).strip()
    for place, character in enumerate(name):
        if not _shows(name, place):
            raise InvalidValue(field, f"must be one line of printable text, without U+{ord(character):04X}")
    return name


def optional_name(value: str | None, field: str) -> str | None:
    """As `checked_name`, but may be left out or empty."""
    return checked_name(value, field) if value else value


def printable(prose: str) -> str:
    """Lines of text without what no name may hold; tabs stay."""
    return _with(prose, lambda character: "\t" if character == "\t" else "")


def escaped(prose: str) -> str:
    """Lines of text as a terminal may show them: with an escape for what no name may hold."""
    return _with(prose, lambda character: character.encode("unicode_escape").decode("ascii"))


def _with(prose: str, instead: Callable[[str], str]) -> str:
    """With something else in place of each character that does not show."""
    return "\n".join(
        line if _plainly_shows(line) else "".join(line[at] if _shows(line, at) else instead(line[at]) for at in range(len(line)))
        for line in prose.split("\n")
    )


def _plainly_shows(line: str) -> bool:
    """Whether all of it shows, whatever stands beside what."""
    return line.isprintable() and _IGNORED.isdisjoint(line)


def _shows(line: str, at: int) -> bool:
    character = line[at]
    if _plainly_shows(character) or unicodedata.category(character) == "Zs":
        return True
    if character == _NON_JOINER:
        return _is(line, at - 1, _is_virama) or _parts_letters(line, at)
    if character == _JOINER:
        return _is(line, at - 1, _is_virama) or (_is(line, at - 1, _ends_picture) and _is(line, at + 1, _is_picture))
    if character == _SELECTOR:
        return _is(line, at - 1, _is_picture)
    return False


def _is(line: str, at: int, wanted: Callable[[str], bool]) -> bool:
    return 0 <= at < len(line) and wanted(line[at])


def _is_virama(character: str) -> bool:
    return unicodedata.combining(character) == _VIRAMA


def _is_picture(character: str) -> bool:
    """Whether it may be part of an emoji: a symbol, or the colour of one."""
    return unicodedata.category(character) == "So" or character in _COLOURS


def _ends_picture(character: str) -> bool:
    return character == _SELECTOR or _is_picture(character)


def _parts_letters(line: str, at: int) -> bool:
    """Whether the letters on either side would join, marks apart: else nobody sees that there is something between."""
    before, after = at - 1, at + 1
    while _is(line, before, _is_mark):
        before -= 1
    while _is(line, after, _is_mark):
        after += 1
    return _is(line, before, _shaped("<initial>").__contains__) and _is(line, after, _shaped("<final>").__contains__)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) == "Mn" and character not in _IGNORED


@cache
def _shaped(shape: str) -> frozenset[str]:
    """The letters that take such a shape beside others."""
    told = (unicodedata.decomposition(chr(code)).split() for codes in _SHAPES for code in codes)
    return frozenset(chr(int(parts[1], 16)) for parts in told if len(parts) == 2 and parts[0] == shape)
