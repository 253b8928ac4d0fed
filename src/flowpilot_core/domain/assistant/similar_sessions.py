"""Similar sessions: what solved something like this before, in the same account."""

from collections.abc import Iterable
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.kernel.words import telling_words

MOST_SIMILAR: Final = 5
LEAST_ALIKE: Final = 25
"""Less is chance."""
ENOUGH: Final = 12
"""Words in common that make a session as like as can be."""
ALIKE: Final = 0.75
"""Share of three-letter pieces that two words have in common which are one but for a slip of the pen."""


@frozen(kw_only=True)
class SimilarSession:
    """A resolved session of the account, and how much it is like the one that was asked about."""

    session_id: SessionId
    title: str
    summary: str
    """What solved it."""
    root_cause: str | None
    likeness: int
    """From 0 to 100."""


@frozen(kw_only=True)
class ResolvedSession:
    """A session of the account that was resolved, as somebody who looks for similar ones reads it."""

    session_id: SessionId
    title: str
    problem: str
    summary: str
    root_cause: str | None


def most_similar(
    title: str, about: Iterable[str | None], candidates: Iterable[ResolvedSession], *, most: int = MOST_SIMILAR
) -> tuple[SimilarSession, ...]:
    """The candidates that are like it at all, most similar first; the same whatever store they come from."""
    asked, in_title = set(telling_words(title, *about)), set(telling_words(title))
    scored = [(_likeness(asked, in_title, one), one) for one in candidates]
    best = sorted(((score, one) for score, one in scored if score >= LEAST_ALIKE), key=lambda pair: (-pair[0], pair[1].session_id))
    return tuple(
        SimilarSession(session_id=one.session_id, title=one.title, summary=one.summary, root_cause=one.root_cause, likeness=score)
        for score, one in best[:most]
    )


def _likeness(asked: set[str], in_title: set[str], one: ResolvedSession) -> int:
    """From 0 to 100: how much of what is asked stands there, words of the title counting twice."""
    theirs, their_title = set(telling_words(one.title, one.problem, one.summary, one.root_cause)), set(telling_words(one.title))
    if not asked:
        return 0
    shared = len(asked & theirs) + len(in_title & their_title) + 2 * len(misspelt(in_title - theirs, their_title))
    return min(100, round(100 * shared / (min(len(asked), ENOUGH) + len(in_title))))


def misspelt(words: Iterable[str], known: Iterable[str]) -> set[str]:
    """Those of the words that are one of the known ones but for a slip of the pen."""
    theirs = [_pieces(word) for word in known]
    ours = {word: _pieces(word) for word in words}
    return {word for word, pieces in ours.items() if any(_alike(pieces, one) for one in theirs)}


def _alike(ours: set[str], theirs: set[str]) -> bool:
    return 2 * len(ours & theirs) >= ALIKE * (len(ours) + len(theirs))


def _pieces(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
