"""Which trees fit a session, by the words that both are about."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from attrs import frozen

from flowpilot_core.domain.kernel.words import VAGUE, stem, telling_words

from .content import Content

MOST_FITTING: Final = 10
MOST_WORDS: Final = 400
"""Of one tree."""
LEAST_ALIKE: Final = 10
"""Less is chance."""
# fmt: off
_COMMON: Final = VAGUE | {stem(word) for word in (
    "about", "almost", "already", "always", "another", "asks", "because", "become", "begins", "call", "called", "company", "could",
    "customer", "day", "days", "desk", "end", "ended", "even", "evening", "everybody", "everyone", "firm", "friday", "front", "gone",
    "happens", "help", "hour", "law", "lose", "lost", "machine", "many", "minute", "monday", "month", "morning", "much", "must",
    "needs", "never", "nobody", "noon", "often", "people", "person", "saturday", "second", "should", "somebody", "someone",
    "sometimes", "soon", "staff", "sunday", "team", "these", "thing", "those", "three", "thursday", "times", "tuesday", "until",
    "urgent", "want", "wednesday", "week", "while", "without", "would", "year", "yesterday",
)}
# fmt: on
"""Stems of words that stand in any problem: who has it, since when, how badly; of what it is about they say nothing."""
IN_NAME: Final = 3
"""A word in the name of a tree weighs so many times one in its nodes."""


class Worded(Protocol):
    """What a tree is searched by."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def description(self) -> str | None:
        """What it is for."""

    @property
    def words(self) -> tuple[str, ...]:
        """What all of it is about."""


T = TypeVar("T", bound=Worded)


@frozen
class Fitting:
    """How much a tree fits, from 0 to 100, and the session's words that say so, the best first."""

    score: int
    because: tuple[str, ...]


def about(name: str, description: str | None, content: Content) -> tuple[str, ...]:
    """Stems of the words that a tree is about, each once."""
    texts = (name, description, *(text for node in content.nodes for text in (node.text, *(answer.label for answer in node.answers))))
    return tuple(dict.fromkeys(stem(word) for text in texts if text for word in telling_words(text)))[:MOST_WORDS]


def asked(*texts: str | None) -> Mapping[str, str]:
    """The words that texts are about: each stem with the word as it stands there."""
    found: dict[str, str] = {}
    for word in telling_words(*texts):
        found.setdefault(stem(word), word)
    return found


def fitting(
    title: str,
    about: Sequence[str | None],
    trees: Iterable[T],
    worth: Callable[[T], float] = lambda _: 1,
    *,
    client_name: str | None = None,
) -> tuple[tuple[T, Fitting], ...]:
    """The trees that fit at all, best first: a word counts the more, the fewer of these trees it is about.

    Words that stand in any problem count nothing, nor do those of the client's name. `worth` is what a tree's score is multiplied by
    where it is ranked, whatever its score says.
    """
    candidates = tuple(trees)
    nothing = _COMMON | asked(client_name).keys()
    words, in_title = {word: said for word, said in asked(title, *about).items() if word not in nothing}, asked(title)
    having = Counter(word for tree in candidates for word in set(tree.words) & words.keys())
    weight = {word: math.log((len(candidates) + 1) / count) * (2 if word in in_title else 1) for word, count in having.items()}
    # What no tree is about says nothing of any of them.
    whole = sum(weight.values()) * IN_NAME
    found = ((tree, _fitting(tree, words, weight, whole)) for tree in candidates)
    kept = [(tree, one) for tree, one in found if one.score >= LEAST_ALIKE]
    return tuple(sorted(kept, key=lambda pair: (-pair[1].score * worth(pair[0]), pair[0].name))[:MOST_FITTING])


def _fitting(tree: Worded, words: Mapping[str, str], weight: Mapping[str, float], whole: float) -> Fitting:
    named = asked(tree.name, tree.description).keys()
    worth = {word: weight[word] * (IN_NAME if word in named else 1) for word in dict.fromkeys(tree.words) if word in weight}
    best = sorted(worth, key=lambda word: (-worth[word], word))
    if len(best) == 1 and best[0] not in named:
        # One word somewhere in a tree is chance, whatever there is to compare it with.
        return Fitting(0, ())
    return Fitting(round(100 * sum(worth.values()) / whole) if whole else 0, tuple(words[word] for word in best))
