"""The addresses that PSAs call and the tickets that they told of, inside one unit of work."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, exists, false, func, literal_column, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own
from flowpilot_adapters.sql.records import psa as records
from flowpilot_adapters.sql.schema import due_work, psa_connection, psa_ticket, psa_webhook, session
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, PsaTicketId, SessionId
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.relay import WorkKind

_connection: Final = bindparam("connection_id", type_=psa_ticket.c.connection_id.type)
_ticket: Final = bindparam("ticket_id", type_=psa_ticket.c.ticket_id.type)

_address = upsert(psa_webhook).values({column: bindparam(column.name) for column in psa_webhook.c})
RENEW: Final = compiled(
    "renew address of connection",
    _address.on_conflict_do_update(
        index_elements=list(psa_webhook.primary_key),
        set_={name: _address.excluded[name] for name in ("digest", "secret_id", "made_at")},
    ),
)
_found = select(*columns_but_account(psa_webhook)).where(own(psa_webhook))
OF: Final = compiled("address of connection", _found.where(psa_webhook.c.connection_id == _connection))
BY: Final = compiled("address by its digest", _found.where(psa_webhook.c.digest == bindparam("digest")))
DROP: Final = compiled(
    "drop address of connection", delete(psa_webhook).where(own(psa_webhook), psa_webhook.c.connection_id == _connection)
)

_on_it = own(session) & (session.c.ticket_system == psa_connection.c.system)
KNOW: Final = compiled(
    "know ticket",
    upsert(psa_ticket)
    .from_select(
        [column.name for column in psa_ticket.c],
        select(ACCOUNT, bindparam("id", type_=psa_ticket.c.id.type), _connection, _ticket, false()).where(
            exists().where(_on_it, session.c.ticket_id == _ticket, own(psa_connection), psa_connection.c.id == _connection)
        ),
    )
    .on_conflict_do_nothing(index_elements=["account_id", "connection_id", "ticket_id"]),
)
LOOK: Final = compiled(
    "look at ticket",
    upsert(due_work)
    .from_select(
        ["account_id", "id", "kind", "due_at", "takes", "target"],
        select(
            ACCOUNT,
            psa_ticket.c.id,
            literal_column(f"'{WorkKind.PSA_TICKET}'"),
            func.now(),
            literal_column("0"),
            psa_ticket.c.connection_id,
        ).where(own(psa_ticket), psa_ticket.c.connection_id == _connection, psa_ticket.c.ticket_id == _ticket),
    )
    .on_conflict_do_update(
        index_elements=list(due_work.primary_key),
        set_={"due_at": func.now(), "takes": literal_column("0"), "lease_token": null(), "lease_until": null()},
    ),
)
TICKET: Final = compiled(
    "watched ticket", select(*columns_but_account(psa_ticket)).where(own(psa_ticket), psa_ticket.c.id == bindparam("id"))
)
SAVE_TICKET: Final = compiled(
    "save watched ticket",
    update(psa_ticket)
    .where(psa_ticket.c.account_id == ACCOUNT, psa_ticket.c.id == bindparam("watched_id"))
    .values(closed=bindparam("new_closed")),
)
OPEN_SESSIONS: Final = compiled(
    "open sessions on ticket",
    select(session.c.id)
    .select_from(psa_connection)
    .join(session, _on_it)
    .where(
        own(psa_connection),
        psa_connection.c.id == _connection,
        session.c.ticket_id == _ticket,
        session.c.status.not_in([Status.RESOLVED, Status.ABANDONED]),
    )
    .order_by(session.c.id),
)


class SqlPsaWebhooks:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def renew(self, webhook: PsaWebhook) -> None:
        """As `PsaWebhooks.renew` says."""
        self._transaction.write(
            RENEW(
                account_id=self._account_id,
                connection_id=webhook.connection_id,
                digest=webhook.digest,
                secret_id=webhook.secret_id,
                made_at=webhook.made_at,
            )
        )

    async def of(self, connection_id: PsaConnectionId) -> PsaWebhook:
        """As `PsaWebhooks.of` says."""
        return await self._one(OF(account_id=self._account_id, connection_id=connection_id))

    async def by(self, digest: bytes) -> PsaWebhook:
        """As `PsaWebhooks.by` says."""
        return await self._one(BY(account_id=self._account_id, digest=digest))

    async def drop(self, connection_id: PsaConnectionId) -> None:
        """As `PsaWebhooks.drop` says."""
        self._transaction.write(DROP(account_id=self._account_id, connection_id=connection_id))

    async def told(self, ticket: WatchedTicket) -> None:
        """As `PsaWebhooks.told` says."""
        which = {"account_id": self._account_id, "connection_id": ticket.connection_id, "ticket_id": ticket.ticket_id}
        self._transaction.write(KNOW(**which, id=ticket.id))
        self._transaction.write(LOOK(**which))

    async def ticket(self, ticket_id: PsaTicketId) -> WatchedTicket:
        """As `PsaWebhooks.ticket` says."""
        (found,) = await self._transaction.read(TICKET(account_id=self._account_id, id=ticket_id))
        if found.first is None:
            raise NotFound("ticket")
        return records.watched_ticket(found.first)

    async def save_ticket(self, ticket: WatchedTicket) -> None:
        """As `PsaWebhooks.save_ticket` says."""
        self._transaction.write(SAVE_TICKET(account_id=self._account_id, watched_id=ticket.id, new_closed=ticket.closed))

    async def open_sessions(self, ticket: WatchedTicket) -> Sequence[SessionId]:
        """As `PsaWebhooks.open_sessions` says."""
        (found,) = await self._transaction.read(
            OPEN_SESSIONS(account_id=self._account_id, connection_id=ticket.connection_id, ticket_id=ticket.ticket_id)
        )
        return [SessionId(row.id) for row in found.rows]

    async def _one(self, call: Call) -> PsaWebhook:
        (found,) = await self._transaction.read(call)
        if found.first is None:
            raise NotFound("webhook")
        return records.psa_webhook(found.first)
