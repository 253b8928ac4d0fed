"""Looking at a ticket that its PSA told of: a ticket that was closed there ends the sessions on it here."""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.relay.leases import drop, settle
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PsaTicketId, SessionId
from flowpilot_core.domain.kernel.sending import MOST_ATTEMPTS, delay
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.psa.webhook import WatchedTicket, ended
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.kernel import Clock, Jitter
from flowpilot_core.ports.psa import Access, NotDone, Psa, PsaTicket, PsaWork, Trouble
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionWork

from .access import Psas
from .posting import OF_CONNECTION, OF_KEY, judged


class TicketChecksNeeds(PsaWork, HandoffWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.tickets")

CAUSE = "ticket was closed"
"""Why the system acts, for whoever reads the timeline."""


@frozen(kw_only=True)
class Seen:
    """A ticket that is to be looked at, with the way to it."""

    ticket: WatchedTicket
    connection: PsaConnection
    access: Access
    psa: Psa


@frozen(kw_only=True)
class LookAtTicket:
    """Does one look. No vendor is ever awaited inside a unit of work; what the webhook said is not even kept."""

    units: Units[TicketChecksNeeds]
    psas: Psas
    clock: Clock
    jitter: Jitter

    async def do(self, lease: Lease) -> None:
        """Read the ticket anew, and end what it ends; a lease that was lost, or made void by more news, drops the result."""
        looked = await self._find(lease)
        if looked is None:
            return
        try:
            found: PsaTicket | NotDone = await looked.psa.ticket(looked.access, looked.ticket.ticket_id)
        except NotDone as refused:
            found = refused
        if isinstance(found, NotDone):
            await self._not_seen(lease, looked, found)
        else:
            await self._saw(lease, looked, found)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The ticket is left alone until its PSA tells of it again."""
        await drop(self.units.begin, lease)

    async def _find(self, lease: Lease) -> Seen | None:
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            ticket = await work.psa_webhooks.ticket(PsaTicketId(lease.work_id))
            connection = None
            with suppress(NotFound):
                connection = await work.psa.connection(ticket.connection_id)
            if connection is None or connection.health.is_broken:
                await work.due.finish(lease)
                await work.commit()
                return None
            rest = connection.health.wait(self.clock.now())
            if rest is not None:
                await work.due.postpone(lease, seconds=rest / timedelta(seconds=1) + self.jitter())
                await work.commit()
                return None
            access = await self.psas.access(work, lease.account_id, connection)
        return Seen(ticket=ticket, connection=connection, access=access, psa=self.psas.of(connection.system))

    async def _not_seen(self, lease: Lease, looked: Seen, refused: NotDone) -> None:
        """Look again later where that may help; a ticket that is gone was not closed."""
        again = not refused.permanent and lease.takes < MOST_ATTEMPTS
        async with self.units.begin(lease.account_id) as work:
            wait = max(delay(lease.takes, self.jitter()) / timedelta(seconds=1), refused.retry_after or 0.0) if again else None
            if not await settle(work, lease, again_in=wait):
                return
            if refused.trouble in OF_CONNECTION | OF_KEY | {Trouble.TOO_MANY_CALLS}:
                with suppress(NotFound):
                    connection = await work.psa.connection(looked.connection.id)
                    await work.psa.save_health(connection.id, judged(connection.health, refused, self.clock))
            await work.commit()
        if not again:
            log.warning("a ticket could not be looked at", extra={"ticket_id": str(looked.ticket.id), "trouble": str(refused.trouble)})

    async def _saw(self, lease: Lease, looked: Seen, found: PsaTicket) -> None:
        by = System(account_id=lease.account_id, cause=CAUSE)
        summary = f"The ticket was closed in {looked.psa.vendor.name}."

        async def unit(work: TicketChecksNeeds) -> None:
            if not await work.due.holds(lease):
                return
            ticket = await work.psa_webhooks.ticket(looked.ticket.id)
            for session_id in await work.psa_webhooks.open_sessions(ticket):
                await self._end(work, session_id, ticket, found, summary, by)
            if ticket.closed is not found.closed:
                await work.psa_webhooks.save_ticket(evolve(ticket, closed=found.closed))
            await work.due.finish(lease)

        await self.units.run(by, unit)

    async def _end(
        self, work: TicketChecksNeeds, session_id: SessionId, ticket: WatchedTicket, found: PsaTicket, summary: str, by: System
    ) -> None:
        session = await work.sessions.get(session_id)
        if not ticket.ends(session, closed=found.closed, closed_at=found.closed_at):
            return
        handoff = await work.handoffs.get(session.latest_handoff_id) if session.latest_handoff_id else None
        end = ended(session, handoff, summary=summary, by=by, at=self.clock.now())
        if end is None:
            return
        if end.handoff is not None:
            await work.handoffs.save(end.handoff)
        await work.sessions.save(end.session)
        for event in end.events:
            await self.units.record(work, event)
