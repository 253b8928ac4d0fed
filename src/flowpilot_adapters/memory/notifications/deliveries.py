"""The delivery ledger."""

from collections.abc import Hashable, Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_adapters.memory.sessions.sessions import _others
from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId, UserId
from flowpilot_core.domain.notifications.delivery import ON_ITS_WAY, Channel, Delivery
from flowpilot_core.ports.notifications import SENDING, Mails


@frozen
class MemoryDeliveries:
    """The delivery ledger of one account."""

    _work: Transaction

    async def add(self, deliveries: Sequence[Delivery], *, not_before: datetime | None = None) -> None:
        """As `Deliveries.add` says."""
        now = self._work.clock.now()
        said = {_about(one) for one in self._work.rows.deliveries.values()}
        for delivery in deliveries:
            if _about(delivery) in said or not (delivery.user_id is None or self._work.active(delivery.user_id)):
                continue
            self._work.rows.deliveries.put(delivery.id, delivery)
            if kind := SENDING.get(delivery.channel):
                due_at, rank = max(not_before or now, now), self._work.queue_rank(delivery.handoff_id)
                self._work.rows.due.put(delivery.id, DueWork(id=delivery.id, kind=kind, due_at=due_at, queue_rank=rank))

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """As `Deliveries.get` says."""
        await _others()
        delivery = self._work.rows.deliveries.get(delivery_id)
        if delivery is None:
            raise NotFound("delivery")
        return delivery

    async def save(self, delivery: Delivery) -> None:
        """As `Deliveries.save` says."""
        self._work.rows.deliveries.put(delivery.id, delivery)

    async def mails_of(self, user_id: UserId, *, since: datetime) -> Mails:
        """As `Deliveries.mails_of` says."""
        await _others()
        await self._work.lock("mails", user_id)
        theirs = sorted(
            (one for one in self._work.rows.deliveries.values() if one.user_id == user_id and one.channel is Channel.EMAIL),
            key=lambda one: one.id,
        )
        return Mails(
            sent=tuple(one for one in theirs if one.state in ON_ITS_WAY and one.carried_by is None and one.updated_at > since),
            waiting=tuple(one for one in theirs if one.waits_until is not None),
        )

    async def carried(self, delivery_id: DeliveryId) -> Sequence[Delivery]:
        """As `Deliveries.carried` says."""
        await _others()
        return sorted((one for one in self._work.rows.deliveries.values() if one.carried_by == delivery_id), key=lambda one: one.id)


def _about(one: Delivery) -> Hashable:
    """Of what there is one; what is for all of the account is told apart by its id."""
    return one.handoff_id, one.user_id or one.id, one.channel, one.kind, one.number
