"""Days, weeks, months and hours by the clock on somebody's wall."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.insights.period import Period, TimeUnit, key
from flowpilot_core.domain.kernel.errors import InvalidValue

VIENNA = "Europe/Vienna"
ZONES = ("UTC", VIENNA, "America/St_Johns", "Pacific/Chatham", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia")


def a_period(start: str, end: str, time_zone: str = "UTC") -> Period:
    return Period(start=date.fromisoformat(start), end=date.fromisoformat(end), time_zone=time_zone)


def test_it_begins_and_ends_at_the_midnights_of_its_zone() -> None:
    period = a_period("2012-03-25", "2012-03-26", VIENNA)

    assert datetime(2012, 3, 24, 23, tzinfo=UTC) == period.since
    assert datetime(2012, 3, 25, 22, tzinfo=UTC) == period.until
    assert period.since in period
    assert period.until not in period


def test_without_a_word_it_is_the_last_30_days_with_today() -> None:
    assert a_period("2012-04-17", "2012-05-17", "Asia/Tokyo") == Period.of(
        None, None, "Asia/Tokyo", at=datetime(2012, 5, 15, 15, tzinfo=UTC)
    )


def test_without_a_start_it_is_the_30_days_before_its_end() -> None:
    assert a_period("2012-04-01", "2012-05-01") == Period.of(None, date(2012, 5, 1), "UTC", at=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (date(2012, 5, 15), date(2012, 5, 15), "to"),
        (date(2012, 5, 15), date(2012, 5, 14), "to"),
        (date(2000, 1, 1), date(2101, 1, 1), "to"),
        (date(1900, 1, 1), date(1950, 1, 1), "from"),
        (date(8999, 1, 1), date(9000, 1, 1), "to"),
    ],
)
def test_days_that_are_none_or_too_many_or_out_of_the_calendar_are_refused(start: date, end: date, field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Period(start=start, end=end)

    assert field == refused.value.field


@pytest.mark.parametrize("end", [date.min, date.max], ids=str)
def test_an_end_that_is_near_to_one_of_the_calendar_is_refused_where_no_start_is_said(end: date) -> None:
    with pytest.raises(InvalidValue) as refused:
        Period.of(None, end, "UTC", at=datetime(2012, 5, 15, tzinfo=UTC))

    assert "to" == refused.value.field


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidValue, match="time_zone"):
        Period.of(None, None, "Europe/Wien", at=datetime(2012, 5, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("unit", "at", "called"),
    [
        (TimeUnit.DAY, datetime(2012, 5, 14, 22, tzinfo=UTC), "2012-05-15"),
        (TimeUnit.WEEK, datetime(2012, 5, 14, 22, tzinfo=UTC), "2012-W20"),
        (TimeUnit.WEEK, datetime(2012, 1, 1, 12, tzinfo=UTC), "2011-W52"),
        (TimeUnit.MONTH, datetime(2012, 4, 30, 22, tzinfo=UTC), "2012-05"),
        (TimeUnit.HOUR_OF_WEEK, datetime(2012, 5, 13, 22, tzinfo=UTC), "0"),
        (TimeUnit.HOUR_OF_WEEK, datetime(2012, 5, 20, 21, 59, 59, tzinfo=UTC), "167"),
    ],
)
def test_a_moment_falls_into(unit: TimeUnit, at: datetime, called: str) -> None:
    period = a_period("2012-01-01", "2013-01-01", VIENNA)

    assert called == key(unit, period.number(unit, at))


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2008, 1, 1), datetime(2016, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 800),
)
def test_its_clock_is_that_of_the_zone_at_every_moment(time_zone: str, at: datetime, days: int) -> None:
    wall = at.astimezone(ZoneInfo(time_zone))
    period = Period(start=wall.date() - timedelta(days=days), end=wall.date() + timedelta(days=1), time_zone=time_zone)

    assert wall.date().isoformat() == key(TimeUnit.DAY, period.number(TimeUnit.DAY, at))
    assert str(wall.weekday() * 24 + wall.hour) == key(TimeUnit.HOUR_OF_WEEK, period.number(TimeUnit.HOUR_OF_WEEK, at))
    assert f"{wall:%Y-%m}" == key(TimeUnit.MONTH, period.number(TimeUnit.MONTH, at))
    assert f"{wall:%G-W%V}" == key(TimeUnit.WEEK, period.number(TimeUnit.WEEK, at))
