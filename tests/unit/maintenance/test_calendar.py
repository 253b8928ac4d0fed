"""The calendar of maintenance, and its file."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from icalendar import Calendar

from flowpilot_adapters.recurrence import recurrence
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.maintenance.calendar import LONGEST, MOST_EACH, entries, span
from flowpilot_core.testing.builders import STAFF
from flowpilot_core.testing.contracts.maintenance.maintenance import a_schedule
from flowpilot_http.calendar_file import calendar_file

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_entries_of_all_schedules_come_in_order() -> None:
    weekly, daily = a_schedule(STAFF), a_schedule(STAFF)
    daily = evolve(daily, plan=evolve(daily.plan, rrule="FREQ=DAILY"))

    found = entries([weekly, daily], recurrence, FIRST, FIRST + 3 * DAY)

    assert [weekly.id, daily.id, daily.id] == [one.schedule_id for one in found]
    assert [datetime(2026, 3, 2, 11, tzinfo=UTC)] * 2 + [datetime(2026, 3, 3, 11, tzinfo=UTC)] == [one.starts_at for one in found]
    assert timedelta(hours=2) == found[0].ends_at - found[0].starts_at


def test_one_schedule_fills_no_calendar_by_itself() -> None:
    hourly = a_schedule(STAFF)
    hourly = evolve(hourly, plan=evolve(hourly.plan, rrule="FREQ=HOURLY"))

    assert MOST_EACH == len(entries([hourly], recurrence, FIRST, FIRST + LONGEST))


@pytest.mark.parametrize("long", [-DAY, LONGEST + DAY])
def test_a_span_that_is_none_or_too_long_is_refused(long: timedelta) -> None:
    with pytest.raises(InvalidValue):
        span(FIRST, FIRST + long, at=FIRST)


def test_without_a_span_the_calendar_shows_a_month_from_now_on() -> None:
    assert (FIRST, FIRST + 31 * DAY) == span(None, None, at=FIRST)


def test_a_file_says_each_in_utc_with_lines_of_75_octets_at_most_and_texts_escaped() -> None:
    schedule = a_schedule(STAFF)
    name = "Geräte; 漢字, \\ und mehr " * 6
    schedule = evolve(schedule, plan=evolve(schedule.plan, name=name.strip()))
    found = entries([schedule], recurrence, FIRST, FIRST + 7 * DAY)

    text = calendar_file("Acme IT", found, at=FIRST)

    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert name.strip() == event["SUMMARY"]
    assert "srv-01 漢\nsrv-02\nsrv-03" == event["DESCRIPTION"]
    assert (found[0].starts_at, found[0].ends_at) == (event.decoded("DTSTART"), event.decoded("DTEND"))
    assert text == calendar_file("Acme IT", found, at=FIRST)


def test_a_name_cannot_begin_a_line_of_its_own() -> None:
    """A65."""
    schedule = a_schedule(STAFF)
    (entry,) = entries([schedule], recurrence, FIRST, FIRST + 7 * DAY)

    text = calendar_file("Acme", [evolve(entry, name="x\r\nEND:VEVENT\nATTACH:http://evil.example")], at=FIRST)

    assert 1 == len(Calendar.from_ical(text).walk("VEVENT"))
    assert not [line for line in text.split("\r\n") if line.startswith("ATTACH")]
