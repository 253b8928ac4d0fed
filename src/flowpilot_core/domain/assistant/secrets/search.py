"""Finding any number of words in a text, in one pass over it."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from attrs import define, field

Place = tuple[int, int, int]
"""Which word stands somewhere, by its number, from where and to where."""
Find = Callable[[str], Iterable[Place]]


class Search(Hashable, Protocol):
    """Makes ready for words, to find them in any number of texts, each in time that grows with the text and what is found."""

    def __call__(self, words: Sequence[str], *, each: bool) -> Find:
        """Where `words`, each given once and none empty, stand in a text.

        With `each` every place of every word is found. Without, no more places than the text has characters: where words overlap, at
        least those that begin first.
        """


_ROOT: Final = 0


@define
class _Automaton:
    """Aho and Corasick's: "Efficient string matching: an aid to bibliographic search", 1975."""

    lengths: list[int]
    goes: list[dict[str, int]] = field(factory=lambda: [{}])
    """From each state, by the next character."""
    falls: list[int] = field(factory=lambda: [_ROOT])
    """The state of the longest end of what was read that goes on, where the next character does not."""
    ends: list[int] = field(factory=lambda: [-1])
    """The longest word that ends in each state; -1 for none."""
    shorter: dict[int, int] = field(factory=dict)
    """The longest word that ends where another does, by the other."""

    @classmethod
    def of(cls, words: Sequence[str]) -> "_Automaton":
        made = cls([len(word) for word in words])
        for number, word in enumerate(words):
            state = _ROOT
            for sign in word:
                state = made.goes[state].get(sign) or made._grown(state, sign)
            made.ends[state] = number
        waiting = deque(made.goes[_ROOT].values())
        while waiting:
            state = waiting.popleft()
            for sign, following in made.goes[state].items():
                waiting.append(following)
                fall = made.falls[following] = made._from(made.falls[state], sign)
                if made.ends[fall] >= 0:
                    if made.ends[following] < 0:
                        made.ends[following] = made.ends[fall]
                    else:
                        made.shorter[made.ends[following]] = made.ends[fall]
        return made

    def _grown(self, state: int, sign: str) -> int:
        self.goes.append({})
        self.falls.append(_ROOT)
        self.ends.append(-1)
        self.goes[state][sign] = len(self.goes) - 1
        return len(self.goes) - 1

    def _from(self, state: int, sign: str) -> int:
        while state != _ROOT and sign not in self.goes[state]:
            state = self.falls[state]
        return self.goes[state].get(sign, _ROOT)

    def longest(self, text: str) -> Iterator[Place]:
        """The longest word that ends at each place where one does."""
        state, goes, falls, ends = _ROOT, self.goes, self.falls, self.ends
        for at, sign in enumerate(text, 1):
            while state != _ROOT and sign not in goes[state]:
                state = falls[state]
            state = goes[state].get(sign, _ROOT)
            if (number := ends[state]) >= 0:
                yield number, at - self.lengths[number], at

    def each(self, text: str) -> Iterator[Place]:
        """Every word that ends at each place."""
        for number, start, end in self.longest(text):
            yield number, start, end
            shorter = self.shorter.get(number)
            while shorter is not None:
                yield shorter, end - self.lengths[shorter], end
                shorter = self.shorter.get(shorter)


def search_in_python(words: Sequence[str], *, each: bool) -> Find:
    """As `Search` says, with nothing but Python: a megabyte is some tenths of a second."""
    automaton = _Automaton.of(words)
    return partial(_Automaton.each if each else _Automaton.longest, automaton)
