"""Which days are asked about, and which day, week, month or hour of the week a moment falls into by the clock on somebody's wall."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.moment import EARLIEST, LATEST
from flowpilot_core.domain.kernel.time_zone import zone

USUAL_DAYS = 30
"""How many days an answer is about where nobody says."""
MOST_DAYS = 36_600
"""A hundred years: whoever asks for more means all there is, which is less."""
_DAY = timedelta(days=1)


class TimeUnit(StrEnum):
    """What moments are grouped by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    HOUR_OF_WEEK = "hour_of_week"


@frozen(kw_only=True, slots=False)
class Period:
    """Days by the clock of one time zone, from `start` until before `end`. Raises `InvalidValue`."""

    start: date
    end: date
    time_zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        zone(self.time_zone)
        _require_reckonable("from", self.start)
        _require_reckonable("to", self.end)
        if not _DAY <= self.end - self.start <= MOST_DAYS * _DAY:
            raise InvalidValue("to", f"must be after `from`, by {MOST_DAYS} days at most")

    @classmethod
    def of(cls, start: date | None, end: date | None, time_zone: str, *, at: datetime) -> "Period":
        """What is meant by what was said: without an end today is in it, without a start it is the last days before its end.

        Raises `InvalidValue`.
        """
        end = end or at.astimezone(zone(time_zone)).date() + _DAY
        _require_reckonable("to", end)
        return cls(start=start or end - USUAL_DAYS * _DAY, end=end, time_zone=time_zone)

    @property
    def since(self) -> datetime:
        """When its first day begins."""
        return self._midnight(self.start)

    @property
    def until(self) -> datetime:
        """When its last day is over."""
        return self._midnight(self.end)

    def __contains__(self, at: datetime) -> bool:
        return self.since <= at < self.until

    @cached_property
    def offsets(self) -> tuple[tuple[datetime, timedelta], ...]:
        """How far the clock is ahead of UTC: from when on, and by how much. The first is in force as the period begins."""
        where, found, at = zone(self.time_zone), [(self.since, self._offset(self.since))], self.since
        while at < self.until:
            later = at + _DAY
            if later.astimezone(where).utcoffset() != found[-1][1]:
                found.append((self._change(at, later), self._offset(later)))
            at = later
        return tuple(found)

    def number(self, unit: TimeUnit, at: datetime) -> int:
        """Which one of its unit a moment of the period is in; `key` says what that is called."""
        _, offset = self.offsets[bisect_right(self.offsets, at, key=lambda one: one[0]) - 1]
        return _NUMBERS[unit](at.astimezone(UTC).replace(tzinfo=None) + offset)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), zone(self.time_zone)).astimezone(UTC)

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(zone(self.time_zone)).utcoffset() or timedelta()

    def _change(self, before: datetime, after: datetime) -> datetime:
        """When, to the second, the clock is first as it is `after`."""
        wanted = self._offset(after)
        while after - before > timedelta(seconds=1):
            middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
            before, after = (before, middle) if self._offset(middle) == wanted else (middle, after)
        return after


def _require_reckonable(field: str, day: date) -> None:
    if not EARLIEST.date() <= day < LATEST.date():
        raise InvalidValue(field, f"must be between the years {EARLIEST.year} and {LATEST.year}")


_NUMBERS: Mapping[TimeUnit, Callable[[datetime], int]] = MappingProxyType(
    {
        TimeUnit.DAY: lambda wall: wall.toordinal(),
        TimeUnit.WEEK: lambda wall: (wall.toordinal() - 1) // 7,
        TimeUnit.MONTH: lambda wall: wall.year * 12 + wall.month - 1,
        TimeUnit.HOUR_OF_WEEK: lambda wall: wall.weekday() * 24 + wall.hour,
    }
)
"""Day 1 is a Monday, the first of January of the year 1."""


def key(unit: TimeUnit, number: int) -> str:
    """What clients call it: `2012-05-15`, `2012-W20`, `2012-05`, or an hour from 0 to 167 that begins on Monday at 0:00."""
    match unit:
        case TimeUnit.DAY:
            return date.fromordinal(number).isoformat()
        case TimeUnit.WEEK:
            year, week, _ = date.fromordinal(number * 7 + 1).isocalendar()
            return f"{year:04}-W{week:02}"
        case TimeUnit.MONTH:
            return f"{number // 12:04}-{number % 12 + 1:02}"
        case TimeUnit.HOUR_OF_WEEK:
            return str(number)
