"""Similar sessions: what solved something like this before, in the same account."""

import re
from collections.abc import Iterable
from typing import Final

from attrs import frozen

from .identifiers import SessionId

MOST_WORDS: Final = 40
_WORD: Final = re.compile(r"[^\W_]{3,40}")
# fmt: off
_NOISE: Final = frozenset((
    "and", "are", "but", "can", "cannot", "for", "from", "get", "gets", "got", "had", "has", "have", "her", "his", "how", "its",
    "not", "now", "off", "one", "our", "out", "she", "since", "that", "the", "their", "them", "then", "there", "they", "this",
    "today", "two", "was", "were", "what", "when", "where", "which", "who", "why", "will", "with", "you", "your", "after",
    "again", "all", "also", "any", "been", "before", "being", "does", "doing", "done", "down", "each", "every", "into", "just",
    "like", "more", "most", "new", "nothing", "only", "other", "over", "please", "same", "seen", "some", "still", "than", "tried",
    "try", "user", "users", "very", "who", "work", "working", "works", "der", "die", "das", "und", "ist", "nicht", "ein", "eine",
    "mit", "auf", "für", "von",
))
# fmt: on
"""Words that say nothing about a problem."""


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


def telling_words(*texts: str | None) -> tuple[str, ...]:
    """The words that say what a text is about, folded, each once, in their order."""
    words: Iterable[str] = (word for text in texts if text for word in _WORD.findall(text.casefold()))
    return tuple(dict.fromkeys(word for word in words if word not in _NOISE and not word.isdecimal()))[:MOST_WORDS]
