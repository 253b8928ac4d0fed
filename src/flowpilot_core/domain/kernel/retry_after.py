"""How long somebody asks to be left alone, as HTTP says it."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT: Final = 1e9
"""Seconds: more than 30 years."""
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(\.[0-9]{0,300})?")


def retry_after(said: str | None, *, now: datetime) -> float | None:
    """Seconds that a `Retry-After` asks for, given as a number or as a date (RFC 9110, 10.2.3).

    None where it says neither: nothing that stands there can be an error of ours.
    """
    told = (said or "").strip()
    if _NUMBER.fullmatch(told):
        return min(max(0.0, float(told)), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(told)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
