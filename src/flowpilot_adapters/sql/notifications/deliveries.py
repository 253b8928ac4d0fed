"""The delivery ledger of one account, inside one unit of work."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Text, Uuid, bindparam, false, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, is_active, own, queue_rank_of
from flowpilot_adapters.sql.records import notifications as records
from flowpilot_adapters.sql.schema import delivery, due_work, person
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import ON_ITS_WAY, Channel, Delivery
from flowpilot_core.ports.notifications import SENDING, Mails

GET: Final = compiled("delivery", select(*columns_but_account(delivery)).where(own(delivery), delivery.c.id == bindparam("id")))
_EACH: Final[dict[str, TypeEngine[Any]]] = {"id": Uuid(), "user_id": Uuid(), "channel": Text(), "work_kind": Text()}
"""What each of the deliveries that are added together brings along."""
_ABOUT: Final = ("handoff_id", "kind", "number", "created_at")
"""What all of them are about."""
_about = {name: bindparam(name, type_=delivery.c[name].type) for name in _ABOUT}
# Not as a function to select from: that would keep the rows of each array apart before it puts them together.
_asked = select(*(func.unnest(bindparam(name, type_=ARRAY(type_))).label(name) for name, type_ in _EACH.items())).cte("asked")
_added = (
    postgresql.insert(delivery)
    .from_select(
        ["account_id", "id", "user_id", "channel", *_ABOUT, "updated_at", "state", "attempts", "maybe_arrived"],
        select(
            ACCOUNT,
            *(_asked.c[name] for name in ("id", "user_id", "channel")),
            *_about.values(),
            _about["created_at"],
            literal_column(f"'{DeliveryState.PENDING}'"),
            literal_column("0"),
            false(),
        )
        .select_from(_asked)
        .outerjoin(person, is_active(_asked.c.user_id))
        .where(or_(_asked.c.user_id.is_(None), person.c.id.is_not(None))),
    )
    .on_conflict_do_nothing()
    .returning(delivery.c.id)
    .cte("added")
)
_not_before = bindparam("not_before", type_=due_work.c.due_at.type)
ADD: Final = compiled(
    "add deliveries",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes", "queue_rank"],
        select(
            ACCOUNT,
            _added.c.id,
            _asked.c.work_kind,
            func.greatest(_not_before, func.now()),
            literal_column("0"),
            queue_rank_of(_about["handoff_id"]),
        )
        .join_from(_added, _asked, _asked.c.id == _added.c.id)
        .where(_asked.c.work_kind.is_not(None)),
    ),
)
CHANGING: Final = ("state", "reason", "attempts", "last_error", "maybe_arrived", "waits_until", "carried_by", "message_id", "updated_at")
SAVE: Final = compiled(
    "save delivery",
    update(delivery)
    .where(delivery.c.account_id == ACCOUNT, delivery.c.id == bindparam("delivery_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING}),
)

USER: Final = bindparam("user_id", type_=Uuid())
LOCK_MAILS: Final = compiled("lock mails", select(person.c.id).where(own(person), person.c.id == USER).with_for_update(key_share=True))
MAILED: Final = compiled(
    "mailed",
    select(*columns_but_account(delivery)).where(
        own(delivery),
        delivery.c.user_id == USER,
        delivery.c.updated_at > bindparam("since"),
        delivery.c.channel == Channel.EMAIL,
        delivery.c.carried_by.is_(None),
        delivery.c.state.in_(sorted(ON_ITS_WAY)),
    ),
)
WAITING: Final = compiled(
    "waiting mails",
    select(*columns_but_account(delivery))
    .where(own(delivery), delivery.c.user_id == USER, delivery.c.waits_until.is_not(None), delivery.c.channel == Channel.EMAIL)
    .order_by(delivery.c.id),
)
CARRIED: Final = compiled(
    "carried",
    select(*columns_but_account(delivery)).where(own(delivery), delivery.c.carried_by == bindparam("carrier_id")).order_by(delivery.c.id),
)


class SqlDeliveries:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, deliveries: Sequence[Delivery], *, not_before: datetime | None = None) -> None:
        """As `Deliveries.add` says, in one statement for all that are about the same."""
        for about, alike in groupby(deliveries, attrgetter(*_ABOUT)):
            added = list(alike)
            self._transaction.write(
                ADD(
                    account_id=self._account_id,
                    id=[one.id for one in added],
                    user_id=[one.user_id for one in added],
                    channel=[one.channel for one in added],
                    work_kind=[SENDING.get(one.channel) for one in added],
                    not_before=not_before,
                    **dict(zip(_ABOUT, about, strict=True)),
                )
            )

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """As `Deliveries.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=delivery_id))
        if found.first is None:
            raise NotFound("delivery")
        return records.delivery(found.first)

    async def mails_of(self, user_id: UserId, *, since: datetime) -> Mails:
        """As `Deliveries.mails_of` says."""
        who = {"account_id": self._account_id, "user_id": user_id}
        _, sent, waiting = await self._transaction.read(LOCK_MAILS(**who), MAILED(**who, since=since), WAITING(**who))
        return Mails(sent=tuple(records.delivery(row) for row in sent.rows), waiting=tuple(records.delivery(row) for row in waiting.rows))

    async def carried(self, delivery_id: DeliveryId) -> Sequence[Delivery]:
        """As `Deliveries.carried` says."""
        (found,) = await self._transaction.read(CARRIED(account_id=self._account_id, carrier_id=delivery_id))
        return [records.delivery(row) for row in found.rows]

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
                new_maybe_arrived=changed.maybe_arrived,
                new_waits_until=changed.waits_until,
                new_carried_by=changed.carried_by,
                new_message_id=changed.message_id,
                new_updated_at=changed.updated_at,
            )
        )
