"""The times of a rule of RFC 5545, worked out by dateutil."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.maintenance.rule import FIELD, Rule

_STEADY: Final[Mapping[str, timedelta]] = MappingProxyType(
    {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
)
"""Units of time that are always as long."""


def recurrence(rule: Rule | None, zone: ZoneInfo, start: datetime, since: datetime) -> Iterator[datetime]:
    """As `Recurrence` says. Raises `InvalidValue` for a rule that comes to nothing by itself.

    dateutil looks for the next time until the year 9999. What is long before `since` is left out, and a rule of hours or days none of which
    any year has is found out by years, so that a rule costs seconds at the worst.
    """
    if rule is None:
        if start >= since:
            yield start
        return
    days = rule.days()
    if rule.frequency in ("HOURLY", "DAILY") and days and next(_times(days, start), None) is None:
        return
    for local in _times(rule.local(zone), _near(rule, start, since)):
        if local >= since:
            yield local


def _times(text: str, start: datetime) -> Iterator[datetime]:
    try:
        return iter(rrulestr(text, dtstart=start))
    except ValueError as problem:
        raise InvalidValue(FIELD, f"cannot be: {problem}") from problem


def _near(rule: Rule, start: datetime, since: datetime) -> datetime:
    """Where the rule may as well have begun, to say the same from `since` on."""
    unit = _STEADY.get(rule.frequency)
    if unit is None or rule.counts:
        return start
    step = unit * rule.interval
    return start + max(0, (since - start) // step - 1) * step
