"""Reading a ticket from the PSA, for whoever asks."""

import asyncio
from collections.abc import Hashable
from datetime import datetime, timedelta

from attrs import field, frozen

from flowpilot_core.domain.actor import Actor
from flowpilot_core.domain.errors import NotFound, PsaRefused, Unavailable
from flowpilot_core.domain.identifiers import AccountId
from flowpilot_core.domain.psa_connection import PsaConnection
from flowpilot_core.ports.clock import Clock
from flowpilot_core.ports.persistence import BeginWork, UnitOfWork
from flowpilot_core.ports.psa import Access, NotDone, PsaTicket, Trouble

from .psa_access import Psas

PATIENCE = 10.0
"""Seconds that a ticket is waited for."""
FRESH = timedelta(seconds=30)
"""How long a ticket is shown again without asking the PSA."""
MOST_KEPT = 500
"""Tickets that are kept to be shown again."""
LONGEST_WAIT = 3_600
"""Seconds after which somebody is told to come back, at most, however long the vendor wants its peace."""


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


async def connected(work: UnitOfWork, system: str) -> PsaConnection:
    """The account's connection to a system. Raises `NotFound`."""
    for connection in await work.psa.connections():
        if connection.system == system:
            return connection
    raise NotFound("connection to that PSA")


@frozen(kw_only=True)
class Tickets:
    """The tickets of the actor's account."""

    begin: BeginWork
    clock: Clock
    psas: Psas
    _recent: RecentTickets = field(factory=RecentTickets, init=False)

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
