"""The delivery ledger of one account, inside one unit of work."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Uuid, bindparam, column, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_core.domain.delivery import Delivery
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.identifiers import DeliveryId
from flowpilot_core.ports.outbox import WorkKind

from . import records
from .queries import ACCOUNT, columns_but_account, is_active, own
from .schema import delivery, due_work, person
from .statement import compiled
from .transaction import Transaction

GET: Final = compiled("delivery", select(*columns_but_account(delivery)).where(own(delivery), delivery.c.id == bindparam("id")))
_asked = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("user_ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), column("user_id", Uuid), name="asked")
    .render_derived()
)
_same_for_all = [
    column for column in delivery.c if column.name in ("handoff_id", "channel", "state", "attempts", "created_at", "updated_at")
]
_added = (
    insert(delivery)
    .from_select(
        ["account_id", "id", "user_id", *_same_for_all],
        select(ACCOUNT, _asked.c.id, _asked.c.user_id, *(bindparam(column.name, type_=column.type) for column in _same_for_all))
        .select_from(_asked)
        .join(person, is_active(_asked.c.user_id)),
    )
    .returning(delivery.c.id)
    .cte("added")
)
ADD: Final = compiled(
    "add deliveries",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes"],
        select(ACCOUNT, _added.c.id, literal_column(f"'{WorkKind.DELIVERY}'"), func.now(), literal_column("0")),
    ),
)
CHANGING: Final = ("state", "reason", "attempts", "last_error", "message_id", "updated_at")
SAVE: Final = compiled(
    "save delivery",
    update(delivery)
    .where(delivery.c.account_id == ACCOUNT, delivery.c.id == bindparam("delivery_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING}),
)


class SqlDeliveries:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """As `Deliveries.add` says, in one statement: what is the same for all is taken from the first."""
        if not deliveries:
            return
        first = deliveries[0]
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                ids=[one.id for one in deliveries],
                user_ids=[one.user_id for one in deliveries],
                handoff_id=first.handoff_id,
                channel=first.channel,
                state=first.state,
                attempts=first.attempts,
                created_at=first.created_at,
                updated_at=first.updated_at,
            )
        )

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """As `Deliveries.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=delivery_id))
        if found.first is None:
            raise NotFound("delivery")
        return records.delivery(found.first)

    async def save(self, changed: Delivery) -> None:
        """As `Deliveries.save` says."""
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                delivery_id=changed.id,
                new_state=changed.state,
                new_reason=changed.reason,
                new_attempts=changed.attempts,
                new_last_error=changed.last_error,
                new_message_id=changed.message_id,
                new_updated_at=changed.updated_at,
            )
        )
