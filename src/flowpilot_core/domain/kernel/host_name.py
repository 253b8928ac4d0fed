"""Names of hosts as IDNA 2008 has them (RFC 5891 to 5893): "straße" is "xn--strae-oqa", and never "strasse".

Python's own codec is of 2003, which takes the one for the other: two names that belong to two people. What may stand in a name is computed
from Unicode's properties, as RFC 5892 says.
"""

import re
import unicodedata
from functools import cache
from string import ascii_uppercase
from typing import Final

LONGEST: Final = 253
LONGEST_LABEL: Final = 63
PREFIX: Final = "xn--"
"""How a label in ASCII begins that stands for another."""

_SMALL: Final = {ord(letter): letter.lower() for letter in ascii_uppercase}
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.ASCII)
_LETTERS_AND_DIGITS: Final = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
_ALLOWED: Final = frozenset("ßς\u06fd\u06fe\u0f0b\u3007")
_SINGLE: Final = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b\u034f\u17b4\u17b5\u3164\uffa0")
_BLOCKS: Final = (
    (0x1100, 0x11FF),
    (0x180B, 0x180F),
    (0x20D0, 0x20FF),
    (0xA960, 0xA97F),
    (0xD7B0, 0xD7FF),
    (0xFE00, 0xFE0F),
    (0x1D100, 0x1D24F),
    (0xE0000, 0xE0FFF),
)
"""What RFC 5892 leaves out by block: old Jamo, musical and combining signs for symbols, and what is ignored by default."""
_JOINERS: Final = "\u200c\u200d"
_VIRAMA: Final = 9
"""Unicode's combining class of the sign after which a joiner may stand."""
_ARABIC_DIGITS: Final = frozenset("٠١٢٣٤٥٦٧٨٩")
_PERSIAN_DIGITS: Final = frozenset("۰۱۲۳۴۵۶۷۸۹")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_IN_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"})
_IN_LEFT_TO_RIGHT: Final = frozenset({"L", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"})


def ascii_host(name: str) -> str:
    """The name as it is looked up: in ASCII, and in small letters. Raises `ValueError` for what cannot be one, and says why."""
    labels = unicodedata.normalize("NFC", name).split(".")
    labels = labels[:-1] if len(labels) > 1 and not labels[-1] else labels
    found = ".".join(_ascii_label(ascii_small(label)) for label in labels)
    if len(found) > LONGEST:
        raise ValueError("is too long for the name of a host")
    return found


def ascii_small(text: str) -> str:
    """With ASCII's letters small; others have no case in names."""
    return text.translate(_SMALL)


def _ascii_label(label: str) -> str:
    if not label.isascii():
        _require_unicode_label(label)
        encoded = PREFIX + label.encode("punycode").decode("ascii")
    elif label.startswith(PREFIX):
        _require_unicode_label(_decoded(label), label)
        encoded = label
    else:
        encoded = label
    if not _LABEL.fullmatch(encoded):
        raise ValueError(f"has a part that is no name: {encoded[:LONGEST_LABEL]!r}")
    if len(encoded) > LONGEST_LABEL:
        raise ValueError("has a part that is too long for the name of a host")
    return encoded


def _decoded(label: str) -> str:
    try:
        return label.removeprefix(PREFIX).encode("ascii").decode("punycode")
    except ValueError:
        raise ValueError(f"has a part that stands for nothing: {label[:LONGEST_LABEL]!r}") from None


def _require_unicode_label(label: str, written: str | None = None) -> None:
    """Raises `ValueError` unless it may stand in a name; `written`: what it was decoded from."""
    fits = (
        not label.isascii()
        and unicodedata.is_normalized("NFC", label)
        and not (label.startswith("-") or label.endswith("-") or label[2:4] == "--")
        and unicodedata.category(label[0])[0] != "M"
        and all(_fits(label, place) for place in range(len(label)))
        and not (_ARABIC_DIGITS.intersection(label) and _PERSIAN_DIGITS.intersection(label))
        and _reads_one_way(label)
        and written in (None, PREFIX + label.encode("punycode").decode("ascii"))
    )
    if not fits:
        raise ValueError(f"has a part that no name may have: {(written or label)[:LONGEST_LABEL]!r}")


def _fits(label: str, place: int) -> bool:
    """Whether the character may stand there."""
    character = label[place]
    before, after = label[:place][-1:], label[place + 1 :][:1]
    if character in _JOINERS:
        return bool(before) and unicodedata.combining(before) == _VIRAMA
    match character:
        case "·":
            return before == after == "l"
        case "\u0375":
            return bool(after) and unicodedata.name(after, "").startswith("GREEK")
        case "\u05f3" | "\u05f4":
            return bool(before) and unicodedata.name(before, "").startswith("HEBREW")
        case "・":
            return any(unicodedata.name(one, "").startswith(("HIRAGANA", "KATAKANA LETTER", "CJK UNIFIED")) for one in label)
    return _is_valid(character)


@cache
def _is_valid(character: str) -> bool:
    if character in _ALLOWED or character == "-":
        return True
    if character in _SINGLE or any(first <= ord(character) <= last for first, last in _BLOCKS):
        return False
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    return folded == character and unicodedata.category(character) in _LETTERS_AND_DIGITS


def _reads_one_way(label: str) -> bool:
    """RFC 5893's rule, which every label of a name with letters that run from right to left must keep."""
    ways = [unicodedata.bidirectional(character) for character in label]
    if not _RIGHT_TO_LEFT.intersection(ways):
        return True
    told = [way for way in ways if way != "NSM"]
    if ways[0] in ("R", "AL"):
        return _IN_RIGHT_TO_LEFT.issuperset(ways) and told[-1] in ("R", "AL", "EN", "AN") and not {"EN", "AN"} <= set(ways)
    return ways[0] == "L" and _IN_LEFT_TO_RIGHT.issuperset(ways) and told[-1] in ("L", "EN")
