"""Two ways to find words in a text, which find the same: the core's own, and the server's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_adapters.redaction import search as search_of_the_server
from flowpilot_core.domain.assistant.secrets.search import Search, search_in_python

BOTH = pytest.mark.parametrize("search", [search_in_python, search_of_the_server], ids=["the core's", "the server's"])
FEW = st.text(alphabet="abé😀", max_size=40)
WORDS = st.lists(st.text(alphabet="abé😀", min_size=1, max_size=6), max_size=8, unique=True)


def places(words: list[str], text: str) -> set[tuple[int, int, int]]:
    """Every place of every word, looked for one by one."""
    return {
        (number, at, at + len(word)) for number, word in enumerate(words) for at in range(len(text)) if text[at : at + len(word)] == word
    }


@BOTH
@given(words=WORDS, text=FEW)
def test_every_place_of_every_word_is_found_once(search: Search, words: list[str], text: str) -> None:
    found = list(search(words, each=True)(text))

    assert sorted(places(words, text)) == sorted(found)


@BOTH
@given(words=WORDS, text=FEW)
def test_of_words_that_overlap_those_are_found_that_begin_first(search: Search, words: list[str], text: str) -> None:
    found = list(search(words, each=False)(text))

    covered = {at for _, start, end in found for at in range(start, end)}
    free = 0
    for _, start, end in sorted(places(words, text), key=lambda place: (place[1], -place[2])):
        if start >= free:
            assert set(range(start, end)) <= covered
            free = end
    assert set(found) <= places(words, text)
    assert len(found) <= len(text)


@BOTH
def test_where_there_are_no_words_nothing_is_found(search: Search) -> None:
    assert [] == list(search([], each=False)("password"))
