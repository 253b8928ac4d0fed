"""Gaps: what is solved or escalated again and again, and no tree leads through."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.knowledge.fitting import asked, fitting

MOST_SESSIONS: Final = 500
"""The newest ones that are looked through."""
MOST_GAPS: Final = 20
FEWEST: Final = 2
"""Sessions that make a gap: one alone is chance."""
MOST_TITLE_WORDS: Final = 10


@frozen(kw_only=True)
class Unguided:
    """A session that is resolved or was escalated, and follows no tree."""

    id: SessionId
    title: str
    problem: str
    client_name: str | None
    escalated: bool


@frozen(kw_only=True)
class TreeAbout:
    """What a tree is searched by."""

    name: str
    description: str | None
    words: tuple[str, ...]


@frozen(kw_only=True)
class Gap:
    """Sessions about the same, which no tree fits."""

    words: tuple[str, ...]
    """That all of their titles have, as the example has them; none of its client's name."""
    sessions: int
    escalated: int
    example_id: SessionId
    """The newest."""


def words_of(sessions: Collection[Unguided]) -> frozenset[str]:
    """What trees must be about to fit any of them."""
    return frozenset(word for one in sessions for word in asked(one.title, one.problem))


def gaps(sessions: Sequence[Unguided], trees: Sequence[TreeAbout]) -> tuple[Gap, ...]:
    """Groups of sessions, newest first, that no tree fits: those that share two words of their titles, the largest group first.

    Each session is in one group at most. Titles of a single word make a group where it is the same. What a client is called is no word.
    """
    about = [(tree, frozenset(tree.words)) for tree in trees]
    left = [one for one in sessions if not _fits(one, about)]
    titles = {one.id: _titled(one) for one in left}
    found: list[Gap] = []
    while len(found) < MOST_GAPS:
        sharing: dict[tuple[str, ...], list[Unguided]] = defaultdict(list)
        for one in left:
            for pair in _pairs(tuple(titles[one.id])[:MOST_TITLE_WORDS]):
                sharing[pair].append(one)
        if not sharing:
            break
        pair = min(sharing, key=lambda words: (-len(sharing[words]), words))
        group = sharing[pair]
        if len(group) < FEWEST:
            break
        found.append(_gap(group, titles))
        inside = {one.id for one in group}
        left = [one for one in left if one.id not in inside]
    return tuple(found)


def _fits(session: Unguided, trees: Sequence[tuple[TreeAbout, frozenset[str]]]) -> bool:
    words = asked(session.title, session.problem).keys()
    candidates = [tree for tree, about in trees if not about.isdisjoint(words)]
    return bool(fitting(session.title, (session.problem,), candidates, client_name=session.client_name))


def _titled(session: Unguided) -> Mapping[str, str]:
    """The words that its title is about, by their stems."""
    named = asked(session.client_name)
    return {stem: word for stem, word in asked(session.title).items() if stem not in named}


def _pairs(words: tuple[str, ...]) -> Collection[tuple[str, ...]]:
    return [words] if len(words) == 1 else list(combinations(sorted(words), 2))


def _gap(group: Sequence[Unguided], titles: Mapping[SessionId, Mapping[str, str]]) -> Gap:
    having = Counter(word for one in group for word in titles[one.id])
    example = group[0]
    return Gap(
        words=tuple(word for stem, word in titles[example.id].items() if having[stem] == len(group)),
        sessions=len(group),
        escalated=sum(one.escalated for one in group),
        example_id=example.id,
    )
