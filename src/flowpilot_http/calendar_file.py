"""Maintenance as a calendar file, as RFC 5545 has it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from icalendar import Calendar, Event

from flowpilot_core.domain.maintenance.calendar import CalendarEntry

ICS: Final = "text/calendar"


def calendar_file(name: str, entries: Iterable[CalendarEntry], *, at: datetime) -> str:
    """The entries, each an event in UTC whose id is the same whenever it is asked for."""
    calendar = Calendar()
    calendar.add("prodid", "-//FlowPilot//Maintenance//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    for entry in entries:
        event = Event()
        event.add("uid", f"{entry.schedule_id}-{entry.starts_at.astimezone(UTC):%Y%m%dT%H%M%SZ}@flowpilot")
        event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", entry.starts_at.astimezone(UTC))
        event.add("dtend", entry.ends_at.astimezone(UTC))
        event.add("summary", entry.name)
        event.add("description", "\n".join(entry.targets))
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode()
