"""Which times can be reckoned with: a calendar ends, and a sum that passes its end is no time at all."""

from datetime import UTC, datetime
from typing import Final

from .errors import InvalidValue

EARLIEST: Final = datetime(1901, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def can_be_reckoned_with(at: datetime) -> bool:
    """Whether years may be added to it or taken from it, in any zone."""
    return EARLIEST <= at < LATEST


def checked_moment(field: str, at: datetime) -> datetime:
    """The same moment in UTC. Raises `InvalidValue` for one that is too near to an end of the calendar."""
    if not can_be_reckoned_with(at):
        raise InvalidValue(field, f"must be between the years {EARLIEST.year} and {LATEST.year}")
    return at.astimezone(UTC)
