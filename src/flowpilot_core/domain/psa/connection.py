"""A connection: an account's configured PSA, what is noted there, and how well it works just now."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, SecretId
from flowpilot_core.domain.kernel.text import one_of, text
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.kernel.web_address import checked_web_address

from .vendor import Vendor


class NoteKind(StrEnum):
    """What a note tells."""

    ESCALATED = "escalated"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    PARKED = "parked"
    OUTPUT = "output"


NOTED: Mapping[EventKind, NoteKind] = MappingProxyType(
    {
        EventKind.HANDOFF_ESCALATED: NoteKind.ESCALATED,
        EventKind.HANDOFF_CLAIMED: NoteKind.CLAIMED,
        EventKind.SESSION_RESOLVED: NoteKind.RESOLVED,
        EventKind.SESSION_PARKED: NoteKind.PARKED,
    }
)
"""Which event is told by which note."""

SWITCHED: Mapping[NoteKind, bool] = MappingProxyType(
    {NoteKind.ESCALATED: True, NoteKind.CLAIMED: True, NoteKind.RESOLVED: True, NoteKind.PARKED: False}
)
"""The notes that an account switches, and whether each is on where nobody said."""


class TicketAction(StrEnum):
    """What is done on a ticket, in the order in which it is done: what a closed ticket takes no more before what may close it."""

    NOTE = "note"
    TIME_ENTRY = "time_entry"
    OWNER = "owner"
    PRIORITY = "priority"
    STATUS = "status"


@frozen(kw_only=True)
class TicketChange:
    """What is done on a ticket at one kind of event, beside the note; nothing unless somebody says so."""

    status: str | None = None
    """What the ticket's is then: by name, or by its number in the vendor's API."""
    priority: str | None = None
    owner: bool = False
    """Whether it is then the ticket of whom the session is with: of an escalation, of whom it is meant for."""
    time_entry: bool = False
    """Whether the work since it came to them is entered for whoever escalates or resolves it."""

    def named(self) -> Mapping[str, str | bool]:
        """What is to be done, by the action's name."""
        values = {
            TicketAction.STATUS: self.status,
            TicketAction.PRIORITY: self.priority,
            TicketAction.OWNER: self.owner,
            TicketAction.TIME_ENTRY: self.time_entry,
        }
        return {action.value: value for action, value in values.items() if value}


CHANGED: Mapping[NoteKind, frozenset[TicketAction]] = MappingProxyType(
    {
        NoteKind.ESCALATED: frozenset(TicketAction) - {TicketAction.NOTE},
        NoteKind.CLAIMED: frozenset(TicketAction) - {TicketAction.NOTE, TicketAction.TIME_ENTRY},
        NoteKind.RESOLVED: frozenset(TicketAction) - {TicketAction.NOTE},
    }
)
"""The events at which a ticket may be changed, and what may be done then: whoever just took over has done no work yet."""


