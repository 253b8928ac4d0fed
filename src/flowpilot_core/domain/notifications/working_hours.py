"""When somebody works: hours of the week by the clock on their wall, over every change of it, with days that are different."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from attrs import field, frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.time_zone import zone

MINUTES = 24 * 60
"""Of a day, as far as the clock on the wall says."""
LOOK_AHEAD = 400
"""Days: over a year, so that what comes once a year is found."""
MOST_SHIFTS = 50
MOST_DAYS = 400
_DAY = timedelta(days=1)


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEK = tuple(Weekday)


@frozen(kw_only=True)
class Span:
    """From one time of the day until another, in minutes; one that ends no later than it begins goes on past midnight.

    It is of the day on which it begins.
    """

    start: int
    end: int

    def __attrs_post_init__(self) -> None:
        if not (0 <= self.start < MINUTES and 0 <= self.end <= MINUTES):
            raise InvalidValue("hours", "must lie within a day")

    @property
    def until(self) -> int:
        """The end, counted from the midnight at which its day began."""
        return self.end if self.end > self.start else self.end + MINUTES

    @property
    def is_whole_day(self) -> bool:
        """Whether it ends when that of the next day begins."""
        return self.until - self.start == MINUTES


@frozen(kw_only=True)
class Shift:
    """A span of one day of the week."""

    day: Weekday
    span: Span


@frozen(kw_only=True)
class OtherDay:
    """A date whose hours are not those of its day of the week: a holiday has none."""

    date: date
    spans: tuple[Span, ...] = ()


@frozen(kw_only=True)
class Hours:
    """Some hours of every week by the clock on somebody's wall.

    The wall decides: where it jumps forward the hours in the gap do not happen, and where it goes back an hour that comes twice
    counts twice.
    """

    time_zone: str = field()
    weekly: tuple[Shift, ...] = ()
    other_days: tuple[OtherDay, ...] = ()
    _others: Mapping[date, tuple[Span, ...]] = field(init=False, repr=False, eq=False)
    _worked: Sequence[date] = field(init=False, repr=False, eq=False)
    """The other days that have any hours, in order."""

    @_others.default
    def _other_days_by_date(self) -> Mapping[date, tuple[Span, ...]]:
        return {other.date: other.spans for other in self.other_days}

    @_worked.default
    def _other_days_with_hours(self) -> Sequence[date]:
        return sorted(other.date for other in self.other_days if other.spans)

    def __attrs_post_init__(self) -> None:
        zone(self.time_zone)
        if len(self.weekly) > MOST_SHIFTS:
            raise InvalidValue("weekly", f"has more than {MOST_SHIFTS} shifts")
        if len(self.other_days) > MOST_DAYS:
            raise InvalidValue("other_days", f"has more than {MOST_DAYS} days")
        if len({other.date for other in self.other_days}) < len(self.other_days):
            raise InvalidValue("other_days", "names a date twice")

    def hold(self, at: datetime) -> bool:
        """Whether it is such an hour."""
        wall = at.astimezone(zone(self.time_zone))
        minute = wall.hour * 60 + wall.minute
        today, yesterday = wall.date(), wall.date() - _DAY
        return any(span.start <= minute < span.until for span in self._on(today)) or any(
            minute < span.until - MINUTES for span in self._on(yesterday)
        )

    def next(self, at: datetime, *, held: bool = True) -> datetime | None:
        """The first moment from `at` on that is such an hour, or else none; None where there is none within a year."""
        if self.hold(at) is held:
            return at
        day = at.astimezone(zone(self.time_zone)).date() - _DAY
        last = day + LOOK_AHEAD * _DAY
        while day < last:
            if any(self._turns(day, at, held)):
                # A wall that leaves out a whole day puts the edges of one day behind those of the next.
                return min(edge for near in range(3) for edge in self._turns(day + near * _DAY, at, held))
            day += _DAY
            if held:
                # Days without hours are passed over; those beside one with some may have their part in it.
                worked = self._next_worked(day - 2 * _DAY, last + 2 * _DAY)
                day = last if worked is None else max(day, worked - 2 * _DAY)
        return None

    def _next_worked(self, day: date, last: date) -> date | None:
        """The first day from `day` on, and before `last`, on which some hours begin."""
        place = bisect_left(self._worked, day)
        found = [*self._worked[place : place + 1]]
        for weekday in {shift.day for shift in self.weekly}:
            one = day + (WEEK.index(weekday) - day.weekday()) % 7 * _DAY
            while one in self._others and one < last:
                one += 7 * _DAY
            found.append(one)
        return min((one for one in found if one < last), default=None)

    def _on(self, day: date) -> tuple[Span, ...]:
        """The spans that begin on a day."""
        if day in self._others:
            return self._others[day]
        weekday = WEEK[day.weekday()]
        return tuple(shift.span for shift in self.weekly if shift.day is weekday)

    def _turns(self, day: date, at: datetime, held: bool) -> Iterator[datetime]:
        return (edge for edge in self._edges(day) if edge > at and self.hold(edge) is held)

    def _edges(self, day: date) -> Iterator[datetime]:
        """Every moment at which the hours of a day and the night before may begin or end, in UTC."""
        where = zone(self.time_zone)
        for begun in (day, day - _DAY):
            for span in self._on(begun):
                for minute in (span.start, span.until):
                    wall = datetime.combine(begun, time()) + timedelta(minutes=minute)
                    for fold in (0, 1):
                        yield wall.replace(tzinfo=where, fold=fold).astimezone(UTC)
        midnight = datetime.combine(day, time(), tzinfo=UTC)
        yield from _jump(where, midnight, midnight + _DAY)


def _jump(where: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """When between `start` and `end` the clock on the wall jumps, to the second, if it does."""

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(where).utcoffset()

    before, after = offset(start), offset(end)
    if before == after:
        return
    low, high = 0, int((end - start).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(start + timedelta(seconds=middle)) == before else (low, middle)
    yield start + timedelta(seconds=high)
