"""The webhooks of one account and what they were sent, inside one unit of work."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Integer, Uuid, any_, bindparam, delete, exists, false, func, insert, literal_column, or_, select, update

from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own, queue_rank_of
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.schema import due_work, event, webhook, webhook_message
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import EventKind, LoggedEvent
from flowpilot_core.domain.kernel.identifiers import EventId, WebhookId, WebhookMessageId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookFormat, WebhookMessage
from flowpilot_core.ports.relay import WorkKind

ID: Final = bindparam("id", type_=Uuid())
EVENT_ID: Final = bindparam("event_id", type_=Uuid())
WEBHOOK_ID: Final = bindparam("webhook_id", type_=Uuid())
_DUE: Final = ("account_id", "id", "kind", "due_at", "takes", "queue_rank")

ADD: Final = compiled("add webhook", insert(webhook).values({column: bindparam(column.name) for column in webhook.c}))
CHANGING: Final = ("name", "kinds", "host", "target", "secret", "previous_secret", "previous_until", "off_at", "off_reason")
SAVE: Final = compiled(
    "save webhook",
    update(webhook).where(own(webhook), webhook.c.id == WEBHOOK_ID).values({name: bindparam(f"new_{name}") for name in CHANGING}),
)
DROP_MESSAGES: Final = compiled(
    "drop webhook messages", delete(webhook_message).where(own(webhook_message), webhook_message.c.webhook_id == WEBHOOK_ID)
)
DROP: Final = compiled("drop webhook", delete(webhook).where(own(webhook), webhook.c.id == WEBHOOK_ID))
GET: Final = compiled("webhook", select(*columns_but_account(webhook)).where(own(webhook), webhook.c.id == ID))
ALL: Final = compiled("webhooks", select(*columns_but_account(webhook)).where(own(webhook)).order_by(webhook.c.id))
_wants_it = exists().where(
    own(webhook), webhook.c.off_at.is_(None), or_(event.c.kind == any_(webhook.c.kinds), event.c.kind == EventKind.HANDOFF_REMINDED)
)
CAUSED: Final = compiled(
    "tell webhooks",
    insert(due_work).from_select(
        _DUE,
        select(
            ACCOUNT,
            event.c.id,
            literal_column(f"'{WorkKind.WEBHOOKS}'"),
            func.now(),
            literal_column("0"),
            queue_rank_of(event.c.handoff_id),
        ).where(own(event), event.c.id == EVENT_ID, event.c.private.is_(false()), _wants_it),
    ),
)
EVENT: Final = compiled("event by id", select(*columns_but_account(event)).where(own(event), event.c.id == EVENT_ID))
_added = (
    insert(webhook_message)
    .values({column: bindparam(column.name) for column in webhook_message.c})
    .returning(webhook_message.c.id, webhook_message.c.webhook_id, webhook_message.c.handoff_id)
    .cte("added")
)
ADD_MESSAGE: Final = compiled(
    "add webhook message",
    insert(due_work).from_select(
        [*_DUE, "target"],
        select(
            ACCOUNT,
            _added.c.id,
            literal_column(f"'{WorkKind.WEBHOOK}'"),
            func.now(),
            literal_column("0"),
            queue_rank_of(_added.c.handoff_id),
            _added.c.webhook_id,
        ),
    ),
)
CHANGING_MESSAGE: Final = ("state", "attempts", "reason", "last_error", "status", "request", "response", "updated_at")
SAVE_MESSAGE: Final = compiled(
    "save webhook message",
    update(webhook_message)
    .where(own(webhook_message), webhook_message.c.id == bindparam("message_id", type_=Uuid()))
    .values({name: bindparam(f"new_{name}") for name in CHANGING_MESSAGE}),
)
MESSAGE: Final = compiled(
    "webhook message", select(*columns_but_account(webhook_message)).where(own(webhook_message), webhook_message.c.id == ID)
)
MESSAGES: Final = compiled(
    "webhook messages",
    select(*columns_but_account(webhook_message))
    .where(own(webhook_message), webhook_message.c.webhook_id == WEBHOOK_ID, webhook_message.c.id < bindparam("before", type_=Uuid()))
    .order_by(webhook_message.c.id.desc())
    .limit(bindparam("most", type_=Integer())),
)
_LAST: Final = WebhookMessageId(uuid.UUID(int=2**128 - 1))


class SqlWebhooks:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, new: Webhook) -> None:
        """As `Webhooks.add` says."""
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                format=new.format,
                created_by=new.created_by,
                created_at=new.created_at,
                **_changing(new),
            )
        )

    async def save(self, changed: Webhook) -> None:
        """As `Webhooks.save` says."""
        new = {f"new_{name}": value for name, value in _changing(changed).items()}
        self._transaction.write(SAVE(account_id=self._account_id, webhook_id=changed.id, **new))

    async def drop(self, webhook_id: WebhookId) -> None:
        """As `Webhooks.drop` says."""
        for statement in (DROP_MESSAGES, DROP):
            self._transaction.write(statement(account_id=self._account_id, webhook_id=webhook_id))

    async def get(self, webhook_id: WebhookId) -> Webhook:
        """As `Webhooks.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=webhook_id))
        if found.first is None:
            raise NotFound("webhook")
        return _webhook(found.first)

    async def all(self) -> Sequence[Webhook]:
        """As `Webhooks.all` says."""
        (found,) = await self._transaction.read(ALL(account_id=self._account_id))
        return [_webhook(row) for row in found.rows]

    async def caused(self, event_id: EventId) -> None:
        """As `Webhooks.caused` says."""
        self._transaction.react(CAUSED(account_id=self._account_id, event_id=event_id))

    async def event(self, event_id: EventId) -> LoggedEvent:
        """As `Webhooks.event` says."""
        (found,) = await self._transaction.read(EVENT(account_id=self._account_id, event_id=event_id))
        if found.first is None:
            raise NotFound("event")
        return kernel_records.logged_event(found.first)

    async def add_messages(self, messages: Sequence[WebhookMessage]) -> None:
        """As `Webhooks.add_messages` says."""
        for message in messages:
            self._transaction.write(
                ADD_MESSAGE(
                    account_id=self._account_id,
                    id=message.id,
                    webhook_id=message.webhook_id,
                    event_id=message.event_id,
                    kind=message.kind,
                    session_id=message.session_id,
                    handoff_id=message.handoff_id,
                    created_at=message.created_at,
                    **_changing_message(message),
                )
            )

    async def save_message(self, message: WebhookMessage) -> None:
        """As `Webhooks.save_message` says."""
        new = {f"new_{name}": value for name, value in _changing_message(message).items()}
        self._transaction.write(SAVE_MESSAGE(account_id=self._account_id, message_id=message.id, **new))

    async def message(self, message_id: WebhookMessageId) -> WebhookMessage:
        """As `Webhooks.message` says."""
        (found,) = await self._transaction.read(MESSAGE(account_id=self._account_id, id=message_id))
        if found.first is None:
            raise NotFound("webhook message")
        return _message(found.first)

    async def messages(self, webhook_id: WebhookId, *, before: WebhookMessageId | None, limit: int) -> Sequence[WebhookMessage]:
        """As `Webhooks.messages` says."""
        asked = MESSAGES(account_id=self._account_id, webhook_id=webhook_id, before=before or _LAST, most=limit)
        (found,) = await self._transaction.read(asked)
        return [_message(row) for row in found.rows]


def _changing(one: Webhook) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in CHANGING}, "kinds": sorted(one.kinds)}


def _changing_message(one: WebhookMessage) -> dict[str, Any]:
    return {name: getattr(one, name) for name in CHANGING_MESSAGE}


def _webhook(row: Any) -> Webhook:
    values = {column.name: getattr(row, column.name) for column in columns_but_account(webhook)}
    return Webhook(**{**values, "format": WebhookFormat(row.format), "kinds": frozenset(map(EventKind, row.kinds))})


def _message(row: Any) -> WebhookMessage:
    values = {column.name: getattr(row, column.name) for column in columns_but_account(webhook_message)}
    return WebhookMessage(**{**values, "state": DeliveryState(row.state), "kind": None if row.kind is None else EventKind(row.kind)})
