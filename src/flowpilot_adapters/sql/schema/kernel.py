"""The event log, and the requests that were answered."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, SmallInteger, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from .columns import foreign_key, metadata, of_account, primary_key, text_column, time_column, uuid_column

event_counter = Table(
    "event_counter",
    metadata,
    uuid_column("account_id"),
    Column("number", BigInteger, nullable=False),
    primary_key("event_counter"),
    of_account("event_counter"),
    # One row an account, changed by every commit: room on its page keeps the changes there.
    postgresql_with={"fillfactor": "10"},
)
"""The number of the account's last event. Apart from the account, whose row every foreign key to it locks for a moment."""


event = Table(
    "event",
    metadata,
    uuid_column("account_id"),
    Column("number", BigInteger, nullable=False),
    uuid_column("id"),
    text_column("kind"),
    time_column("at"),
    uuid_column("by_user_id", null=True),
    text_column("cause", null=True),
    text_column("request_id", null=True),
    uuid_column("session_id"),
    uuid_column("handoff_id", null=True),
    Column("private", Boolean, nullable=False),
    Column("changed", JSONB, nullable=False),
    primary_key("event", "number"),
    UniqueConstraint("account_id", "id", name="uq_event_id"),
    foreign_key("event", "by", ("by_user_id",), "person", ("id",)),
    foreign_key("event", "session", ("session_id",), "session", ("id",)),
    foreign_key("event", "handoff", ("handoff_id",), "handoff", ("id",)),
    CheckConstraint("handoff_id IS NOT NULL OR NOT private", name="ck_event_private"),
    Index("ix_event_session", "account_id", "session_id", "number"),
)


idempotency_key = Table(
    "idempotency_key",
    metadata,
    uuid_column("account_id"),
    uuid_column("user_id"),
    text_column("key"),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    time_column("kept_at"),
    primary_key("idempotency_key", "user_id", "key"),
    foreign_key("idempotency_key", "user", ("user_id",), "person", ("id",)),
    Index("ix_idempotency_key_kept_at", "account_id", "user_id", "kept_at"),
)
