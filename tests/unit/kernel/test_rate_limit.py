"""So many in so long."""

from datetime import timedelta

from flowpilot_core.domain.kernel.rate_limit import Rate, Tally

RATE = Rate(most=2, within=timedelta(minutes=1))


def _after(*times: float) -> Tally | None:
    tally = None
    for at in times:
        tally = RATE.counted(tally, at=at)
    return tally


def test_there_is_room_until_there_were_too_many() -> None:
    assert [0, 0, 50] == [RATE.wait(_after(*times), at=110) for times in ((), (100,), (100, 105))]


def test_the_first_one_says_when_it_is_counted_anew() -> None:
    full = _after(100, 150)

    assert [1, 0] == [RATE.wait(full, at=at) for at in (159, 160)]
    assert Tally(since=160, count=1) == RATE.counted(full, at=160)
