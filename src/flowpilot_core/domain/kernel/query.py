"""Queries: what somebody asks for in words, and how a text is cut into what it is found by.

A text is found by its words, and by each two of them that stand in one run without a blank: so an error code, a host or a piece of a path
is found as it stands, and nobody has to say what it is. Everything here takes time in proportion to what it reads.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from attrs import frozen

from .errors import InvalidValue

LONGEST_QUERY: Final = 1_000
"""Characters that may be searched for."""
MOST_TOKENS: Final = 64
"""That a query may ask for."""
LONGEST_WORD: Final = 64
SHORTEST_MISSPELT: Final = 5
"""Letters of a word in a title that is found with a typo."""
SHORTEST_BEGINNING: Final = 3
"""Letters of a word that somebody is still typing."""
MOST_ALIKE: Final = 5
"""Words of titles that one word of a query may stand for."""

_RUN: Final = re.compile(r"\S+")
WORD: Final = re.compile(r"[^\W_]+")


def composed(text: str) -> str:
    """A text in the one way of several that Unicode has to write it."""
    return unicodedata.normalize("NFC", text)


def folded(word: str) -> str:
    """A word as it is looked up, however it is written."""
    return unicodedata.normalize("NFKC", word).casefold()[:LONGEST_WORD]


def words(text: str) -> tuple[str, ...]:
    """All words of a text, in their order."""
    return tuple(folded(found[0]) for found in WORD.finditer(composed(text)))


def tokens(text: str) -> Iterator[str]:
    """What a text is found by: its words, and each two of one run as `first second`."""
    for run in _RUN.finditer(composed(text)):
        found = [folded(word[0]) for word in WORD.finditer(run[0])]
        yield from found
        yield from _pairs(found)


def spellings(word: str) -> frozenset[str]:
    """The word, and all that it becomes when a letter is left out: of two words a typo apart, one of these is the same."""
    if len(word) < SHORTEST_MISSPELT - 1 or not word.isalpha():
        return frozenset({word})
    return frozenset({word, *(word[:place] + word[place + 1 :] for place in range(len(word)))})


def is_typo(typed: str, meant: str) -> bool:
    """Whether one letter of `meant` was left out, put in, put wrong or put in its neighbour's place."""
    if typed == meant or len(meant) < SHORTEST_MISSPELT or not (typed.isalpha() and meant.isalpha()):
        return False
    same = next((place for place, (one, other) in enumerate(zip(typed, meant, strict=False)) if one != other), min(len(typed), len(meant)))
    one, other = typed[same:], meant[same:]
    return one[1:] == other or one == other[1:] or one[1:] == other[1:] or (one[:2] == other[1::-1] and one[2:] == other[2:])


@frozen
class Term:
    """Something that must be found, or must not: a word, a run such as a host or a path, or a phrase in quotes."""

    words: tuple[str, ...]
    tokens: tuple[str, ...]
    is_phrase: bool = False
    """Whether its words stand in several runs, and must follow each other."""

    @property
    def word(self) -> str | None:
        """The word, where it is nothing else."""
        return self.words[0] if len(self.words) == 1 else None

    def follows_in(self, found: Sequence[str]) -> bool:
        """Whether its words follow each other among these."""
        length = len(self.words)
        return any(tuple(found[place : place + length]) == self.words for place in range(len(found) - length + 1))


