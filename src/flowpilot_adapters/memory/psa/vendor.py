"""A PSA in memory."""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import define, field

from flowpilot_core.domain.kernel.errors import NotVouchedFor
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.psa.vendor import NoteFormat, Setting, Vendor
from flowpilot_core.ports.psa import Access, Choices, Knock, Member, NotDone, Note, Posted, PsaTicket, TicketNote, TimeEntry, Trouble

STATUSES = ("New", "In Progress", "Closed")
PRIORITIES = ("Priority 1", "Priority 2")


@define(kw_only=True)
class MemoryTicket:
    """A ticket with its notes, oldest first."""

    title: str = "VPN down"
    status: str = "New"
    closed_at: datetime | None = None
    client_name: str | None = None
    contact_name: str | None = None
    locked: bool = False
    priority: str = "Priority 1"
    owner_id: str | None = None
    notes: list[Note] = field(factory=list)
    public: list[Note] = field(factory=list)
    """Those of them that the client reads."""
    work: list[TimeEntry] = field(factory=list)


@define(kw_only=True)
class MemoryPsa:
    """Keeps tickets and notes, and fails where it was told to."""

    system: str = "memory"
    key: str = "good"
    """The only one it knows, as the credential `key`."""
    longest: int = 1_000
    """Characters of a note."""
    format: NoteFormat = NoteFormat.PLAIN
    notes_on_closed: bool = True
    tickets: dict[str, MemoryTicket] = field(factory=dict)
    people: list[Member] = field(factory=list)
    _outcomes: deque[NotDone | None] = field(factory=deque, init=False)
    _unread: deque[NotDone] = field(factory=deque, init=False)

    @property
    def vendor(self) -> Vendor:
        """One key and one setting."""
        settings = {"note": Setting(among=("internal", "public"), means="who sees a note; internal if left out")}
        return Vendor(
            system=self.system,
            name="PSA in memory",
            needs=("key",),
            settings=settings,
            format=self.format,
            to_client={"note": "public"},
            ticket_page=lambda base_url, ticket_id: f"{base_url}/tickets/{ticket_id}",
            notes_on_closed=self.notes_on_closed,
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

    async def member_by_email(self, access: Access, email: str) -> Member | None:
        """Among its people."""
        found = [member for member in await self.members(access) if folded_email(member.email or "") == folded_email(email)]
        return found[0] if len(found) == 1 else None

    async def choices(self, access: Access) -> Choices:
        """Three and two."""
        await self.check(access)
        return Choices(statuses=_numbered(STATUSES), priorities=_numbered(PRIORITIES))

    async def set_status(self, access: Access, ticket_id: str, status: str) -> None:
        """One of three."""
        ticket = await self._ticket(access, ticket_id)
        ticket.status = _chosen(STATUSES, status)

    async def set_priority(self, access: Access, ticket_id: str, priority: str) -> None:
        """One of two."""
        ticket = await self._ticket(access, ticket_id)
        ticket.priority = _chosen(PRIORITIES, priority)

    async def set_owner(self, access: Access, ticket_id: str, member_id: str) -> None:
        """One of its people."""
        ticket = await self._ticket(access, ticket_id)
        if member_id not in {member.id for member in self.people}:
            raise NotDone(Trouble.WRONG_SETTING, "there is no such member")
        ticket.owner_id = member_id

    async def find_time(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """Its place among the entries."""
        ticket = await self._ticket(access, ticket_id)
        return next((str(number) for number, entry in enumerate(ticket.work, start=1) if marker in entry.text), None)

    async def add_time(self, access: Access, ticket_id: str, entry: TimeEntry) -> Posted:
        """As scripted for notes, or else it succeeds."""
        ticket = await self._ticket(access, ticket_id)
        outcome = self._outcomes.popleft() if self._outcomes else None
        if outcome is None or outcome.unknown:
            ticket.work.append(entry)
        if outcome is not None:
            raise outcome
        return Posted(vendor_id=str(len(ticket.work)), answer="entered")

    async def _ticket(self, access: Access, ticket_id: str) -> MemoryTicket:
        await self.check(access)
        if ticket_id not in self.tickets:
            raise NotDone(Trouble.TICKET_GONE, "there is no such ticket")
        return self.tickets[ticket_id]


def _numbered(names: Sequence[str]) -> Mapping[str, str]:
    return {str(number): name for number, name in enumerate(names, start=1)}


def _chosen(names: Sequence[str], wanted: str) -> str:
    for number, name in _numbered(names).items():
        if wanted == number or wanted.casefold() == name.casefold():
            return name
    raise NotDone(Trouble.WRONG_SETTING, f"there is no {wanted}")
