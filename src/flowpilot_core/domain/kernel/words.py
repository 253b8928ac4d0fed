"""Words: those of a text that say what it is about, and when two of them are one."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from .text import beginnings

MOST_WORDS: Final = 40
MOST_READ: Final = 8 * 1024
"""Characters in which it shows what something is about."""
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
_ENDING: Final = re.compile(r"(?:ings?|ers?|ed|es|s|e)$")
_SHORTEST_STEM: Final = 3
VAGUE: Final = frozenset((
    "anoth", "back", "both", "broken", "caus", "chang", "check", "fail", "fault", "first", "found", "good", "last", "look", "mak", "mov",
    "night", "old", "onc", "problem", "put", "read", "reason", "remov", "replac", "restart", "right", "run", "set", "someth", "step",
    "test", "tim", "took", "tri", "us", "wrong",
))  # fmt: skip
"""Stems of words that stand in any hypothesis and any step: of what was done or how it was, and not of what to."""


def telling_words(*texts: str | None) -> tuple[str, ...]:
    """The words that say what texts are about, folded, each once, in their order. Of long texts the beginnings are read."""
    read = beginnings([text for text in texts if text], each=MOST_READ, together=MOST_READ)
    words = (found[0] for text in read for found in _WORD.finditer(text.casefold()))
    telling = (word for word in words if word not in _NOISE and not word.isdecimal())
    return tuple(islice(_each_once(telling), MOST_WORDS))


def _each_once(words: Iterable[str]) -> Iterator[str]:
    seen = set[str]()
    for word in words:
        if word not in seen:
            seen.add(word)
            yield word


def stem(word: str) -> str:
    """What is left of a word where one thing is told of as one, as several, or as what was done with it: `print` of `printers`."""
    cut = _ENDING.sub("", word)
    return cut if len(cut) >= _SHORTEST_STEM else word


def things(*texts: str | None) -> frozenset[str]:
    """Stems of the words that say which things a text is about."""
    return frozenset(stem(word) for word in telling_words(*texts)) - VAGUE
