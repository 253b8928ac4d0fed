"""What many thumbs prove."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.sessions.feedback import Thumbs

MANY = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("up", "down", "bound"), [(0, 0, 0.0), (1, 0, 0.2065), (0, 1, 0.0), (8, 2, 0.4902), (80, 20, 0.7112), (10, 0, 0.7225)]
)
def test_the_bound_is_wilsons(up: int, down: int, bound: float) -> None:
    assert bound == round(Thumbs(up=up, down=down).lower_bound, 4)


@given(MANY, MANY)
def test_the_bound_is_no_more_than_the_share_and_one_more_thumb_moves_it_its_way(up: int, down: int) -> None:
    bound = Thumbs(up=up, down=down).lower_bound

    assert -1e-9 <= bound <= up / max(1, up + down)
    assert bound < Thumbs(up=up + 1, down=down).lower_bound
    assert bound + 1e-9 >= Thumbs(up=up, down=down + 1).lower_bound
