"""The webhooks of one account and what they were sent, inside one unit of work."""

from collections.abc import Sequence

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import EventKind, LoggedEvent
from flowpilot_core.domain.kernel.identifiers import EventId, WebhookId, WebhookMessageId
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookMessage
from flowpilot_core.ports.relay import WorkKind


@frozen
class MemoryWebhooks:
    """Inside one unit of work."""

    _work: Transaction

    async def add(self, webhook: Webhook) -> None:
        """As `Webhooks.add` says."""
        self._work.rows.webhooks.put(webhook.id, webhook)

    async def save(self, webhook: Webhook) -> None:
        """As `Webhooks.save` says."""
        self._work.rows.webhooks.put(webhook.id, webhook)

    async def drop(self, webhook_id: WebhookId) -> None:
        """As `Webhooks.drop` says."""
        for message in list(self._work.rows.webhook_messages.values()):
            if message.webhook_id == webhook_id:
                self._work.rows.webhook_messages.drop(message.id)
        self._work.rows.webhooks.drop(webhook_id)

    async def get(self, webhook_id: WebhookId) -> Webhook:
        """As `Webhooks.get` says."""
        found = self._work.rows.webhooks.get(webhook_id)
        if found is None:
            raise NotFound("webhook")
        return found

    async def all(self) -> Sequence[Webhook]:
        """As `Webhooks.all` says."""
        return sorted(self._work.rows.webhooks.values(), key=lambda webhook: webhook.id)

    async def caused(self, event_id: EventId) -> None:
        """As `Webhooks.caused` says."""

        def spread() -> None:
            event = next(event for event in self._work.rows.events if event.id == event_id)
            wanted = any(one.off_at is None and _may_want(one, event.kind) for one in self._work.rows.webhooks.values())
            if wanted and not event.private:
                due_at, rank = self._work.clock.now(), self._work.queue_rank(event.handoff_id)
                self._work.rows.due.put(event_id, DueWork(id=event_id, kind=WorkKind.WEBHOOKS, due_at=due_at, queue_rank=rank))

        self._work.react(event_id, spread)

    async def event(self, event_id: EventId) -> LoggedEvent:
        """As `Webhooks.event` says."""
        for number, event in enumerate(self._work.rows.logged, 1):
            if event.id == event_id:
                return LoggedEvent(number=number, event=event)
        raise NotFound("event")

    async def add_messages(self, messages: Sequence[WebhookMessage]) -> None:
        """As `Webhooks.add_messages` says."""
        now = self._work.clock.now()
        for message in messages:
            self._work.rows.webhook_messages.put(message.id, message)
            rank = self._work.queue_rank(message.handoff_id)
            due = DueWork(id=message.id, kind=WorkKind.WEBHOOK, due_at=now, target=message.webhook_id, queue_rank=rank)
            self._work.rows.due.put(message.id, due)

    async def save_message(self, message: WebhookMessage) -> None:
        """As `Webhooks.save_message` says."""
        self._work.rows.webhook_messages.put(message.id, message)

    async def message(self, message_id: WebhookMessageId) -> WebhookMessage:
        """As `Webhooks.message` says."""
        found = self._work.rows.webhook_messages.get(message_id)
        if found is None:
            raise NotFound("webhook message")
        return found

    async def messages(self, webhook_id: WebhookId, *, before: WebhookMessageId | None, limit: int) -> Sequence[WebhookMessage]:
        """As `Webhooks.messages` says."""
        found = (
            message
            for message in self._work.rows.webhook_messages.values()
            if message.webhook_id == webhook_id and (before is None or message.id < before)
        )
        return sorted(found, key=lambda message: message.id, reverse=True)[:limit]


def _may_want(webhook: Webhook, kind: EventKind) -> bool:
    return kind in webhook.kinds or kind is EventKind.HANDOFF_REMINDED
