"""What happened, in words for people."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.events import EventKind, Plain
from flowpilot_core.ports.kernel import Entry

Changed = Mapping[str, Plain]


@frozen(kw_only=True)
class Happening:
    """A line: who did what, when, and in whose words."""

    at: datetime
    who: str
    did: str
    said: str | None = None


def _step(changed: Changed) -> str:
    result = changed.get("result")
    return f"added step {changed.get('number', '')} ({changed.get('step_kind', 'step')}{f', {result}' if result else ''})"


def _result(changed: Changed) -> str:
    return f"set the result of a step to {changed.get('result') or 'open'}"


def _picture(changed: Changed) -> str:
    return f"added a picture to step {changed.get('number', '')}"


def _closed(changed: Changed) -> str:
    return f"closed a branch as {str(changed.get('outcome', '')).replace('_', ' ')}"


def _plainly(words: str) -> Callable[[Changed], str]:
    return lambda _: words


DID: Final[Mapping[EventKind, Callable[[Changed], str]]] = MappingProxyType(
    {
        EventKind.SESSION_PARKED: _plainly("parked the session"),
        EventKind.SESSION_RESUMED: _plainly("resumed the session"),
        EventKind.SESSION_REASSIGNED: _plainly("gave the session to somebody else"),
        EventKind.SESSION_JOINED: _plainly("joined to help"),
        EventKind.SESSION_LEFT: _plainly("left again"),
        EventKind.SESSION_RESOLVED: _plainly("resolved it"),
        EventKind.SESSION_ABANDONED: _plainly("abandoned it"),
        EventKind.SESSION_REOPENED: _plainly("reopened it"),
        EventKind.STEP_ADDED: _step,
        EventKind.STEP_CHANGED: _result,
        EventKind.PICTURE_ADDED: _picture,
        EventKind.BRANCH_FORKED: _plainly("split the investigation"),
        EventKind.BRANCH_CLOSED: _closed,
        EventKind.HANDOFF_ESCALATED: _plainly("escalated it again"),
        EventKind.HANDOFF_ASSESSED: _plainly("assessed it"),
        EventKind.HANDOFF_CLAIMED: _plainly("claimed it"),
        EventKind.HANDOFF_UNCLAIMED: _plainly("gave it back"),
        EventKind.HANDOFF_LAPSED: _plainly("put it back in the queue, since nothing was added for too long"),
        EventKind.HANDOFF_REROUTED: _plainly("rerouted it"),
        EventKind.HANDOFF_WITHDRAWN: _plainly("withdrew it"),
        EventKind.HANDOFF_REMINDED: _plainly("reminded people that it waits"),
        EventKind.OUTPUT_MADE: _plainly("wrote it up"),
        EventKind.OUTPUT_APPROVED: _plainly("approved a write-up"),
        EventKind.OUTPUT_POSTED: _plainly("posted a write-up to the ticket"),
    }
)
"""What is told; the rest is of no use to a reader."""


def happenings(entries: Iterable[Entry]) -> Iterator[Happening]:
    """The entries that say something to a reader, in order."""
    for entry in entries:
        event = entry.logged.event
        if did := DID.get(event.kind):
            said = event.changed.get("summary") or event.changed.get("reason")
            yield Happening(at=event.at, who=entry.name or "FlowPilot", did=did(event.changed), said=str(said) if said else None)
