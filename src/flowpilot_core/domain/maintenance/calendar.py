"""What a calendar shows of maintenance."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import MaintenanceScheduleId

from .schedule import FIRST_YEAR, LAST_YEAR, Recurrence, Schedule

LONGEST: Final = timedelta(days=366)
"""That one look at the calendar may span."""
USUAL: Final = timedelta(days=31)
"""That it spans where nobody says."""
MOST_EACH: Final = 1000
"""Entries of one schedule: an hourly one has so many in six weeks."""
BEFORE: Final = timedelta(days=31)
AFTER: Final = timedelta(days=365)
"""What other calendars are given, around the day on which they ask."""


@frozen(kw_only=True)
class CalendarEntry:
    """One occurrence that lies ahead or behind, as the schedule has it now."""

    schedule_id: MaintenanceScheduleId
    name: str
    starts_at: datetime
    ends_at: datetime
    targets: tuple[str, ...]
    clients: tuple[str, ...]
    """Each once, as the targets name them."""
    quiet: bool


def span(first: datetime | None, until: datetime | None, *, at: datetime) -> tuple[datetime, datetime]:
    """What a look at the calendar spans, of what was asked for. Raises `InvalidValue` for what is no time, or too much of it."""
    first = first or at
    if not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise InvalidValue("from", f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    until = until or first + USUAL
    if not timedelta() <= until - first <= LONGEST:
        raise InvalidValue("to", f"must come after from, by {LONGEST.days} days at most")
    return first, until


def entries(schedules: Iterable[Schedule], recurrence: Recurrence, first: datetime, until: datetime) -> tuple[CalendarEntry, ...]:
    """What begins from `first` to `until`, in order."""
    found = [
        CalendarEntry(
            schedule_id=one.id,
            name=one.plan.name,
            starts_at=at,
            ends_at=at + one.plan.duration,
            targets=tuple(target.label for target in one.plan.targets),
            clients=one.plan.clients,
            quiet=one.plan.quiet,
        )
        for one in schedules
        for at in islice(one.plan.occurrences(recurrence, first=first, until=until), MOST_EACH)
    ]
    return tuple(sorted(found, key=lambda entry: (entry.starts_at, entry.schedule_id)))
