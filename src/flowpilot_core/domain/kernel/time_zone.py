"""Time zones, by the names that IANA gives them."""

from zoneinfo import ZoneInfo

from .errors import InvalidValue


def zone(name: str) -> ZoneInfo:
    """The time zone that IANA calls so. Raises `InvalidValue`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidValue("time_zone", "must be a time zone of the IANA database, such as Europe/Vienna") from None
