"""Search: what can be found, under which headings it stands, and what a hit shows."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import SessionId, UserId
from flowpilot_core.domain.kernel.query import LONGEST_WORD, WORD, Query, Term, composed, folded, tokens, words
from flowpilot_core.domain.sessions.session import Status

MOST_HITS: Final = 200
"""Of one search, on all its pages."""
CANDIDATES: Final = (500, 1_500, 10_000, 100_000, 1_000_000)
"""Of what has the rarest word of a query, in titles first and then the newest, so many are looked at; the next number where none is it."""
MOST_LOOK_UPS: Final = 2_000_000
"""Of a token in a document, in one look: of a query of many words fewer documents are looked at."""
MOST_READ: Final = 20_000
"""Documents with all the words of a query that are read in one look, the best first: for phrases, and for where to look and who may."""
MOST_TEXT: Final = 64 * 1024 * 1024
"""Bytes of these that phrases are looked for in."""
LONGEST_EVIDENCE: Final = 64 * 1024
"""Characters of a step's evidence that are searched."""
LONGEST_TEXT: Final = 1024 * 1024
"""Characters of one document that are searched."""
MOST_OF_DOCUMENT: Final = 50_000
"""Tokens that one document is found by."""
DAYS: Final = (date(1900, 1, 1).toordinal(), date(2099, 12, 31).toordinal())
"""That are told apart; what was before or comes after is of the first or the last."""
SPANS: Final = (32_768, 4_096, 512, 64, 8, 1)
"""Days that stand under one heading together."""
MOST_SPANS: Final = 8
"""That a time is cut into, and one more."""
AROUND: Final = 80
"""Characters that a snippet shows before what matched."""
LONGEST_SNIPPET: Final = 240

IN_TITLE: Final = 4
ALIKE_IN_TITLE: Final = 2
IN_TEXT: Final = 1
"""What each word of a query is worth, by where it is found."""


class HitKind(StrEnum):
    """What can be found."""

    SESSION = "session"
    HANDOFF = "handoff"
    TREE = "tree"
    SCRIPT_TEMPLATE = "script_template"
    OUTPUT = "output"


def kind_heading(kind: HitKind) -> str:
    """What all of a kind stand under. No word has a colon, so that no heading is one."""
    return f"kind:{kind}"


def client_heading(name: str) -> str:
    """What all of a client stand under."""
    return f"client:{name[:LONGEST_WORD]}"


def time_headings(at: datetime) -> tuple[str, ...]:
    """What all of a day stand under, and of the days around it."""
    return tuple(f"{days}:{_day(at) // days}" for days in SPANS)


def period_headings(start: datetime | None, end: datetime | None) -> tuple[str, ...]:
    """Few of these that all of a time stand under; and what was around its beginning and its end."""
    first, last = DAYS[0] if start is None else _day(start), DAYS[1] if end is None else _day(end)
    # Of a time without a beginning or an end each day counts, where otherwise a ninth of it may be too much.
    least = (
        1
        if start is None or end is None
        else next(days for days in reversed(SPANS) if last - first < days * MOST_SPANS or days == SPANS[0])
    )
    first -= first % least
    found = []
    while first <= last:
        days = next(days for days in SPANS if not first % days and (first + days - 1 <= last or days == least))
        found.append(f"{days}:{first // days}")
        first += days
    return tuple(found)


def _day(at: datetime) -> int:
    return min(max(at.astimezone(UTC).toordinal(), DAYS[0]), DAYS[1])


@frozen(kw_only=True)
class Document:
    """Something that can be found, and all of it that is searched."""

    kind: HitKind
    id: UUID
    session_id: SessionId | None
    """The session that it is, or is of."""
    title: str
    is_titled: bool = True
    """Whether the title is its own, and not its session's."""
    text: str
    """All else of it."""
    client_name: str | None = None
    """Its session's."""
    at: datetime

    @classmethod
    def of(
        cls,
        kind: HitKind,
        id: UUID,
        title: str,
        texts: Iterable[str | None],
        *,
        at: datetime,
        session_id: SessionId | None = None,
        is_titled: bool = True,
        client_name: str | None = None,
    ) -> "Document":
        """Of the texts, as far as they are searched."""
        joined = composed("\n".join(text for text in texts if text))[:LONGEST_TEXT]
        return cls(
            kind=kind,
            id=id,
            session_id=session_id,
            title=composed(title),
            is_titled=is_titled,
            text=joined,
            client_name=client_name,
            at=at,
        )

    @property
    def headings(self) -> tuple[str, ...]:
        """What it stands under, for whoever says where to look."""
        of_client = () if self.client_name is None else (client_heading(self.client_name),)
        return (kind_heading(self.kind), *of_client, *time_headings(self.at))

    @property
    def title_tokens(self) -> frozenset[str]:
        """What its title is found by."""
        return frozenset(tokens(self.title)) if self.is_titled else frozenset()

    @property
    def tokens(self) -> dict[str, bool]:
        """All that it is found by, each with whether it is a word of the title."""
        found = dict.fromkeys(self.headings, False) | dict.fromkeys(self.title_tokens, True)
        for token in tokens(self.text):
            if len(found) == MOST_OF_DOCUMENT:
                break
            found.setdefault(token, False)
        return found


