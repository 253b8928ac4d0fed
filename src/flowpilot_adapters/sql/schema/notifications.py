"""Who is told what: policies, preferences, messages, webhooks, and who is online."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import PERSONAL, Channel, DeliveryKind
from flowpilot_core.domain.notifications.webhook import WebhookFormat

from .columns import foreign_key, integer_column, listed, metadata, of_account, one_of, primary_key, text_column, time_column, uuid_column

escalation_policy = Table(
    "escalation_policy",
    metadata,
    uuid_column("account_id"),
    Column("document", JSONB, nullable=False),
    integer_column("claim_quiet_minutes", null=True),
    primary_key("escalation_policy"),
    of_account("escalation_policy"),
)
"""Beside the document what a claim asks of it in its one trip."""


notification_preference = Table(
    "notification_preference",
    metadata,
    uuid_column("account_id"),
    uuid_column("user_id"),
    Column("document", JSONB, nullable=False),
    primary_key("notification_preference", "user_id"),
    foreign_key("notification_preference", "user", ("user_id",), "person", ("id",)),
)


policy_run = Table(
    "policy_run",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("handoff_id"),
    time_column("since"),
    integer_column("round"),
    integer_column("fired"),
    time_column("reached", null=True),
    primary_key("policy_run", "id"),
    UniqueConstraint("account_id", "handoff_id", name="uq_policy_run_handoff"),
    foreign_key("policy_run", "handoff", ("handoff_id",), "handoff", ("id",)),
)
"""How far the escalation policy of each escalation has got."""


delivery = Table(
    "delivery",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("handoff_id"),
    uuid_column("user_id", null=True),
    text_column("channel"),
    text_column("kind"),
    integer_column("number"),
    text_column("state"),
    text_column("reason", null=True),
    integer_column("attempts"),
    text_column("last_error", null=True),
    Column("maybe_arrived", Boolean, nullable=False),
    time_column("waits_until", null=True),
    uuid_column("carried_by", null=True),
    text_column("message_id", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    primary_key("delivery", "id"),
    foreign_key("delivery", "handoff", ("handoff_id",), "handoff", ("id",)),
    foreign_key("delivery", "user", ("user_id",), "person", ("id",)),
    foreign_key("delivery", "carried_by", ("carried_by",), "delivery", ("id",)),
    UniqueConstraint("account_id", "handoff_id", "user_id", "channel", "kind", "number", name="uq_delivery_about"),
    one_of("delivery", "channel", Channel),
    one_of("delivery", "kind", DeliveryKind),
    one_of("delivery", "state", DeliveryState),
    CheckConstraint(f"user_id IS NOT NULL OR channel NOT IN ({listed(sorted(PERSONAL))})", name="ck_delivery_user"),
    Index(
        "ix_delivery_mailed",
        "account_id",
        "user_id",
        "updated_at",
        postgresql_where=text("channel = 'email' AND carried_by IS NULL AND state IN ('delivered', 'sending', 'sent')"),
    ),
    Index("ix_delivery_made", "account_id", "created_at"),
    Index("ix_delivery_waiting", "account_id", "user_id", postgresql_where=text("waits_until IS NOT NULL")),
    Index("ix_delivery_carried", "account_id", "carried_by", postgresql_where=text("carried_by IS NOT NULL")),
)


webhook = Table(
    "webhook",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("name"),
    text_column("format"),
    Column("kinds", ARRAY(Text), nullable=False),
    text_column("host"),
    uuid_column("target"),
    uuid_column("secret"),
    uuid_column("previous_secret", null=True),
    time_column("previous_until", null=True),
    time_column("off_at", null=True),
    text_column("off_reason", null=True),
    uuid_column("created_by"),
    time_column("created_at"),
    primary_key("webhook", "id"),
    foreign_key("webhook", "target", ("target",), "secret", ("id",)),
    foreign_key("webhook", "secret", ("secret",), "secret", ("id",)),
    foreign_key("webhook", "previous_secret", ("previous_secret",), "secret", ("id",)),
    foreign_key("webhook", "created_by", ("created_by",), "person", ("id",)),
    one_of("webhook", "format", WebhookFormat),
    CheckConstraint("(off_at IS NULL) = (off_reason IS NULL)", name="ck_webhook_off"),
)


webhook_message = Table(
    "webhook_message",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("webhook_id"),
    uuid_column("event_id", null=True),
    text_column("kind", null=True),
    uuid_column("session_id", null=True),
    uuid_column("handoff_id", null=True),
    text_column("state"),
    integer_column("attempts"),
    text_column("reason", null=True),
    text_column("last_error", null=True),
    integer_column("status", null=True),
    text_column("request", null=True),
    text_column("response", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    primary_key("webhook_message", "id"),
    foreign_key("webhook_message", "webhook", ("webhook_id",), "webhook", ("id",)),
    foreign_key("webhook_message", "event", ("event_id",), "event", ("id",)),
    foreign_key("webhook_message", "session", ("session_id",), "session", ("id",)),
    foreign_key("webhook_message", "handoff", ("handoff_id",), "handoff", ("id",)),
    one_of("webhook_message", "state", DeliveryState),
    Index("ix_webhook_message_webhook", "account_id", "webhook_id", "id"),
)
"""What webhooks were sent, with the bodies; secrets are redacted, and a routing key is left out."""


presence = Table(
    "presence",
    metadata,
    uuid_column("account_id"),
    uuid_column("user_id"),
    uuid_column("node_id"),
    time_column("until"),
    primary_key("presence", "user_id", "node_id"),
    foreign_key("presence", "user", ("user_id",), "person", ("id",)),
)
"""Who has a stream of events open at which process, until when if it says nothing more."""