@frozen(kw_only=True)
class Query:
    """What somebody searches for."""

    terms: tuple[Term, ...]
    """All of them must be found."""
    without: tuple[Term, ...] = ()
    """None of them may be."""
    is_unfinished: bool = False
    """Whether its last word may be the beginning of one."""

    @classmethod
    def parsed(cls, said: str) -> "Query":
        """Words, `"a phrase"`, `-without`, and whatever else is pasted, as it stands. Raises `InvalidValue`."""
        if len(said) > LONGEST_QUERY:
            raise InvalidValue("q", f"is longer than {LONGEST_QUERY} characters")
        parts = list(_parts(composed(said)))
        wanted = [term for term, minus in parts if not minus]
        without = [term for term, minus in parts if minus]
        if not wanted:
            # A minus excludes only beside another word.
            wanted, without = without, []
        if not wanted:
            raise InvalidValue("q", "must have a word in it")
        if sum(len(term.tokens) for term in (*wanted, *without)) > MOST_TOKENS:
            raise InvalidValue("q", f"has more than {MOST_TOKENS} words")
        last = said[-1:]
        return cls(terms=tuple(dict.fromkeys(wanted)), without=tuple(dict.fromkeys(without)), is_unfinished=last.isalpha())

    @property
    def tokens(self) -> tuple[str, ...]:
        """All that must be found, each once."""
        return tuple(dict.fromkeys(token for term in self.terms for token in term.tokens))

    @property
    def single(self) -> frozenset[str]:
        """Words that stand by themselves, and so may stand for others in titles."""
        return frozenset(word for term in self.terms if (word := term.word))

    @property
    def beginning(self) -> str | None:
        """The word that somebody may still be typing."""
        word = self.terms[-1].word
        return word if self.is_unfinished and word and len(word) >= SHORTEST_BEGINNING else None

    def alike(self, word: str, among: Iterable[str]) -> tuple[str, ...]:
        """Of words of titles, those that a token of the query may stand for, besides itself."""
        if word not in self.single:
            return ()
        begins = self.beginning == word
        found = {one for one in among if one != word and (is_typo(word, one) or (begins and one.startswith(word)))}
        return tuple(sorted(found, key=lambda one: (not is_typo(word, one), len(one), one))[:MOST_ALIKE])

    @classmethod
    def narrowing(cls, said: str | None) -> "Query | None":
        """What a list is narrowed to; None where no word is said. Raises `InvalidValue` as `parsed` does."""
        return cls.parsed(said) if said and words(said) else None

    def fits(self, *texts: str | None) -> bool:
        """Whether a list that is narrowed to it has what these texts are of: a word that stands alone may be a piece of one there."""
        found = words(" ".join(text for text in texts if text))
        return all(_is_among(term, found) for term in self.terms) and not any(term.follows_in(found) for term in self.without)

    @property
    def excludes_itself(self) -> bool:
        """Whether nothing can be what it asks for."""
        return not set(self.without).isdisjoint(self.terms)

    @property
    def shown(self) -> frozenset[str]:
        """Words to mark in what is found."""
        return frozenset(word for term in self.terms for word in term.words)

    @property
    def runs(self) -> tuple[tuple[str, ...], ...]:
        """Words that follow each other in what is looked for: of a phrase, or of what was pasted."""
        return tuple(term.words for term in self.terms if term.word is None)


def _is_among(term: Term, found: Sequence[str]) -> bool:
    return term.follows_in(found) if term.word is None else any(term.word in word for word in found)


def _parts(said: str) -> Iterator[tuple[Term, bool]]:
    """Each part of a query, with whether a minus stands before it."""
    place = 0
    while found := _RUN.search(said, place):
        start, end = found.span()
        minus = said[start] == "-" and end - start > 1
        opening = start + minus
        if said[opening] == '"':
            closing = said.find('"', opening + 1)
            end = len(said) if closing < 0 else closing + 1
            term = _term(said[opening + 1 : end].rstrip('"'))
        else:
            term = _term(said[opening:end])
        place = end
        if term is not None:
            # -2147467259 is an error code.
            yield term, minus and not said[opening:end].isdecimal()


def _term(said: str) -> Term | None:
    runs = [found for run in _RUN.finditer(said) if (found := words(run[0]))]
    if not runs:
        return None
    needed = (token for run in runs for token in (run if len(run) == 1 else _pairs(run)))
    return Term(tuple(word for run in runs for word in run), tuple(dict.fromkeys(needed)), is_phrase=len(runs) > 1)


def _pairs(run: Sequence[str]) -> Iterator[str]:
    return (f"{one} {other}" for one, other in pairwise(run))
