"""A PSA in memory."""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import define, field, frozen

from flowpilot_core.domain.errors import NotVouchedFor
from flowpilot_core.domain.psa_vendor import NoteFormat, Setting, Vendor
from flowpilot_core.ports.psa import Access, Knock, Member, NotDone, Note, Posted, PsaTicket, TicketNote, Trouble

STATUSES = ("New", "In Progress", "Closed")


@define(kw_only=True)
class MemoryTicket:
    """A ticket with its notes, oldest first."""

    title: str = "VPN down"
    status: str = "New"
    closed_at: datetime | None = None
    client_name: str | None = None
    contact_name: str | None = None
    priority: str | None = None
    locked: bool = False
    notes: list[Note] = field(factory=list)
    public: list[Note] = field(factory=list)
    """Those of them that the client reads."""


@frozen(kw_only=True)
class MemoryPsa:
    """Keeps tickets and notes, and fails where it was told to."""

    system: str = "memory"
    key: str = "good"
    """The only one it knows, as the credential `key`."""
    longest: int = 1_000
    """Characters of a note."""
    format: NoteFormat = NoteFormat.PLAIN
    tickets: dict[str, MemoryTicket] = field(factory=dict)
    people: list[Member] = field(factory=list)
    _outcomes: deque[NotDone | None] = field(factory=deque, init=False)
    _unread: deque[NotDone] = field(factory=deque, init=False)

    @property
    def vendor(self) -> Vendor:
        """One key and one setting."""
        settings = {"note": Setting(among=("internal", "public"), means="who sees a note; internal if left out")}
        return Vendor(
            system=self.system, name="PSA in memory", needs=("key",), settings=settings, format=self.format, to_client={"note": "public"}
        )

    def script(self, *outcomes: NotDone | None) -> None:
        """What the next notes come to, one each: raising that, or None for success. One whose outcome is `unknown` is there."""
        self._outcomes.extend(outcomes)

    def fail_reading(self, *refusals: NotDone) -> None:
        """What keeps the next tickets from being read, one each."""
        self._unread.extend(refusals)

    async def check(self, access: Access) -> None:
        """As `Psa.check`."""
        await asyncio.sleep(0)
        if access.credentials.get("key") != self.key:
            raise NotDone(Trouble.WRONG_KEY, "the key is another one")

    async def longest_note(self, access: Access) -> int:
        """The same for everybody."""
        return self.longest

    async def find_note(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Its place among the notes."""
        ticket = await self._ticket(access, ticket_id)
        return next((str(number) for number, note in enumerate(ticket.notes, start=1) if marker in note.text), None)

    async def add_note(self, access: Access, ticket_id: str, note: Note) -> Posted:
        """As scripted, or else it succeeds."""
        ticket = await self._ticket(access, ticket_id)
        if ticket.locked:
            raise NotDone(Trouble.TICKET_LOCKED, "somebody else is changing the ticket")
        if len(note.text) > self.longest:
            raise NotDone(Trouble.REFUSED, "the note is too long")
        outcome = self._outcomes.popleft() if self._outcomes else None
        if outcome is None or outcome.unknown:
            ticket.notes.append(note)
            if access.settings.get("note") == "public":
                ticket.public.append(note)
        if outcome is not None:
            raise outcome
        return Posted(vendor_id=str(len(ticket.notes)), answer="added")

    async def ticket(self, access: Access, ticket_id: str) -> PsaTicket:
        """With its notes, newest first, unless it was told not to."""
        if self._unread:
            raise self._unread.popleft()
        found = await self._ticket(access, ticket_id)
        notes = tuple(TicketNote(text=note.text) for note in reversed(found.notes))
        closed = found.status == "Closed"
        return PsaTicket(
            id=ticket_id,
            title=found.title,
            status=found.status,
            closed=closed,
            closed_at=found.closed_at if closed else None,
            client_name=found.client_name,
            contact_name=found.contact_name,
            priority=found.priority,
            notes=notes,
        )

    async def members(self, access: Access) -> Sequence[Member]:
        """Its people."""
        await self.check(access)
        return self.people

    async def told(self, access: Access, knock: Knock, secret: str) -> str | None:
        """By a header, and a body `{"ticket": "1001"}`."""
        await asyncio.sleep(0)
        if not hmac.compare_digest(knock.headers.get("x-secret", "").encode(), secret.encode()):
            raise NotVouchedFor
        try:
            found = json.loads(knock.body)
        except ValueError:
            return None
        return found.get("ticket") if isinstance(found, dict) else None

    async def set_status(self, access: Access, ticket_id: str, status: str) -> None:
        """One of three."""
        ticket = await self._ticket(access, ticket_id)
        wanted: Mapping[str, str] = {known.casefold(): known for known in STATUSES}
        if status.casefold() not in wanted:
            raise NotDone(Trouble.WRONG_SETTING, f"there is no status {status}")
        ticket.status = wanted[status.casefold()]

    async def _ticket(self, access: Access, ticket_id: str) -> MemoryTicket:
        await self.check(access)
        if ticket_id not in self.tickets:
            raise NotDone(Trouble.TICKET_GONE, "there is no such ticket")
        return self.tickets[ticket_id]
