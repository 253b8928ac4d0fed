"""What many opinions come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.knowledge.rating import Stars, Thumbs

VOTES = st.integers(0, 10_000)


def test_without_votes_a_subject_has_what_everything_begins_with() -> None:
    assert 3.5 == Stars().mean
    assert 0.0 == Thumbs().lower_bound


@given(st.lists(st.integers(1, 5), max_size=100))
def test_the_mean_lies_between_the_votes_and_the_prior(votes: list[int]) -> None:
    mean = Stars(count=len(votes), total=sum(votes)).mean

    assert (5 * 3.5 + sum(votes)) / (5 + len(votes)) == mean
    assert min([*votes, 3.5]) <= mean <= max([*votes, 3.5])


@pytest.mark.parametrize(("up", "down", "bound"), [(1, 0, 0.2065), (10, 0, 0.7225), (9, 1, 0.5958), (0, 5, 0.0), (60, 40, 0.5020)])
def test_thumbs_speak_for_the_share_that_wilson_says(up: int, down: int, bound: float) -> None:
    assert bound == pytest.approx(Thumbs(up=up, down=down).lower_bound, abs=0.0001)


@given(VOTES, VOTES)
def test_the_bound_is_below_the_share_and_rises_with_votes(up: int, down: int) -> None:
    bound = Thumbs(up=up, down=down).lower_bound

    assert 0.0 <= bound <= (up / (up + down) if up + down else 0.0)
    assert bound <= Thumbs(up=up + 1, down=down).lower_bound
