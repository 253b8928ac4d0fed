"""How many mails a person gets in a minute."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.notifications.mail_rate import Pace
from flowpilot_core.testing.builders import NOON

SECOND = timedelta(seconds=1)


def test_the_first_few_go_at_once_and_the_next_when_the_minute_is_over() -> None:
    pace = Pace(most=2)

    assert pace.free_at([], at=NOON) is None
    assert pace.free_at([NOON], at=NOON + SECOND) is None
    assert NOON + 60 * SECOND == pace.free_at([NOON, NOON + SECOND], at=NOON + 2 * SECOND)
    assert pace.free_at([NOON, NOON + SECOND], at=NOON + 60 * SECOND) is None


@given(st.lists(st.integers(0, 600), min_size=1, max_size=60), st.integers(1, 6))
def test_no_minute_ever_has_more_than_so_many(arrivals: list[int], most: int) -> None:
    """Whoever waits until they may, and asks again then, never gets past the bound; and nobody waits longer than it takes."""
    pace = Pace(most=most)
    sent: list[datetime] = []
    for arrival in sorted(arrivals):
        at = max([NOON + arrival * SECOND, *sent])
        while until := pace.free_at(sent, at=at):
            assert at < until <= at + pace.within
            at = until
        sent.append(at)

    for place, first in enumerate(sent):
        assert len([when for when in sent[place:] if when < first + pace.within]) <= most