@frozen(kw_only=True)
class Within:
    """Where to look; None: everywhere."""

    kind: HitKind | None = None
    status: Status | None = None
    """Of the session that it is, or is of."""
    start: datetime | None = None
    end: datetime | None = None
    """What is of that moment is not found any more."""
    assignee_id: UserId | None = None
    client_name: str | None = None

    @property
    def headings(self) -> tuple[tuple[str, ...], ...]:
        """What is looked for stands under one of each; whether it is what is meant, each is to be asked itself."""
        asked = (
            () if self.kind is None else (kind_heading(self.kind),),
            () if self.client_name is None else (client_heading(self.client_name),),
            () if self.start is None and self.end is None else period_headings(self.start, self.end),
        )
        return tuple(headings for headings in asked if headings)


@frozen(order=True)
class Place:
    """Where a hit stands among the others: the best first, of the same score the best rated, and of these the newest."""

    score: int
    stars: float
    """As lists have them; what nobody rates has what nobody rated."""
    id: UUID


@frozen(kw_only=True)
class Part:
    """A piece of a snippet."""

    text: str
    hit: bool = False
    """Whether it is what was searched for."""


def looks(tokens: int) -> tuple[int, ...]:
    """How many are looked at, one after the other, where so many tokens are looked up of each.

    At first no more than are found at all, where that is more than one beside the rarest: each is looked up of each.
    """
    first, *others = CANDIDATES
    most = max(MOST_LOOK_UPS // tokens, first)
    return tuple(sorted({first if tokens <= 2 else min(first, MOST_HITS), *(min(candidates, most) for candidates in others)}))


@frozen(kw_only=True)
class Hit:
    """Something that was found."""

    kind: HitKind
    id: UUID
    session_id: SessionId | None
    title: str
    snippet: tuple[Part, ...]
    at: datetime
    score: int
    stars: float

    @property
    def place(self) -> Place:
        """Where it stands among the others."""
        return Place(self.score, self.stars, self.id)


@frozen(kw_only=True)
class Found:
    """A page of what a search finds."""

    hits: tuple[Hit, ...] = ()
    looked_at: int | None = None
    """How many were looked at, where there are more with the rarest word of the query; None where all were."""


def score_of(query: Query, document: Document, alike: Mapping[str, Sequence[str]]) -> int | None:
    """What a document is worth for a query, where words of titles may be meant by others; None where it is not what was asked for."""
    has = document.tokens
    if any(_has(term, has, document) for term in query.without):
        return None
    score = 0
    for token in query.tokens:
        meant = [ALIKE_IN_TITLE for word in alike.get(token, ()) if has.get(word)]
        found = [IN_TITLE if has[token] else IN_TEXT] if token in has else []
        best = max((*meant, *found), default=None)
        if best is None:
            return None
        score += best
    return score if all(_stands(term, document) for term in query.terms) else None


def _has(term: Term, has: dict[str, bool], document: Document) -> bool:
    return all(token in has for token in term.tokens) and _stands(term, document)


def _stands(term: Term, document: Document) -> bool:
    """Whether the words of a phrase follow each other somewhere."""
    return not term.is_phrase or any(term.follows_in(words(text)) for text in (document.title, document.text))


def snippet(text: str, query: Query) -> tuple[Part, ...]:
    """The piece of a text that says best why it was found, with its words marked: where words that were asked for together follow each
    other, else where the first word stands; the text's beginning where it has none.
    """
    places = sorted(_places(text, query.shown))
    first = _first(text, places, query.runs)
    start, end = _bounds(text, first)
    parts, at = list[Part](), start
    for opening, closing in places:
        if opening < at:
            continue
        if closing > end:
            break
        if at < opening:
            parts.append(Part(text=text[at:opening]))
        parts.append(Part(text=text[opening:closing], hit=True))
        at = closing
    if at < end:
        parts.append(Part(text=text[at:end]))
    return tuple(parts)


def _places(text: str, marked: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where words stand in a text."""
    alike = text.casefold()
    if len(alike) != len(text) or not unicodedata.is_normalized("NFKC", text) or any(len(word) == LONGEST_WORD for word in marked):
        yield from (found.span() for found in WORD.finditer(text) if folded(found[0]) in marked)
        return
    # Every letter stands where it stood: to look for the words is sooner done than to fold each word there is.
    for word in marked:
        place = alike.find(word)
        while place >= 0:
            end = place + len(word)
            if text[place:end].isalnum() and not (text[place - 1 : place].isalnum() or text[end : end + 1].isalnum()):
                yield place, end
            place = alike.find(word, end)


def _first(text: str, places: Sequence[tuple[int, int]], runs: Sequence[tuple[str, ...]]) -> int:
    if runs:
        found = [folded(text[opening:closing]) for opening, closing in places]
        parted = [WORD.search(text, end, start) is not None for (_, end), (start, _) in pairwise(places)]
        for number, (opening, _) in enumerate(places):
            for run in runs:
                last = number + len(run)
                if found[number] == run[0] and tuple(found[number:last]) == run and not any(parted[number : last - 1]):
                    return opening
    return places[0][0] if places else 0


def _bounds(text: str, first: int) -> tuple[int, int]:
    """Where a piece around a place begins and ends, between words where that is near."""
    start = max(first - AROUND, 0)
    if start:
        start = next((place + 1 for place in range(start, first) if text[place].isspace()), start)
    end = min(start + LONGEST_SNIPPET, len(text))
    if end < len(text):
        end = next((place for place in range(end, max(end - AROUND, start), -1) if text[place].isspace()), end)
    return start, end
