"""What a query asks for, what a text is found by, and what a snippet shows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.insights.search import LONGEST_SNIPPET, MOST_SPANS, Part, looks, period_headings, snippet, time_headings
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.query import LONGEST_QUERY, LONGEST_WORD, Query, Term, folded, is_typo, spellings, tokens, words


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("printer Offline", [("printer",), ("offline",)]),
        ('"printer offline"', [("printer", "offline")]),
        ('"printer off', [("printer", "off")]),
        ("0x80070005", [("0x80070005",)]),
        ("-2147467259", [("2147467259",)]),
        ("SRV-DC01.contoso.local", [("srv", "dc01", "contoso", "local")]),
        (r"\\share\x", [("share", "x")]),
        ("#12345", [("12345",)]),
        ("-without", [("without",)]),
        ("-a -b", [("a",), ("b",)]),
        ("printer printer", [("printer",)]),
        ("Stra\u00dfe e\u0301te\u0301", [("strasse",), ("\u00e9t\u00e9",)]),
    ],
)
def test_what_is_typed_becomes_what_must_be_found(said: str, found: list[tuple[str, ...]]) -> None:
    assert found == [term.words for term in Query.parsed(said).terms]
    assert () == Query.parsed(said).without


def test_a_minus_excludes_beside_another_word() -> None:
    query = Query.parsed('printer -toner -"out of paper" -2147467259')

    assert [("printer",), ("2147467259",)] == [term.words for term in query.terms]
    assert [("toner",), ("out", "of", "paper")] == [term.words for term in query.without]


def test_a_run_must_stand_together_and_a_phrase_must_follow() -> None:
    assert (Term(("srv", "dc01"), ("srv dc01",)),) == Query.parsed("srv-dc01").terms
    assert (Term(("srv", "dc01"), ("srv", "dc01"), is_phrase=True),) == Query.parsed('"srv dc01"').terms


@pytest.mark.parametrize("said", ["", "  ", '""', "- --", "…!", "x" * (LONGEST_QUERY + 1), " ".join(f"w{n}" for n in range(65))])
def test_what_says_no_word_or_too_many_is_refused(said: str) -> None:
    with pytest.raises(InvalidValue, match=r"^q: "):
        Query.parsed(said)


def test_a_text_is_found_by_its_words_and_by_two_that_stand_together() -> None:
    assert ["see", "c", "temp", "c temp", ["a", "b"][0], "b", "a b"] == list(tokens(r"See C:\TEMP a_b"))


@pytest.mark.parametrize("typed", ["priner", "prinnter", "prinyer", "pritner", "rinter", "printre", "printers"])
def test_one_slip_is_a_typo(typed: str) -> None:
    assert is_typo(typed, "printer")
    assert not spellings(typed).isdisjoint(spellings("printer"))


@pytest.mark.parametrize(("typed", "meant"), [("printer", "printer"), ("prnter1", "printer"), ("pinetr", "printer"), ("prit", "prin")])
def test_two_slips_codes_and_short_words_are_none(typed: str, meant: str) -> None:
    assert not is_typo(typed, meant)


@given(st.text(alphabet="abcde", min_size=4, max_size=8), st.text(alphabet="abcde", min_size=5, max_size=8))
def test_whatever_is_a_typo_is_found_by_its_spellings(typed: str, meant: str) -> None:
    assert not is_typo(typed, meant) or not spellings(typed).isdisjoint(spellings(meant))


def test_the_last_word_may_be_a_beginning() -> None:
    assert ("offline", "official") == Query.parsed("printer offl").alike("offl", ["offline", "toner"]) + Query.parsed("offi").alike(
        "offi", ["official"]
    )
    assert () == Query.parsed("offl ").alike("offl", ["offline"])
    assert () == Query.parsed('"offl"').alike("offl", ["offline"])


def test_what_follows_a_beginning_in_quotes_or_in_a_run_stands_for_nothing_else() -> None:
    assert () == Query.parsed("srv-printer").alike("srv printer", ["printer"])


def test_a_snippet_is_parts_of_text_with_what_matched() -> None:
    assert (Part(text="<b>The "), Part(text="Printer", hit=True), Part(text="</b> is off")) == snippet(
        "<b>The Printer</b> is off", Query.parsed("printer")
    )
    assert (Part(text="nothing here"),) == snippet("nothing here", Query.parsed("printer"))
    assert () == snippet("", Query.parsed("printer"))


@given(st.text(), st.text(min_size=1))
def test_a_snippet_is_a_piece_of_the_text_and_no_longer_than_it_may_be(text: str, said: str) -> None:
    try:
        query = Query.parsed(said)
    except InvalidValue:
        return
    shown = "".join(part.text for part in snippet(text, query))

    assert shown in text
    assert len(shown) <= LONGEST_SNIPPET


@given(st.text(alphabet="ab_ -\u00c4\u00e4\u00df\u2026\ufb01", max_size=60), st.text(min_size=1))
def test_a_snippet_marks_each_word_that_was_asked_for_and_no_part_of_another(text: str, said: str) -> None:
    query = Query.parsed("a ab \u00e4 ss fi " + " ".join(words(said)[:50]))
    found = [*words(text)]

    assert [word for word in found if word in query.shown] == [folded(part.text) for part in snippet(text, query) if part.hit]


@pytest.mark.parametrize("said", [r"C:\Windows\System32", '"windows system32"', r"update C:\Windows\System32"])
def test_a_snippet_shows_what_was_pasted_where_it_stands_in_one_piece(said: str) -> None:
    text = r"C:\Program Files, Windows Update, System32 by itself; " + "nothing of it " * 40 + r"then c:\windows\SYSTEM32 is full"

    shown = "".join(part.text for part in snippet(text, Query.parsed(said)))

    assert shown.endswith(r"then c:\windows\SYSTEM32 is full")


def test_a_snippet_of_words_with_another_between_them_is_where_the_first_stands() -> None:
    text = r"Windows or System32: " + "nothing of it " * 40 + "windows, or else system32"

    assert snippet(text, Query.parsed('"windows system32"'))[0] == Part(text="Windows", hit=True)


def test_a_snippet_marks_words_longer_than_words_are_told_apart_by() -> None:
    long = "x" * (LONGEST_WORD + 1)

    assert (Part(text="an "), Part(text=long, hit=True)) == snippet(f"an {long}", Query.parsed(long))


@given(st.text())
def test_every_word_of_a_text_is_found_by_itself(text: str) -> None:
    found = set(tokens(text))

    assert found >= set(words(text))
    for word in text.split():
        try:
            query = Query.parsed(word)
        except InvalidValue:
            continue
        assert found >= set(query.tokens)


_MOMENTS = st.datetimes(timezones=st.just(UTC))
_OF_OUR_TIME = st.datetimes(datetime(1901, 1, 1), datetime(2098, 12, 31), timezones=st.just(UTC))


@given(at=_MOMENTS, start=_MOMENTS, end=_MOMENTS)
def test_what_is_of_a_time_stands_under_one_of_its_headings(at: datetime, start: datetime, end: datetime) -> None:
    start, at, end = sorted((start, at, end))

    for since, until in ((start, end), (start, None), (None, end), (None, None)):
        assert 1 == len(set(period_headings(since, until)) & set(time_headings(at))), (since, until)


@given(at=_OF_OUR_TIME, start=_OF_OUR_TIME, days=st.integers(0, MOST_SPANS - 1))
def test_what_is_of_another_day_stands_under_none_of_a_week(at: datetime, start: datetime, days: int) -> None:
    is_then = start.date() <= at.date() <= start.date() + timedelta(days=days)

    assert is_then is bool(set(period_headings(start, start + timedelta(days=days))) & set(time_headings(at)))


def test_a_time_has_few_headings() -> None:
    new_year = datetime(2026, 1, 1, tzinfo=UTC)

    for days in range(4_000):
        assert len(period_headings(new_year, new_year + timedelta(days=days))) <= MOST_SPANS + 1
    for since, until in ((new_year, None), (None, new_year)):
        assert len(period_headings(since, until)) <= 40


def test_who_wants_what_is_to_be_left_out_is_told_that_there_is_nothing() -> None:
    assert Query.parsed("heron -heron").excludes_itself
    assert not Query.parsed('heron -"heron egret"').excludes_itself


def test_of_a_query_of_many_words_fewer_are_looked_at() -> None:
    assert (500, 1_500, 10_000, 100_000, 1_000_000) == looks(2)
    assert (200, 1_500, 10_000, 100_000, 666_666) == looks(3)
    assert (200, 1_500, 10_000, 20_000) == looks(100)
    assert (200, 500) == looks(1_000_000)
