"""When maintenance comes: RFC 5545 by dateutil, over changes of the clock, and in bounded time."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_adapters.recurrence import recurrence
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.maintenance.rule import Rule
from flowpilot_core.domain.maintenance.schedule import LAST_YEAR, Plan, Target, local_time
from flowpilot_core.testing.builders import new_id

VIENNA = ZoneInfo("Europe/Vienna")


def a_plan(rrule: str | None, starts_at: str = "2026-01-05T22:00:00", time_zone: str = "Europe/Vienna") -> Plan:
    return Plan(
        name="Patch night",
        targets=(Target(label="srv-01"),),
        starts_at=local_time("starts_at", starts_at),
        time_zone=time_zone,
        rrule=rrule,
        duration=timedelta(hours=2),
        assignee_id=UserId(new_id()),
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def come(plan: Plan, first: str, until: str | None = None, most: int = 5) -> list[str]:
    found = plan.occurrences(recurrence, first=utc(first), until=utc(until) if until else None)
    return [f"{one:%Y-%m-%dT%H:%M}" for one in islice(found, most)]


def test_one_without_a_rule_comes_once_by_the_clock_of_its_zone() -> None:
    assert ["2026-01-05T21:00"] == come(a_plan(None), "2026-01-01")
    assert ["2026-01-05T21:00"] == come(a_plan(None), "2026-01-05T21:00")
    assert [] == come(a_plan(None), "2026-01-05T21:01")


def test_one_that_is_not_active_never_comes() -> None:
    assert [] == come(evolve(a_plan("FREQ=DAILY"), active=False), "2026-01-01")


def test_the_hour_on_the_wall_stays_when_clocks_change() -> None:
    daily = a_plan("FREQ=DAILY", "2026-03-28T22:00:00")

    assert ["2026-03-28T21:00", "2026-03-29T20:00", "2026-03-30T20:00"] == come(daily, "2026-03-01", most=3)


def test_a_time_that_does_not_exist_is_taken_an_hour_later() -> None:
    daily = a_plan("FREQ=DAILY", "2026-03-28T02:30:00")

    assert ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"] == come(daily, "2026-03-01", most=3)
    assert "03:30" == utc("2026-03-29T01:30").astimezone(VIENNA).strftime("%H:%M")


def test_a_time_that_exists_twice_is_the_first_of_them() -> None:
    daily = a_plan("FREQ=DAILY", "2026-10-24T02:30:00")

    assert ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"] == come(daily, "2026-10-01", most=3)


def test_an_hourly_one_comes_once_at_a_moment_that_two_local_times_mean() -> None:
    hourly = a_plan("FREQ=HOURLY", "2026-03-29T00:00:00")

    assert ["2026-03-28T23:00", "2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"] == come(hourly, "2026-03-28", most=4)


def test_an_hourly_one_leaves_out_the_hour_that_comes_again() -> None:
    hourly = a_plan("FREQ=HOURLY", "2026-10-25T01:00:00")

    assert ["2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T02:00"] == come(hourly, "2026-10-24", most=3)


def test_a_day_that_an_island_left_out_is_taken_with_the_day_after_it() -> None:
    daily = a_plan("FREQ=DAILY", "2011-12-28T10:00:00", "Pacific/Apia")

    assert ["2011-12-28T20:00", "2011-12-29T20:00", "2011-12-30T20:00", "2011-12-31T20:00"] == come(daily, "2011-12-01", most=4)


def test_a_page_of_it_begins_where_it_is_asked_for_whatever_came_before() -> None:
    weekly = a_plan("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "1999-01-04T22:00:00")
    whole = list(weekly.occurrences(recurrence, first=utc("1999-01-01"), until=utc("2027-01-01")))

    assert whole[-50:] == list(weekly.occurrences(recurrence, first=whole[-50], until=utc("2027-01-01")))


def test_the_end_of_a_rule_in_utc_is_read_by_the_clock_of_the_zone() -> None:
    until = "FREQ=DAILY;UNTIL=20260107T210000Z"

    assert ["2026-01-05T21:00", "2026-01-06T21:00", "2026-01-07T21:00"] == come(a_plan(until), "2026-01-01")
    assert ["2026-01-05T21:00", "2026-01-06T21:00"] == come(a_plan("FREQ=DAILY;UNTIL=20260106"), "2026-01-01")
    assert ["2026-01-05T21:00"] == come(a_plan("FREQ=DAILY;UNTIL=20260106T215959"), "2026-01-01")


def test_a_rule_that_counts_ends_wherever_one_begins_to_look() -> None:
    assert ["2026-01-07T21:00"] == come(a_plan("FREQ=DAILY;COUNT=3"), "2026-01-07")


ZONES = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"])
STARTS = st.datetimes(datetime(2005, 1, 1), datetime(2026, 12, 31)).map(lambda one: one.replace(microsecond=0))


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 5))}"]
    if draw(st.booleans()):
        parts.append(f"BYMONTH={draw(st.integers(1, 12))}")
    if draw(st.booleans()):
        parts.append("BYDAY=" + ",".join(draw(st.lists(st.sampled_from(["MO", "WE", "SA", "SU"]), min_size=1, max_size=3, unique=True))))
    if frequency != "HOURLY" and draw(st.booleans()):
        parts.append("BYHOUR=" + ",".join(map(str, draw(st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True)))))
        parts.append("BYSETPOS=1")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 200))}")
    return ";".join(parts)


@settings(deadline=None, max_examples=50)
@given(rule=rules(), start=STARTS, zone=ZONES, skip=st.integers(0, 400))
def test_occurrences_are_those_of_dateutil_over_a_year_and_more(rule: str, start: datetime, zone: str, skip: int) -> None:
    first = (start + timedelta(days=skip)).replace(tzinfo=UTC)
    until = first + timedelta(days=200)
    here, theirs = ZoneInfo(zone), set[datetime]()
    for local in rrulestr(rule, dtstart=start):
        if local > until.replace(tzinfo=None) + timedelta(days=2):
            break
        theirs.add(local.replace(tzinfo=here).astimezone(UTC))

    ours = a_plan(rule, f"{start:%Y-%m-%dT%H:%M:%S}", zone).occurrences(recurrence, first=first, until=until)

    assert sorted(one for one in theirs if first <= one <= until) == list(ours)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYYEARDAY=366;BYMONTH=3",
        "FREQ=DAILY;COUNT=1;BYMONTH=4;BYMONTHDAY=31",
    ],
)
def test_a_rule_that_never_comes_is_found_out(rule: str) -> None:
    assert [] == come(a_plan(rule), "2026-01-01")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=60",
        "FREQ=HOURLY;BYMINUTE=0,30",
        "FREQ=DAILY;BYHOUR=1;BYSECOND=0,1",
        "FREQ=HOURLY;BYSETPOS=2;BYHOUR=1",
        "FREQ=DAILY;BYSETPOS=3;BYHOUR=1,2",
        "FREQ=WEEKLY;BYSETPOS=1",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=DAILY;BYYEARDAY=1",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=YEARLY;BYWEEKNO=2;BYDAY=1MO",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=100001",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=²",
        "FREQ=DAILY;UNTIL=20270231",
        "FREQ=DAILY;UNTIL=99991331T000000Z",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYHOUR=-1",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;",
        "RRULE:FREQ=DAILY",
        "INTERVAL=1",
        "DTSTART:20260101T000000\nRRULE:FREQ=DAILY",
        "FREQ=DAILY;WKST=XX",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 300),
        "",
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        a_plan(rule)

    assert "rrule" == refused.value.field


def test_an_interval_that_never_meets_its_hours_is_refused() -> None:
    with pytest.raises(InvalidValue):
        come(a_plan("FREQ=HOURLY;INTERVAL=24;BYHOUR=3"), "2026-01-01")


def test_nothing_comes_after_the_last_year() -> None:
    last = a_plan("FREQ=YEARLY", f"{LAST_YEAR}-12-31T23:59:59", "Pacific/Niue")

    assert 1 == len(come(last, "2026-01-01"))
    with pytest.raises(InvalidValue):
        a_plan(None, "9999-12-31T23:59:59")


def test_a_rule_keeps_its_parts_whatever_their_case() -> None:
    assert "FREQ=WEEKLY;BYDAY=MO" == Rule.of("freq=weekly;byday=mo").local(VIENNA)
