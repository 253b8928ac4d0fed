"""What must not leave FlowPilot: what is a secret in one text of a case is one in all, and what stands in its place."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from .secrets.finding import MOST_LOOKS, Found, found_in
from .secrets.folded import DONE, PLACEHOLDER, Folded
from .secrets.search import Find, Search, search_in_python
from .secrets.span import SecretKind, Span

SHORTEST_LEARNED: Final = 6
"""Characters of a secret that is recognised wherever else it stands; a shorter one would be found in ordinary words."""
MOST_LEARNED: Final = 5_000
"""Secrets of a case that are recognised wherever else they stand."""
LONGEST_LEARNED: Final = 8_000
"""Characters of one; a longer one is a block that nobody repeats."""
MOST_LOOKS_OF_A_CASE: Final = 150_000
"""Places that are looked at closely in all texts of a case."""
LEFT_OUT: Final = "[left out: more than is looked through for secrets]"
"""What stands in the place of the rest of a text that was not looked through."""

_ENDING: Final = ".:)]}"
"""What may stand behind a secret, at the end of a sentence, without being a part of it."""

Tagged = Callable[[SecretKind, str], str]
"""What stands in the place of a secret."""


def placeholder(kind: SecretKind, tag: str) -> str:
    """What stands in the place of a secret; `tag` is six hexadecimal digits that are the same for the same secret."""
    return f"[{kind} {tag}]"


@frozen
class Looked:
    """What looking through one text came to."""

    found: Found
    values: Mapping[str, SecretKind]
    """The secrets in it that are long enough to be known again, with what they are."""


NOT_LOOKED: Final = Looked(Found((), end=0, looks=0), {})
"""Of a text that was not looked through."""


def looked_through(
    texts: Iterable[str], personal: bool = False, search: Search = search_in_python, most: int = MOST_LOOKS_OF_A_CASE
) -> list[Looked]:
    """What must not leave of each text; with `personal`, what tells of people too.

    Where the texts have more than `most` places to look at, those that come first are looked through.
    """
    all_looked = list[Looked]()
    for text in texts:
        looked = NOT_LOOKED
        if most > 0:
            looked = _looked(text, personal, search, most)
            most -= looked.found.looks
        all_looked.append(looked)
    return all_looked


@frozen
class Learned:
    """What is known of the texts of a case."""

    known: Mapping[str, SecretKind]
    """The secrets that are recognised wherever else they stand."""
    looked: Mapping[str, Looked]
    """What was found in each text."""

    @classmethod
    def of(cls, looked: Mapping[str, Looked]) -> "Learned":
        """Of what was found in each text; what one secret is, is what the first of them calls it."""
        known: dict[str, SecretKind] = {}
        for one in looked.values():
            for value, kind in one.values.items() if len(known) < MOST_LEARNED else ():
                known.setdefault(value, kind)
        return cls(known, looked)


def learned(texts: Iterable[str], personal: bool = False, search: Search = search_in_python) -> Learned:
    """What is known of a case with these texts."""
    told = tuple(dict.fromkeys(texts))
    return Learned.of(dict(zip(told, looked_through(told, personal, search), strict=True)))


@define
class Cleaner:
    """Puts placeholders in the place of the secrets of any text, and of those that are `known` of its case.

    What one cleaner looks through in all is bounded too; a text that comes after that does not leave.
    """

    learned: Learned
    tagged: Tagged
    personal: bool = False
    search: Search = search_in_python
    left: int = MOST_LOOKS_OF_A_CASE
    """Places that it may still look at."""
    _known: Find | None = field(default=None, init=False, eq=False, repr=False)

    def __call__(self, text: str) -> str:
        """`text` as it may leave; placeholders that are there already stay."""
        if not text or text == LEFT_OUT:
            return text
        looked = self.learned.looked.get(text) or self._look(text)
        if looked is None or not looked.found.end:
            return LEFT_OUT
        found, known = looked.found, self.learned.known
        here = {value: kind for value, kind in looked.values.items() if value not in known}
        folded = Folded.of(text[: found.end])
        spans = list(found.spans)
        if known:
            self._known = self._known or self.search(list(known), each=False)
            spans += _repeats(folded, self._known, known)
        if here:
            spans += _repeats(folded, self.search(list(here), each=False), here)
        kept: list[str] = []
        at = 0
        for span in _merged(spans, [match.span() for match in PLACEHOLDER.finditer(text)]):
            secret = bare(text[span.start : span.end])
            kept += text[at : span.start], self.tagged(known.get(secret, here.get(secret, span.kind)), secret)
            at = span.end
        cut = found.end < len(text) and not text.endswith(LEFT_OUT)
        return "".join((*kept, text[at : found.end], LEFT_OUT if cut else text[found.end :]))

    def _look(self, text: str) -> Looked | None:
        """None where it has looked at as much as it may."""
        if self.left <= 0:
            return None
        looked = _looked(text, self.personal, self.search, self.left)
        self.left -= looked.found.looks
        return looked

    def __reduce__(self) -> tuple[type["Cleaner"], tuple[object, ...]]:
        """To another process goes what it was made of."""
        return Cleaner, (Learned(self.learned.known, {}), self.tagged, self.personal, self.search, self.left)


def bare(secret: str) -> str:
    """A secret as it is known again: its signs as ASCII has them, and without what ends a sentence behind it."""
    secret = Folded.of(secret).text
    return secret.strip().rstrip(_ENDING) or secret


def _looked(text: str, personal: bool, search: Search, most: int) -> Looked:
    found = found_in(text, personal_too=personal, most=min(MOST_LOOKS, most), search=search)
    return Looked(found, _values(text, found))


def _values(text: str, found: Found) -> dict[str, SecretKind]:
    values = ((Folded.of(text[span.start : span.end]).text.strip(), span.kind) for span in found.spans)
    ways = ((way, kind) for value, kind in values for way in (value, value.rstrip(_ENDING), value.rstrip(_ENDING + "!?")))
    return {way: kind for way, kind in ways if SHORTEST_LEARNED <= len(way) <= LONGEST_LEARNED and DONE not in way}


def _repeats(text: Folded, find: Find, known: Mapping[str, SecretKind]) -> Iterator[Span]:
    """Where known values stand, in one pass for all of them."""
    kinds = list(known.values())
    for number, start, end in find(text.text):
        yield Span(text.place(start), text.place(end - 1) + 1, kinds[number])


def _merged(found: Iterable[Span], placeholders: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The spans without overlaps, in order: where several meet, the first one's kind counts. None begins or ends in a placeholder."""
    starts = [start for start, _ in placeholders]
    current: Span | None = None
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        start, end = span.start, span.end
        before = bisect_right(starts, start) - 1
        if before >= 0 and start < placeholders[before][1]:
            start = placeholders[before][1]
        last = bisect_left(starts, end) - 1
        if last >= 0 and starts[last] < end <= placeholders[last][1]:
            end = starts[last]
        if start >= end:
            continue
        if current and start < current.end:
            current = Span(current.start, max(current.end, end), current.kind)
            continue
        if current:
            yield current
        current = Span(start, end, span.kind)
    if current:
        yield current
