"""Working hours by the clock on the wall, over every way in which it jumps."""

import sys
from datetime import UTC, date, datetime, timedelta
from types import FrameType
from zoneinfo import ZoneInfo

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.notifications.working_hours import MINUTES, WEEK, Hours, OtherDay, Shift, Span, Weekday

VIENNA = "Europe/Vienna"
NINE_TO_FIVE = tuple(Shift(day=day, span=Span(start=9 * 60, end=17 * 60)) for day in WEEK[:5])

JUMPS = {
    "Europe/Vienna, spring": ("Europe/Vienna", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    "Europe/Vienna, autumn": ("Europe/Vienna", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/New_York, spring": ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    "America/New_York, autumn": ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "Lord Howe, half an hour, back": ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    "Lord Howe, half an hour, forward": ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    "Santiago, at midnight, forward": ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
    "Santiago, at midnight, back": ("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    "Chatham, three quarters of an hour off": ("Pacific/Chatham", datetime(2026, 9, 26, 14, tzinfo=UTC)),
    "Apia, which left out a whole day": ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    "Caracas, which moved for good": ("America/Caracas", datetime(2016, 5, 1, 7, tzinfo=UTC)),
    "Kathmandu, which never jumps": ("Asia/Kathmandu", datetime(2026, 3, 29, 1, tzinfo=UTC)),
}


def at(text: str, where: str = VIENNA, *, fold: int = 0) -> datetime:
    """A time on the wall, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(where), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("wall", "works"),
    [
        ("2026-03-02 08:59:59", False),
        ("2026-03-02 09:00", True),
        ("2026-03-02 16:59:59", True),
        ("2026-03-02 17:00", False),
        ("2026-03-07 12:00", False),
        ("2026-07-01 09:00", True),
    ],
)
def test_nine_to_five_is_by_the_wall_in_winter_and_summer(wall: str, works: bool) -> None:
    assert works is Hours(time_zone=VIENNA, weekly=NINE_TO_FIVE).hold(at(wall))


def test_a_night_shift_is_of_the_day_on_which_it_begins() -> None:
    nights = Hours(time_zone=VIENNA, weekly=(Shift(day=Weekday.FRIDAY, span=Span(start=22 * 60, end=6 * 60)),))

    assert [False, True, True, False] == [
        nights.hold(at(wall)) for wall in ("2026-03-06 05:00", "2026-03-06 23:00", "2026-03-07 05:59", "2026-03-07 06:00")
    ]
    off = Hours(time_zone=VIENNA, weekly=nights.weekly, other_days=(OtherDay(date=date(2026, 3, 6)),))
    assert not off.hold(at("2026-03-07 05:00"))


def test_a_holiday_has_no_hours_and_another_day_its_own() -> None:
    hours = Hours(
        time_zone=VIENNA,
        weekly=NINE_TO_FIVE,
        other_days=(OtherDay(date=date(2026, 5, 1)), OtherDay(date=date(2026, 5, 2), spans=(Span(start=600, end=720),))),
    )

    assert [False, True, False] == [hours.hold(at(wall)) for wall in ("2026-05-01 10:00", "2026-05-02 10:00", "2026-05-02 13:00")]
    assert at("2026-05-02 10:00") == hours.next(at("2026-05-01 08:00"))
    assert at("2026-05-04 09:00") == hours.next(at("2026-05-02 12:00"))


def test_what_lies_in_the_gap_of_spring_does_not_happen() -> None:
    early = Hours(time_zone=VIENNA, weekly=(Shift(day=Weekday.SUNDAY, span=Span(start=2 * 60, end=3 * 60)),))
    longer = Hours(time_zone=VIENNA, weekly=(Shift(day=Weekday.SUNDAY, span=Span(start=2 * 60 + 30, end=4 * 60)),))
    saturday = at("2026-03-28 12:00")

    assert at("2026-04-05 02:00") == early.next(saturday)
    assert at("2026-03-29 03:00") == longer.next(saturday)


def test_an_hour_that_comes_twice_in_autumn_counts_twice() -> None:
    hours = Hours(time_zone=VIENNA, weekly=(Shift(day=Weekday.SUNDAY, span=Span(start=2 * 60, end=2 * 60 + 30)),))

    assert at("2026-10-25 02:00") == hours.next(at("2026-10-25 01:00"))
    assert at("2026-10-25 02:30") == hours.next(at("2026-10-25 02:10"), held=False)
    assert at("2026-10-25 02:00", fold=1) == hours.next(at("2026-10-25 02:40"))


def test_somebody_who_never_works_has_no_next_hour() -> None:
    never = Hours(time_zone=VIENNA)

    assert (False, None) == (never.hold(at("2026-03-02 12:00")), never.next(at("2026-03-02 12:00")))


@pytest.mark.parametrize("name", ["Vienna", "", "../etc/passwd", "Europe/", "/etc/localtime", "\0"])
def test_a_time_zone_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        Hours(time_zone=name)


spans = st.builds(
    lambda start, length: Span(start=start, end=(start + length) % (MINUTES + 1)), st.integers(0, MINUTES - 1), st.integers(1, 900)
)
weeks = st.lists(st.builds(Shift, day=st.sampled_from(Weekday), span=spans), min_size=1, max_size=9).map(tuple)


@pytest.mark.parametrize("jump", JUMPS)
@settings(max_examples=30, deadline=None)
@given(weekly=weeks, start=st.integers(-2 * MINUTES, MINUTES), held=st.booleans(), off=st.booleans())
def test_the_next_hour_is_what_somebody_finds_who_looks_at_the_wall_every_minute(
    jump: str, weekly: tuple[Shift, ...], start: int, held: bool, off: bool
) -> None:
    """F36: over every jump of the clock on the wall, the whole and the odd ones."""
    where, moment = JUMPS[jump]
    other_days = (OtherDay(date=moment.astimezone(ZoneInfo(where)).date()),) if off else ()
    hours = Hours(time_zone=where, weekly=weekly, other_days=other_days)
    begin = moment + timedelta(minutes=start)

    found = hours.next(begin, held=held)

    patience = 2 * MINUTES
    looked = (begin + timedelta(minutes=minute) for minute in range(patience))
    first = next((minute for minute in looked if _on_the_wall(hours, minute) is held), None)
    if first is not None:
        assert first == found
    else:
        assert found is None or found > begin + timedelta(minutes=patience - 1)


def _on_the_wall(hours: Hours, moment: datetime) -> bool:
    """Whether it is such an hour, minute by minute of the local days, said once more by hand."""
    local = moment.astimezone(ZoneInfo(hours.time_zone)).replace(tzinfo=None)
    off = {other.date for other in hours.other_days}
    for shift in hours.weekly:
        for back in (0, 1):
            day = local.date() - timedelta(days=back)
            if day in off or WEEK[day.weekday()] is not shift.day:
                continue
            midnight = datetime.combine(day, datetime.min.time())
            length = shift.span.end - shift.span.start
            length += MINUTES if length <= 0 else 0
            begins = midnight + timedelta(minutes=shift.span.start)
            if begins <= local < begins + timedelta(minutes=length):
                return True
    return False


def test_the_hours_of_five_years_are_counted_in_no_time() -> None:
    hours = Hours(time_zone=VIENNA, weekly=NINE_TO_FIVE)
    moment, days, worked = at("2026-01-01 00:00"), 0, timedelta()
    while (begins := hours.next(moment)) and begins < at("2031-01-01 00:00"):
        ends = hours.next(begins, held=False)
        assert ends is not None
        moment, days, worked = ends, days + 1, worked + (ends - begins)

    assert (1304, 8 * 1304) == (days, worked / timedelta(hours=1))


@define
class Calls:
    """How many functions are called meanwhile: what a computation takes, on any machine."""

    number: int = field(default=0, init=False)

    def __enter__(self) -> "Calls":
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, _frame: FrameType, what: str, _arg: object) -> None:
        self.number += what == "call"


def holidays(first: date, *, every: int = 1) -> tuple[OtherDay, ...]:
    """Four hundred of them, which is as many as may be."""
    return tuple(OtherDay(date=first + timedelta(days=number * every)) for number in range(400))


MONDAYS = (Shift(day=Weekday.MONDAY, span=Span(start=0, end=1)),)
EVERY_DAY = tuple(Shift(day=day, span=Span(start=0, end=1)) for day in WEEK)


@pytest.mark.parametrize(
    "hours",
    [
        Hours(time_zone=VIENNA),
        Hours(time_zone=VIENNA, weekly=MONDAYS),
        Hours(time_zone=VIENNA, weekly=MONDAYS, other_days=holidays(date(2026, 3, 2))),
        Hours(time_zone=VIENNA, weekly=MONDAYS, other_days=holidays(date(2026, 3, 2), every=7)),
        Hours(time_zone=VIENNA, weekly=EVERY_DAY, other_days=holidays(date(2026, 3, 1))),
        Hours(time_zone=VIENNA, weekly=NINE_TO_FIVE, other_days=holidays(date(2026, 3, 1))),
    ],
)
def test_what_it_takes_to_find_the_next_hour_does_not_grow_with_the_days_until_then(hours: Hours) -> None:
    """P11: a policy asks for it thousands of times."""
    with Calls() as calls:
        found = hours.next(at("2026-03-03 12:00"))

    assert calls.number < 400
    assert found is None or hours.hold(found)


@given(
    weekly=weeks,
    others=st.dictionaries(st.integers(-3, 30), st.lists(spans, max_size=2).map(tuple), max_size=12),
    start=st.integers(0, 5 * MINUTES),
)
@settings(max_examples=60, deadline=None)
def test_days_without_hours_are_passed_over_and_none_with_some(
    weekly: tuple[Shift, ...], others: dict[int, tuple[Span, ...]], start: int
) -> None:
    """P11: beside whoever looks at every day."""
    first = date(2026, 3, 26)
    days = tuple(OtherDay(date=first + timedelta(days=day), spans=spans) for day, spans in others.items())
    hours = Hours(time_zone=VIENNA, weekly=weekly, other_days=days)
    begin = at("2026-03-26 00:00") + timedelta(minutes=start)

    found = hours.next(begin)

    looked = (begin + timedelta(minutes=minute) for minute in range(0, 40 * MINUTES, 5))
    first_seen = next((moment for moment in looked if hours.hold(moment)), None)
    assert found is None or hours.hold(found)
    if first_seen is not None:
        assert found is not None
        assert found <= first_seen
