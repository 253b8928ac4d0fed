"""Webhooks as clients write and read them; their addresses and secrets are not among it."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.notifications.webhooks import Shown
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookFormat, WebhookMessage
from flowpilot_http.schemas.kernel import Closed, Instant, Line

Url = Annotated[
    str, Meta(description="Its address, which is kept as a secret: only the host is shown.", extra_json_schema={"minLength": 1})
]
RoutingKey = Annotated[str | None, Meta(description="PagerDuty's integration key; goes with the format pagerduty alone.")]


class NewWebhook(Closed, kw_only=True, frozen=True):
    """An address of yours, and what it is to be told of."""

    url: Url
    kinds: Annotated[list[EventKind], Meta(description="Kinds of events, such as handoff.escalated; never those of a park.")]
    name: Line
    format: WebhookFormat = WebhookFormat.STANDARD
    routing_key: RoutingKey = None


class ChangeWebhook(Closed, kw_only=True, frozen=True):
    """What is to be different; what is left out stays."""

    url: Url | None = None
    kinds: list[EventKind] | None = None
    name: Line | None = None
    routing_key: RoutingKey = None
    on: Annotated[bool | None, Meta(description="Whether it is told of anything.")] = None


class WebhookOut(msgspec.Struct, kw_only=True, frozen=True):
    """A webhook. `secret` stands in the answer that made it, and in no other."""

    id: UUID
    name: str
    format: WebhookFormat
    kinds: list[str]
    host: str
    on: bool
    off_reason: str | None
    previous_secret_until: Instant | None
    created_at: Instant
    secret: str | UnsetType = UNSET

    @classmethod
    def of(cls, webhook: Webhook, secret: str | None = None) -> "WebhookOut":
        """As clients read it."""
        return cls(
            id=webhook.id,
            name=webhook.name,
            format=webhook.format,
            kinds=sorted(webhook.kinds),
            host=webhook.host,
            on=webhook.off_at is None,
            off_reason=webhook.off_reason,
            previous_secret_until=webhook.previous_until,
            created_at=webhook.created_at,
            secret=UNSET if secret is None else secret,
        )

    @classmethod
    def shown(cls, shown: Shown) -> "WebhookOut":
        """As clients read it, with its secret where it was just made."""
        return cls.of(shown.webhook, shown.secret)

    @classmethod
    def again(cls, shown: Shown) -> "WebhookOut":
        """As it is told where the request that made its secret comes again."""
        return cls.of(shown.webhook)


class WebhookMessageOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a webhook was told, and what it answered."""

    id: UUID
    webhook_id: UUID
    event_id: UUID | None
    kind: Annotated[str | None, Meta(description="Null: a test.")]
    session_id: UUID | None
    handoff_id: UUID | None
    state: DeliveryState
    attempts: int
    reason: str | None
    last_error: str | None
    status: Annotated[int | None, Meta(description="The HTTP status of the last answer.")]
    request: Annotated[str | None, Meta(description="The body that was sent last, redacted.")]
    response: Annotated[str | None, Meta(description="How the last answer began.")]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, message: WebhookMessage) -> "WebhookMessageOut":
        """As clients read it."""
        values: dict[str, Any] = {field: getattr(message, field) for field in cls.__struct_fields__}
        return cls(**values)
