"""Reading a ticket from the PSA: for whoever asks, and for a session that begins."""

import asyncio
import logging
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Protocol

from attrs import field, frozen

from flowpilot_core.application.kernel.units import Cause, Units
from flowpilot_core.application.relay.leases import drop
from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.canonical_json import instant
from flowpilot_core.domain.kernel.errors import NotFound, PsaRefused, Unavailable
from flowpilot_core.domain.kernel.events import EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId
from flowpilot_core.domain.kernel.sending import delay
from flowpilot_core.domain.kernel.text import TITLE
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import BeginWork, Clock, Jitter, ViewOf
from flowpilot_core.ports.psa import Access, NotDone, PsaTicket, PsaView, PsaWork, Trouble
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionWork

from .access import Psas


class TicketsNeeds(PsaWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.tickets")

PATIENCE = 10.0
"""Seconds that a ticket is waited for."""
FRESH = timedelta(seconds=30)
"""How long a ticket is shown again without asking the PSA."""
MOST_KEPT = 500
"""Tickets that are kept to be shown again."""
MOST_READS = 5
"""Tries to read the ticket of a session that began."""
MOST_NOTES = 10
LONGEST_NOTE = 2_000
"""Of a ticket, with its session: the whole of it stands in the PSA."""
WHY = "the session began on it"
"""The cause that stands in the log with what the system reads here."""
LONGEST_WAIT = 3_600
"""Seconds after which somebody is told to come back, at most, however long the vendor wants its peace."""


async def read_ticket(work: PsaWork, cause: Cause) -> None:
    """The reaction by which the ticket of a session that begins is read, where it is in a PSA that the account has connected."""
    if cause.kind is EventKind.SESSION_STARTED:
        await work.psa.read_ticket(caused_by=cause.id)


@frozen
class RecentTickets:
    """What tickets said a moment ago: under the account first, so that nothing of one is another's."""

    _known: dict[tuple[AccountId, Hashable], tuple[datetime, PsaTicket]] = field(factory=dict, init=False)

    def get(self, account_id: AccountId, what: Hashable, *, at: datetime) -> PsaTicket | None:
        """The ticket, if it is fresh."""
        read_at, ticket = self._known.get((account_id, what), (None, None))
        return ticket if read_at is not None and at - read_at < FRESH else None

    def put(self, account_id: AccountId, what: Hashable, ticket: PsaTicket, *, at: datetime) -> None:
        """Keep it for a while, in the place of the one that was read first where there are too many."""
        self._known.pop((account_id, what), None)
        self._known[account_id, what] = (at, ticket)
        while len(self._known) > MOST_KEPT:
            del self._known[next(iter(self._known))]


async def connected(work: PsaWork, system: str) -> PsaConnection:
    """The account's connection to a system. Raises `NotFound`."""
    for connection in await work.psa.connections():
        if connection.system == system:
            return connection
    raise NotFound("PSA connection")


@frozen(kw_only=True)
class Tickets:
    """The tickets of the actor's account."""

    begin: BeginWork[TicketsNeeds]
    view: ViewOf[PsaView]
    clock: Clock
    psas: Psas
    _recent: RecentTickets = field(factory=RecentTickets, init=False)

    async def page(self, actor: Actor, system: str, ticket_id: str) -> str | None:
        """Where people see a ticket in its PSA; None where that is not known."""
        if system not in self.psas.vendors:
            return None
        page_of = self.psas.vendors[system].vendor.ticket_page
        connections = await self.view(actor.account_id).psa_connections()
        return next((page_of(one.base_url, ticket_id) for one in connections if one.system == system), None)

    async def read(self, actor: Actor, system: str, ticket_id: str) -> PsaTicket:
        """A ticket as its PSA shows it, or showed it a moment ago.

        Raises `NotFound` where the account has no connection to the system or the system no such ticket, `Unavailable` where the PSA
        does not answer, and `PsaRefused` where it does not answer us.
        """
        async with self.begin(actor.account_id) as work:
            connection = await connected(work, system)
            access = await self.psas.access(work, actor.account_id, connection)
        if connection.health.is_broken:
            raise PsaRefused(system, Trouble.WRONG_KEY)
        what, at = (connection.id, connection.version, ticket_id), self.clock.now()
        ticket = self._recent.get(actor.account_id, what, at=at)
        if ticket is None:
            ticket = await self._asked(access, system, ticket_id)
            self._recent.put(actor.account_id, what, ticket, at=at)
        return ticket

    async def _asked(self, access: Access, system: str, ticket_id: str) -> PsaTicket:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.psas.of(system).ticket(access, ticket_id)
        except NotDone as refused:
            if refused.trouble is Trouble.TICKET_GONE:
                raise NotFound("ticket") from None
            if refused.permanent:
                raise PsaRefused(system, refused.trouble) from refused
            raise Unavailable(f"PSA ({system})", retry_after=round(min(refused.retry_after or 1, LONGEST_WAIT))) from refused
        except TimeoutError:
            raise Unavailable(f"PSA ({system})") from None


@frozen(kw_only=True)
class ReadTicket:
    """Does the work of reading the ticket of one session; whatever comes of it, nobody waits for it and nothing fails for it."""

    units: Units[TicketsNeeds]
    psas: Psas
    clock: Clock
    jitter: Jitter

    async def do(self, lease: Lease) -> None:
        """Read it, outside any unit of work, and keep under the lease what it says."""
        session_id = SessionId(lease.work_id)
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return
            ticket = (await work.sessions.get(session_id)).ticket
            access = await self._access(work, lease, ticket)
        if ticket is None or access is None:
            await self.give_up(lease, "the account has no connection that works")
            return
        try:
            async with asyncio.timeout(PATIENCE):
                read = await self.psas.of(ticket.system).ticket(access, ticket.id)
        except NotDone as refused:
            await self._later(lease, refused.trouble, None if refused.permanent else refused.retry_after or 0)
        except TimeoutError:
            await self._later(lease, Trouble.UNREACHABLE, 0)
        else:
            await self._keep(lease, session_id, read)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The session goes on without."""
        await drop(self.units.begin, lease)
        log.info("ticket not read", extra={"session_id": str(lease.work_id), "problem": problem})

    async def _access(self, work: TicketsNeeds, lease: Lease, ticket: Ticket | None) -> Access | None:
        try:
            connection = await connected(work, ticket.system) if ticket else None
        except NotFound:
            return None
        if connection is None or connection.health.is_broken:
            return None
        return await self.psas.access(work, lease.account_id, connection)

    async def _later(self, lease: Lease, trouble: Trouble, wait: float | None) -> None:
        """Try it again after a while, unless that is useless or it was tried often enough."""
        if wait is None or lease.takes >= MOST_READS:
            await self.give_up(lease, trouble)
            return
        seconds = max(delay(lease.takes, self.jitter()).total_seconds(), wait)
        async with self.units.begin(lease.account_id) as work:
            await work.due.postpone(lease, seconds=seconds)
            await work.commit()

    async def _keep(self, lease: Lease, session_id: SessionId, ticket: PsaTicket) -> None:
        at = self.clock.now()
        facts = told(ticket, at=at)
        client = facts["client_name"]
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            session = await work.sessions.get(session_id)
            await work.sessions.know_ticket(session_id, facts, client_name=client if isinstance(client, str) else None)
            await self.units.record(work, session.ticket_read(by=System(account_id=lease.account_id, cause=WHY), at=at))
            await work.commit()
        self.units.committed(lease.account_id)


def told(ticket: PsaTicket, *, at: datetime) -> dict[str, Plain]:
    """What a ticket says, as it stands with its session."""
    return {
        "title": _kept(ticket.title) or "",
        "status": _kept(ticket.status),
        "closed": ticket.closed,
        "client_name": _kept(ticket.client_name),
        "contact_name": _kept(ticket.contact_name),
        "priority": _kept(ticket.priority),
        "notes": [
            {
                "text": _kept(note.text, most=LONGEST_NOTE),
                "by": _kept(note.by),
                "at": instant(note.at) if note.at else None,
                "internal": note.internal,
            }
            for note in ticket.notes[:MOST_NOTES]
        ],
        "read_at": instant(at),
    }


def _kept(text: str | None, *, most: int = TITLE) -> str | None:
    """A vendor's text as it is kept: bounded."""
    return None if text is None else text[:most]
