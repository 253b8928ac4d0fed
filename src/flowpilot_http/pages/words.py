"""How pages say times, spans and names."""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.sessions.session import SYSTEMS
from flowpilot_http.schemas.handoffs.snapshot import FrozenStep
from flowpilot_http.schemas.sessions import StepOut

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

PLACES: Final = (
    ("/queue", "Queue"),
    ("/work", "My work"),
    ("/sessions", "Sessions"),
    ("/library", "Library"),
    ("/insights", "Insights"),
    ("/settings", "Settings"),
)
"""Where people go, in the order of the navigation."""


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


def took(length: timedelta) -> str:
    """How long, to the second where it is less than a minute."""
    return f"{length.total_seconds():.0f} s" if _SECOND <= length < _MINUTE else span(length) if length >= _MINUTE else "1 s"


def many(number: int, one: str, more: str) -> str:
    """So many things, where there may be thousands."""
    return f"{number:,} {one if number == 1 else more}"


def due(when: datetime, now: datetime) -> str:
    """How far off it is, or for how long it has been late."""
    return f"in {span(when - now)}" if when > now else f"late by {span(now - when)}"


def waits(since: datetime, now: datetime) -> Markup:
    """How long something has waited; a script keeps it right."""
    machine = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{0}" data-since="{0}">{1}</time>').format(machine, span(max(now, since) - since))


def due_by(when: datetime, now: datetime) -> Markup:
    """When something should be taken, in words once it is late; a script keeps it right."""
    words, late = due(when, now), when <= now
    return Markup('<time datetime="{0}" data-due="{0}"{1}>{2}</time>').format(
        when.strftime("%Y-%m-%dT%H:%M:%SZ"), Markup(' class="late"') if late else "", words if late else f"due {words}"
    )


def plain(name: str) -> str:
    """A state's name as words."""
    return name.replace("_", " ")


def numbered(step: FrozenStep | StepOut) -> tuple[str, str]:
    """A step to choose: its id, and what it says."""
    return str(step.id), f"{step.number}: {step.content[:60]}"


def twice(word: str) -> tuple[str, str]:
    """A word to choose that says itself."""
    return word, word


def system(name: str) -> str:
    """What a PSA is called."""
    return SYSTEMS.get(name, name)


FILTERS: Final = MappingProxyType(
    {
        "at": at,
        "span": span,
        "system": system,
        "counted": counted,
        "waits": waits,
        "due_by": due_by,
        "plain": plain,
        "took": took,
        "numbered": numbered,
        "twice": twice,
    }
)
"""What templates can say it with."""
