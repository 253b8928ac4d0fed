"""Webhooks: where they and their messages are kept, and the one way to reach them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.events import LoggedEvent
from flowpilot_core.domain.identifiers import EventId, WebhookId, WebhookMessageId
from flowpilot_core.domain.webhook import Webhook, WebhookMessage


class Webhooks(Protocol):
    """The webhooks of one account and what they were sent, inside one unit of work."""

    async def add(self, webhook: Webhook) -> None:
        """Keep a new one."""

    async def save(self, webhook: Webhook) -> None:
        """Keep a changed one."""

    async def drop(self, webhook_id: WebhookId) -> None:
        """Forget one, with everything it was sent; its secrets are dropped beside it."""

    async def get(self, webhook_id: WebhookId) -> Webhook:
        """Raises `NotFound`."""

    async def all(self) -> Sequence[Webhook]:
        """All of them, oldest first."""

    async def caused(self, event_id: EventId) -> None:
        """Have webhooks told of this event (`WorkKind.WEBHOOKS`, under the event's id), if it is recorded in this unit of work,

        is not private, and a webhook that is on wants to be told of its kind; of a reminder, whichever is on, since its step may name it.
        """

    async def event(self, event_id: EventId) -> LoggedEvent:
        """An event by its id. Raises `NotFound`."""

    async def add_messages(self, messages: Sequence[WebhookMessage]) -> None:
        """Keep new messages, each with the work of sending it (`WorkKind.WEBHOOK`) due at once."""

    async def save_message(self, message: WebhookMessage) -> None:
        """Keep a changed message."""

    async def message(self, message_id: WebhookMessageId) -> WebhookMessage:
        """Raises `NotFound`."""

    async def messages(self, webhook_id: WebhookId, *, before: WebhookMessageId | None, limit: int) -> Sequence[WebhookMessage]:
        """What one webhook was sent, newest first, from the one before `before`."""


@frozen(kw_only=True)
class WebhookCall:
    """One request to the other end."""

    url: str
    message_id: str
    """The same at every attempt."""
    at: datetime
    body: str
    secrets: tuple[str, ...]
    """What it is signed with, `whsec_…` each: more than one while a secret is changed."""


@frozen(kw_only=True)
class WebhookAnswer:
    """What the other end said."""

    status: int
    body: str
    retry_after: float | None = None
    """Seconds that it asks to be left alone, where it does."""


class WebhookCaller(Protocol):
    """The way to reach a webhook."""

    async def call(self, call: WebhookCall) -> WebhookAnswer:
        """Sign and send one message, as the Standard Webhooks specification says.

        Raises `NotSent` where there was no answer, within a bounded time. Follows no redirect.
        """
