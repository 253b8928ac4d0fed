"""What there is to see of deliveries and news in one account."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.kernel.view import AFTER
from flowpilot_adapters.sql.notifications.presence import ONLINE
from flowpilot_adapters.sql.queries import HANDOFF_BY_ID, HIGHEST, LIMIT, LOWEST, columns_but_account, own
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import handoffs as handoffs_records
from flowpilot_adapters.sql.records import notifications as notifications_records
from flowpilot_adapters.sql.schema import delivery, event, handoff, person
from flowpilot_adapters.sql.statement import compiled
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.identifiers import DeliveryId, HandoffId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.ports.notifications import News

ID: Final = bindparam("id", type_=handoff.c.id.type)

DELIVERIES: Final = compiled(
    "deliveries",
    select(*columns_but_account(delivery))
    .where(own(delivery), delivery.c.handoff_id == ID, delivery.c.id > bindparam("after"))
    .order_by(delivery.c.id)
    .limit(LIMIT),
)

LEDGER: Final = compiled(
    "ledger",
    select(*columns_but_account(delivery))
    .where(own(delivery), delivery.c.id < bindparam("before"), delivery.c.state == any_(bindparam("states", type_=ARRAY(Text))))
    .order_by(delivery.c.id.desc())
    .limit(LIMIT),
)

NEWS: Final = compiled(
    "news",
    select(*columns_but_account(event), person.c.name.label("by_name"), handoff.c.readers)
    .select_from(
        event.outerjoin(person, own(person) & (person.c.id == event.c.by_user_id)).outerjoin(
            handoff, own(handoff) & (handoff.c.id == event.c.handoff_id)
        )
    )
    .where(own(event), event.c.number > AFTER)
    .order_by(event.c.number)
    .limit(LIMIT),
)


class SqlNotificationView(SqlReading):
    """As `NotificationView` says."""

    async def deliveries(self, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> tuple[Handoff, Sequence[Delivery]]:
        """As `NotificationView.deliveries` says."""
        handoff, found = await self._read(
            HANDOFF_BY_ID(account_id=self._account_id, id=handoff_id),
            DELIVERIES(account_id=self._account_id, id=handoff_id, after=after or LOWEST, most=limit),
        )
        return handoffs_records.the_one(handoff.first), [notifications_records.delivery(row) for row in found.rows]

    async def ledger(self, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """As `NotificationView.ledger` says."""
        (found,) = await self._read(LEDGER(account_id=self._account_id, states=sorted(states), before=before or HIGHEST, most=limit))
        return [notifications_records.delivery(row) for row in found.rows]

    async def online(self) -> frozenset[UserId]:
        """As `NotificationView.online` says."""
        return frozenset(row.user_id for row in (await self._read_one(ONLINE(account_id=self._account_id))).rows)

    async def news(self, *, after: int, limit: int) -> Sequence[News]:
        """As `NotificationView.news` says."""
        found = await self._read_one(NEWS(account_id=self._account_id, after=after, most=limit))
        return [notifications_records.news(row) for row in found.rows]
