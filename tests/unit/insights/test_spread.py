"""Medians and percentiles are ranks, and exact."""

import math
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.insights.spread import CLASSES, LONGER, Spread, classed, p90_rank

WAITS = st.lists(st.timedeltas(timedelta(), timedelta(days=4000)), min_size=1, max_size=200)


def test_nothing_has_no_spread() -> None:
    assert Spread(count=0, median=None, p90=None, mean=None, max=None) == Spread.of([])


@pytest.mark.parametrize(("seconds", "middle", "p90"), [([7], 7, 7), ([1, 2], 1.5, 2), ([3, 1, 2], 2, 3), ([*range(1, 11)], 5.5, 9)])
def test_the_middle_and_the_ninetieth(seconds: list[int], middle: float, p90: int) -> None:
    spread = Spread.of([timedelta(seconds=one) for one in seconds])

    assert (timedelta(seconds=middle), timedelta(seconds=p90)) == (spread.median, spread.p90)


@given(WAITS)
def test_it_is_what_its_definitions_say(waits: list[timedelta]) -> None:
    ordered, spread = sorted(waits), Spread.of(waits)

    assert (len(waits), ordered[-1], sum(waits, timedelta()) / len(waits)) == (spread.count, spread.max, spread.mean)
    assert (ordered[(len(waits) - 1) // 2] + ordered[len(waits) // 2]) / 2 == spread.median
    assert ordered[math.ceil(Fraction(9, 10) * len(waits)) - 1] == spread.p90


@given(st.integers(1, 10**9))
def test_the_rank_is_the_ceiling_of_nine_tenths_however_many_there_are(count: int) -> None:
    assert math.ceil(Fraction(9 * count, 10)) == p90_rank(count)


@given(WAITS)
def test_each_wait_is_in_the_first_class_that_it_is_shorter_than(waits: list[timedelta]) -> None:
    of = [next((name for name, bound in CLASSES.items() if wait < bound), LONGER) for wait in waits]

    assert {name: of.count(name) for name in (*CLASSES, LONGER)} == classed(waits)
