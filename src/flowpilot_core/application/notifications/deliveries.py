"""Use cases of deliveries: who was told, how, and how far that is; and having a dead one tried again."""

from collections.abc import Sequence
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.handoffs.handoffs import readable
from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.identifiers import DeliveryId, HandoffId, WebhookMessageId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.timing import suppressed_until
from flowpilot_core.ports.handoffs import HandoffDetail, HandoffWork
from flowpilot_core.ports.kernel import Clock, ViewOf
from flowpilot_core.ports.notifications import RESENDING, NotificationView, NotificationWork
from flowpilot_core.ports.relay import RelayWork, Work, WorkKind


class DeliveriesNeeds(NotificationWork, HandoffWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Deliveries:
    """Deliveries of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units[DeliveriesNeeds]
    view: ViewOf[NotificationView]
    clock: Clock

    async def of(self, actor: Actor, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """Those of a handoff: who was told, how, and how far that is; what a maintenance window holds waits until that ends."""
        handoff, found = await self.view(actor.account_id).deliveries(handoff_id, after=after, limit=limit)
        handoff.require_readable(actor)
        return [evolve(one, suppressed_until=suppressed_until(one, handoff.window)) for one in found]

    async def ledger(self, actor: Actor, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """The deliveries of all handoffs of the account in one of these states, the newest first: for whoever may retry them."""
        require_role(actor, Permission.RETRY_DELIVERY)
        return await self.view(actor.account_id).ledger(states, before=before, limit=limit)

    async def retry(self, actor: Actor, handoff_id: HandoffId, delivery_id: DeliveryId, *, request: Request = PLAIN) -> HandoffDetail:
        """Have a dead delivery tried again. Raises `NotFound` for one of another handoff, `InvalidTransition` unless it is dead."""

        async def unit(work: DeliveriesNeeds) -> HandoffDetail:
            handoff = await work.handoffs.get(handoff_id)
            handoff.require_readable(actor)
            delivery = await work.deliveries.get(delivery_id)
            retried = delivery.retried(handoff, by=actor, at=self.clock.now())
            handoff.require_version(request.if_match)
            await work.deliveries.save(retried)
            kind, rank = RESENDING[delivery.channel], -handoff.priority.rank
            message = await work.webhooks.message(WebhookMessageId(delivery_id)) if kind is WorkKind.WEBHOOK else None
            target = message.webhook_id if message else None
            await work.due.add(Work(id=delivery_id, kind=kind, due_at=self.clock.now(), target=target, queue_rank=rank))
            await self.units.record(work, retried.changed(handoff, by=actor), request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)
