"""What there is to see of deliveries and news in one account."""

from collections.abc import Sequence

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.reading import MemoryReading, called
from flowpilot_adapters.memory.tables import Working
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import DeliveryId, HandoffId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.ports.kernel import Entry
from flowpilot_core.ports.notifications import News


class MemoryNotificationView(MemoryReading):
    """As `NotificationView` says."""

    async def deliveries(self, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> tuple[Handoff, Sequence[Delivery]]:
        """As `NotificationView.deliveries` says."""
        rows = await self._now()
        handoff = reading.handoff(rows, handoff_id)
        return handoff, [one for one in reading.deliveries(rows, handoff_id) if after is None or one.id > after][:limit]

    async def ledger(self, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """As `NotificationView.ledger` says."""
        rows = await self._now()
        found = (one for one in rows.deliveries.values() if one.state in states and (before is None or one.id < before))
        return sorted(found, key=lambda one: one.id, reverse=True)[:limit]

    async def online(self) -> frozenset[UserId]:
        """As `NotificationView.online` says."""
        rows, now = await self._now(), self._clock.now()
        return frozenset(user_id for user_id, _, until in rows.presence.values() if until > now)

    async def news(self, *, after: int, limit: int) -> Sequence[News]:
        """As `NotificationView.news` says."""
        rows = await self._now()
        return [
            News(entry=Entry(logged=one, name=called(rows, one.event)), readers=_readers(rows, one.event))
            for one in self._logged()[max(after, 0) :][:limit]
        ]


def _readers(rows: Working, event: Event) -> frozenset[UserId] | None:
    return reading.handoff(rows, event.handoff_id).readers if event.private and event.handoff_id else None
