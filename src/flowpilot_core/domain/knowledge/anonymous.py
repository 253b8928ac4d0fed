"""Texts without whom they were about: names that are known, and what names a machine or an address."""

import re
from collections.abc import Iterable
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.words import things

CLIENT: Final = "[client]"
PERSON: Final = "[person]"
PLACE: Final = "[address]"
MACHINE: Final = "[host]"
SHORTEST: Final = 2
"""Characters of a name that is looked for."""
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_ADDRESSES: Final = re.compile(
    r"\b[a-z]{2,10}://[^\s<>\"']++"  # links
    r"|\\\\[\w.$-]++(?:\\[\w.$ -]++)*+"  # shares
    r"|(?<![\w.+-])[\w.+-]++@[\w.-]++"  # mail
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?+(?![\d.]*\d)"  # IPv4
    r"|(?<!\w)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?!\w|[:-]\w)"  # MAC
    r"|(?<!\w)(?=[0-9a-f:]{0,39}::|(?:[0-9a-f]{1,4}:){7})[0-9a-f:]{3,39}+(?![\w:])",  # IPv6
    re.IGNORECASE,
)
_MACHINES: Final = re.compile(
    r"(?<![\w.-])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,8}(?:com|net|org|local|lan|internal|intranet|corp|example|test|eu|de|at|ch|uk|us|io|info|biz|cloud|dental)(?![\w-])"
    r"|(?<![\w.-])(?:srv|dc|pc|ws|nb|fs|ex|sql|prn|print|lt|laptop|desktop|server|host|client|nas|fw|sw|ap|vm|hv|esx|win|mac|rdp|ts|app|db|web|mail)[-_]?[a-z]{0,8}[-_]?\d[\w-]{0,20}(?![\w-])"
    r"|(?<![\w.-])(?:desktop|laptop|win)-[a-z0-9]{4,12}(?![\w-])",
    re.IGNORECASE,
)


@frozen
class Names:
    """What is taken out of texts, made ready once for all of them."""

    whole: tuple[tuple[str, str], ...]
    """Each as it is looked up, with the word in its place; the longest first."""
    parts: frozenset[str]
    """Of people's names, as they are written."""
    folded: frozenset[str]
    """Those of these that are no ordinary word as well: they are meant however they are written."""

    @classmethod
    def of(cls, names: Iterable[str], people: Iterable[str] = ()) -> "Names":
        """Of `people` each part of their names is taken out too, where it is a word by itself."""
        people = tuple(people)
        known = {name.strip(): word for word, some in ((PERSON, people), (CLIENT, names)) for name in some if len(name.strip()) >= SHORTEST}
        whole = sorted(known.items(), key=lambda one: len(one[0]), reverse=True)
        parts = frozenset(part for name in people for part in _LETTERS.findall(name))
        return cls(
            tuple((name.casefold(), word) for name, word in whole), parts, frozenset(part.casefold() for part in parts if things(part))
        )

    def short(self, found: re.Match[str]) -> str:
        """What stands in place of a word: another one, where it is a part of somebody's name."""
        ways = (found[0], found[0][:-1]) if found[0][-1] in "sS" else (found[0],)
        return PERSON if any(way in self.parts or way.casefold() in self.folded for way in ways) else found[0]


def anonymous(text: str, names: Names) -> str:
    """A text with a word for what it is in place of each of `names`, whatever their case, and of each machine and address."""
    for name, word in names.whole:
        text = _without(text, name, word)
    text = _MACHINES.sub(MACHINE, _ADDRESSES.sub(PLACE, text))
    return _LETTERS.sub(names.short, text) if names.parts else text


def _without(text: str, folded_name: str, word: str) -> str:
    """One character may be several once it is folded: what is cut are whole characters of the text."""
    pieces = [(piece, place) for place, character in enumerate(text) for piece in character.casefold()]
    folded = "".join(piece for piece, _ in pieces)
    kept, last, found = list[str](), 0, folded.find(folded_name)
    while found >= 0:
        kept += (text[last : pieces[found][1]], word)
        last = pieces[found + len(folded_name) - 1][1] + 1
        found = folded.find(folded_name, found + len(folded_name))
    return "".join((*kept, text[last:]))
