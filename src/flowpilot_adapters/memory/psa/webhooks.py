"""The addresses that PSAs call, and the tickets that they told of."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, PsaTicketId, SessionId
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket
from flowpilot_core.domain.sessions.session import Session, Status, Ticket
from flowpilot_core.ports.relay import WorkKind


@frozen
class MemoryPsaWebhooks:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def renew(self, webhook: PsaWebhook) -> None:
        """As `PsaWebhooks.renew` says."""
        self._work.rows.psa_webhooks.put(webhook.connection_id, webhook)

    async def of(self, connection_id: PsaConnectionId) -> PsaWebhook:
        """As `PsaWebhooks.of` says."""
        webhook = self._work.rows.psa_webhooks.get(connection_id)
        if webhook is None:
            raise NotFound("webhook")
        return webhook

    async def by(self, digest: bytes) -> PsaWebhook:
        """As `PsaWebhooks.by` says."""
        webhook = next((webhook for webhook in self._work.rows.psa_webhooks.values() if webhook.digest == digest), None)
        if webhook is None:
            raise NotFound("webhook")
        return webhook

    async def drop(self, connection_id: PsaConnectionId) -> None:
        """As `PsaWebhooks.drop` says."""
        self._work.rows.psa_webhooks.drop(connection_id)

    async def told(self, ticket: WatchedTicket) -> None:
        """As `PsaWebhooks.told` says."""
        await self._work.lock("ticket", ticket.connection_id, ticket.ticket_id)
        if not any(True for _ in self._sessions(ticket)):
            return
        rows = self._work.rows
        known = next((one for one in rows.psa_tickets.values() if _which(one) == _which(ticket)), ticket)
        rows.psa_tickets.put(known.id, known)
        due = DueWork(id=known.id, kind=WorkKind.PSA_TICKET, due_at=self._work.clock.now(), target=known.connection_id)
        rows.due.put(known.id, due)

    async def ticket(self, ticket_id: PsaTicketId) -> WatchedTicket:
        """As `PsaWebhooks.ticket` says."""
        ticket = self._work.rows.psa_tickets.get(ticket_id)
        if ticket is None:
            raise NotFound("ticket")
        return ticket

    async def save_ticket(self, ticket: WatchedTicket) -> None:
        """As `PsaWebhooks.save_ticket` says."""
        self._work.rows.psa_tickets.put(ticket.id, ticket)

    async def open_sessions(self, ticket: WatchedTicket) -> Sequence[SessionId]:
        """As `PsaWebhooks.open_sessions` says."""
        return sorted(session.id for session in self._sessions(ticket) if session.status not in (Status.RESOLVED, Status.ABANDONED))

    def _sessions(self, ticket: WatchedTicket) -> Iterator[Session]:
        rows = self._work.rows
        connection = rows.psa_connections.get(ticket.connection_id)
        on = Ticket(system=connection.system, id=ticket.ticket_id) if connection else None
        return (session for session in rows.sessions.values() if on is not None and session.ticket == on)


def _which(ticket: WatchedTicket) -> tuple[PsaConnectionId, str]:
    return ticket.connection_id, ticket.ticket_id