class Circuit(StrEnum):
    """Whether a connection is used: `open` is not, `half_open` by one note that tries it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitMove(StrEnum):
    """What happens to a circuit."""

    TRIP = "trip"
    TRY = "try"
    MEND = "mend"


CIRCUIT: Mapping[tuple[Circuit, CircuitMove], Circuit] = MappingProxyType(
    {
        (Circuit.CLOSED, CircuitMove.TRIP): Circuit.OPEN,
        (Circuit.HALF_OPEN, CircuitMove.TRIP): Circuit.OPEN,
        (Circuit.OPEN, CircuitMove.TRIP): Circuit.OPEN,
        (Circuit.OPEN, CircuitMove.TRY): Circuit.HALF_OPEN,
        (Circuit.HALF_OPEN, CircuitMove.TRY): Circuit.HALF_OPEN,
        (Circuit.CLOSED, CircuitMove.TRY): Circuit.CLOSED,
        (Circuit.CLOSED, CircuitMove.MEND): Circuit.CLOSED,
        (Circuit.HALF_OPEN, CircuitMove.MEND): Circuit.CLOSED,
        (Circuit.OPEN, CircuitMove.MEND): Circuit.CLOSED,
    }
)

FAILURES = 5
"""In a row, after which a connection rests."""
FIRST_REST = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=15)
TRIAL = timedelta(minutes=2)
"""How long the one note that tries a connection may take, before another one does."""
LONGEST_TEMPLATE = 4_000
"""Characters."""
LONGEST_URL = 500


@frozen(kw_only=True)
class Health:
    """How well a connection works."""

    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    """In a row."""
    rests_until: datetime | None = None
    """Of an open one: when it is tried again; None: when somebody has mended it. Of a half-open one: when another may try."""
    problem: str | None = None
    """What was wrong the last time; None once it worked."""
    last_success_at: datetime | None = None

    def wait(self, at: datetime) -> timedelta | None:
        """How long a note must wait for the connection; None where it may be used now, or never until somebody mends it."""
        if self.circuit is Circuit.CLOSED or self.rests_until is None or self.rests_until <= at:
            return None
        return self.rests_until - at

    @property
    def is_broken(self) -> bool:
        """Whether nothing but somebody who mends it makes it work again."""
        return self.circuit is Circuit.OPEN and self.rests_until is None

    def tried(self, *, at: datetime) -> "Health":
        """About to be used."""
        circuit = advance(CIRCUIT, self.circuit, CircuitMove.TRY, thing="connection")
        return evolve(self, circuit=circuit, rests_until=at + TRIAL if circuit is Circuit.HALF_OPEN else None)

    def worked(self, *, at: datetime) -> "Health":
        """The vendor did what it was asked."""
        return Health(circuit=advance(CIRCUIT, self.circuit, CircuitMove.MEND, thing="connection"), last_success_at=at)

    def failed(self, problem: str, *, at: datetime, rest: float | None = None) -> "Health":
        """It failed for a while; `rest`: the vendor asks to be left alone for so many seconds."""
        failures = self.failures + 1
        seen = evolve(self, failures=failures, problem=problem)
        if rest is not None:
            return seen._tripped(at + timedelta(seconds=rest))
        if failures < FAILURES and self.circuit is not Circuit.HALF_OPEN:
            return seen
        return seen._tripped(at + min(LONGEST_REST, FIRST_REST * (1 << min(max(0, failures - FAILURES), 10))))

    def refused(self, problem: str) -> "Health":
        """Its key or company is wrong: nothing is sent until somebody mends it, so that nobody is locked out there."""
        return evolve(self, failures=self.failures + 1, problem=problem)._tripped(None)

    def mended(self) -> "Health":
        """Somebody says that it works again, or wants it tried."""
        return Health(last_success_at=self.last_success_at)

    def _tripped(self, until: datetime | None) -> "Health":
        return evolve(self, circuit=advance(CIRCUIT, self.circuit, CircuitMove.TRIP, thing="connection"), rests_until=until)


@frozen(kw_only=True)
class PsaConnection:
    """An account's way into one PSA, without its credentials."""

    id: PsaConnectionId
    version: int = 1
    system: str
    name: str
    base_url: str
    secret_id: SecretId
    """What opens it."""
    settings: Mapping[str, Plain] = field(factory=dict)
    """The vendor's own."""
    noted: frozenset[NoteKind] = frozenset(kind for kind, on in SWITCHED.items() if on)
    """Which notes are switched on; what somebody posts by hand needs no switch."""
    templates: Mapping[NoteKind, str] = field(factory=dict)
    """In place of ours."""
    summary_public: bool = False
    """Whether the client reads a client summary that is posted; all else that is posted goes by the vendor's own settings."""
    changes: Mapping[NoteKind, TicketChange] = field(factory=dict)
    """What is done on the ticket beside the note."""
    health: Health = Health()
    created_at: datetime
    updated_at: datetime

    def wants(self, kind: NoteKind, action: TicketAction) -> bool:
        """Whether this is done at such an event; what somebody posts by hand is."""
        if action is TicketAction.NOTE:
            return kind not in SWITCHED or kind in self.noted
        return action.value in self.changes.get(kind, TicketChange()).named()

    def notices(self, vendor: Vendor) -> tuple[str, ...]:
        """What to know about the choices made, though none of them is wrong."""
        status = self.changes.get(NoteKind.RESOLVED, TicketChange()).status
        if status is None or vendor.notes_on_closed:
            return ()
        return (
            f"{vendor.name} takes no notes on a closed ticket. If “{status}” closes it, outputs that you approve after the session was "
            "resolved are refused: choose a status that leaves the ticket open, and close it once they are posted.",
        )


def checked_base_url(value: str) -> str:
    """A vendor's root: http or https, a host, perhaps a port and a path. Raises `InvalidValue`."""
    parts = checked_web_address("base_url", value, most=LONGEST_URL, example="https://acme.halopsa.com")
    if parts.query or parts.fragment:
        raise InvalidValue("base_url", "must have no query or fragment")
    return value


def checked_notes(notes: Mapping[str, bool]) -> frozenset[NoteKind]:
    """The notes that are on, where `notes` says otherwise than usual. Raises `InvalidValue` for one that nobody can switch."""
    for name in notes:
        if name not in SWITCHED:
            raise InvalidValue(f"settings.notes.{name}", one_of(SWITCHED))
    return frozenset(kind for kind, usual in SWITCHED.items() if notes.get(kind, usual))


def checked_changes(changes: Mapping[str, Plain]) -> Mapping[NoteKind, TicketChange]:
    """What is done on the ticket, by event. Raises `InvalidValue` for what cannot be done, or not then."""
    checked: dict[NoteKind, TicketChange] = {}
    for name, wanted in changes.items():
        where = f"settings.ticket.{name}"
        if name not in CHANGED:
            raise InvalidValue(where, one_of(CHANGED))
        if not isinstance(wanted, dict):
            raise InvalidValue(where, "must be an object")
        possible = CHANGED[NoteKind(name)]
        for action in wanted:
            if action not in possible:
                raise InvalidValue(f"{where}.{action}", one_of(sorted(possible)))
        change = TicketChange(
            status=_choice(where, wanted, TicketAction.STATUS),
            priority=_choice(where, wanted, TicketAction.PRIORITY),
            owner=_switch(where, wanted, TicketAction.OWNER),
            time_entry=_switch(where, wanted, TicketAction.TIME_ENTRY),
        )
        if change.named():
            checked[NoteKind(name)] = change
    return checked


def _choice(where: str, wanted: Mapping[str, Plain], action: TicketAction) -> str | None:
    value = wanted.get(action)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{where}.{action}", "must be text")
    return None if value is None else text(f"{where}.{action}", value, most=LONGEST_CHOICE)


def _switch(where: str, wanted: Mapping[str, Plain], action: TicketAction) -> bool:
    value = wanted.get(action)
    if value is not None and not isinstance(value, bool):
        raise InvalidValue(f"{where}.{action}", "must be true or false")
    return bool(value)


LONGEST_CHOICE = 100
"""Characters of a status or priority."""
