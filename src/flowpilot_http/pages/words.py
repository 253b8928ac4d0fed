"""How pages say times, spans and names."""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.sessions.session import SYSTEMS

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def at(when: datetime) -> Markup:
    """A time, for people and for whatever else reads the page."""
    return Markup('<time datetime="{}">{}</time>').format(when.strftime("%Y-%m-%dT%H:%M:%SZ"), when.strftime("%Y-%m-%d %H:%M UTC"))


def span(length: timedelta) -> str:
    """How long, in two units at most."""
    if length < _MINUTE:
        return "less than a minute"
    if length < _HOUR:
        return counted(length // _MINUTE, "minute", "minutes")
    if length < _DAY:
        return f"{length // _HOUR} h {length % _HOUR // _MINUTE} min"
    return f"{counted(length // _DAY, 'day', 'days')} {length % _DAY // _HOUR} h"


def due(when: datetime, now: datetime) -> str:
    """How far off it is, or for how long it has been late."""
    return f"in {span(when - now)}" if when > now else f"late by {span(now - when)}"


def system(name: str) -> str:
    """What a PSA is called."""
    return SYSTEMS.get(name, name)


FILTERS: Final = MappingProxyType({"at": at, "span": span, "system": system, "counted": counted})
"""What templates can say it with."""
