"""The addresses that PSAs call, and the tickets that they told of."""

from collections.abc import Sequence
from typing import Protocol

from flowpilot_core.domain.identifiers import PsaConnectionId, PsaTicketId, SessionId
from flowpilot_core.domain.psa_webhook import PsaWebhook, WatchedTicket


class PsaWebhooks(Protocol):
    """Of one account, inside one unit of work."""

    async def renew(self, webhook: PsaWebhook) -> None:
        """The address of its connection from now on; another one before is no good any more. Its secret is kept before."""

    async def of(self, connection_id: PsaConnectionId) -> PsaWebhook:
        """Raises `NotFound` where the connection has none."""

    async def by(self, digest: bytes) -> PsaWebhook:
        """The one whose address ends with what has this digest. Raises `NotFound`."""

    async def drop(self, connection_id: PsaConnectionId) -> None:
        """No address any more; its secret is dropped after."""

    async def told(self, ticket: WatchedTicket) -> None:
        """Have a ticket looked at (`WorkKind.PSA_TICKET`, due at once) if a session is or was on it; the store knows whether one is.

        Where the ticket is known already its own id and what was seen of it stand. A look that is going on is void: it is taken anew,
        so that nothing that happened during it is missed, and however often this is asked for, one is due.
        """

    async def ticket(self, ticket_id: PsaTicketId) -> WatchedTicket:
        """Raises `NotFound`."""

    async def save_ticket(self, ticket: WatchedTicket) -> None:
        """Keep what was seen of it."""

    async def open_sessions(self, ticket: WatchedTicket) -> Sequence[SessionId]:
        """The sessions on it that are not resolved or abandoned, oldest first."""
