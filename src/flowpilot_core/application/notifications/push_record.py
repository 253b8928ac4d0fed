"""Telling by push: whoever has a stream of events open reads it there, and the ledger says so."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.kernel import BeginWork, Clock
from flowpilot_core.ports.notifications import NotificationWork
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionWork

from .mailing import TO_SEND, logged
from .timing import word_on


class PushRecordNeeds(NotificationWork, HandoffWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


NOT_HERE = "the person is deactivated"


@frozen(kw_only=True)
class NotePush:
    """Settles a delivery by push. There is nothing to send: every stream reads the event, one that broke off once it is back.

    It has arrived with whoever has a stream open by now; nobody else was told this way.
    """

    begin: BeginWork[PushRecordNeeds]
    clock: Clock
    settled: Callable[[Delivery], None]
    """Called with each delivery that arrived, for whoever keeps figures."""

    async def do(self, lease: Lease) -> None:
        """Note what became of the delivery; a lease that was lost notes nothing."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            noted = await self._noted(work, DeliveryId(lease.work_id))
            await work.commit()
        if noted is not None:
            logged(noted, noted.state, noted.reason)
            if noted.state is DeliveryState.DELIVERED:
                self.settled(noted)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The delivery is dead, for a reason that lies here."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                delivery, at = await work.deliveries.get(DeliveryId(lease.work_id)), self.clock.now()
                await work.deliveries.save(delivery.taken(at=at).failed(problem, permanent=True, at=at))
            await work.commit()

    async def _noted(self, work: PushRecordNeeds, delivery_id: DeliveryId) -> Delivery | None:
        try:
            delivery = await work.deliveries.get(delivery_id)
        except NotFound:
            return None
        if delivery.state not in TO_SEND:
            return None
        at = self.clock.now()
        word = await word_on(work, delivery, await work.handoffs.get(delivery.handoff_id), at=at)
        reason = (await work.people.account()).why_not_tell() or (NOT_HERE if word is None else word.reason)
        noted = delivery.taken(at=at).delivered(at=at) if reason is None else delivery.suppressed(reason, at=at)
        await work.deliveries.save(noted)
        return noted
