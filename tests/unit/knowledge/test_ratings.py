"""What many opinions come to."""

from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.knowledge.rating import Stars


def test_without_votes_a_subject_has_what_everything_begins_with() -> None:
    assert 3.5 == Stars().mean


@given(st.lists(st.integers(1, 5), max_size=100))
def test_the_mean_lies_between_the_votes_and_the_prior(votes: list[int]) -> None:
    mean = Stars(count=len(votes), total=sum(votes)).mean

    assert (5 * 3.5 + sum(votes)) / (5 + len(votes)) == mean
    assert min([*votes, 3.5]) <= mean <= max([*votes, 3.5])


@given(st.lists(st.integers(1, 5), max_size=100))
def test_stars_move_a_rank_by_no_more_than_a_quarter(votes: list[int]) -> None:
    stars = Stars(count=len(votes), total=sum(votes))

    assert 0.75 <= stars.worth <= 1.15
    assert (stars.mean > 3.5) == (stars.worth > 1)
