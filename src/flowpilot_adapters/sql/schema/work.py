"""What the engine keeps for itself: work that is due, requests that were answered, rows that were imported, secrets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    text,
)

from .base import foreign_key, integer_column, metadata, of_account, primary_key, text_column, time_column, uuid_column

due_work = Table(
    "due_work",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("kind"),
    time_column("due_at"),
    integer_column("takes"),
    uuid_column("lease_token", null=True),
    time_column("lease_until", null=True),
    primary_key("due_work", "id"),
    CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="ck_due_work_lease"),
    Index("ix_due_work_kind_due", "kind", "due_at", postgresql_where=text("kind < '~'")),
    Index("ix_due_work_kind_account_due", "kind", "account_id", "due_at"),
)
"""What is to be done, without content: the one table that the relay's role may read across accounts."""

relay_mark = Table(
    "relay_mark",
    metadata,
    Column("sole", Boolean, nullable=False),
    uuid_column("id"),
    Column("number", BigInteger, nullable=False),
    text_column("paused_because", null=True),
    PrimaryKeyConstraint("sole", name="pk_relay_mark"),
    CheckConstraint("sole", name="ck_relay_mark_sole"),
    comment="tenancy: one row that says nothing of any account, by which relays notice a restored database",
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

imported_row = Table(
    "imported_row",
    metadata,
    uuid_column("account_id"),
    text_column("log"),
    Column("line", BigInteger, nullable=False),
    text_column("case_name"),
    uuid_column("session_id"),
    text_column("outcome"),
    primary_key("imported_row", "log", "line"),
    foreign_key("imported_row", "session", ("session_id",), "session", ("id",)),
)
"""The import's ledger: each row of each log that was replayed."""

secret = Table(
    "secret",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("purpose"),
    Column("sealed", LargeBinary, nullable=False),
    text_column("key_id"),
    time_column("created_at"),
    primary_key("secret", "id"),
    of_account("secret"),
)
"""What only the holder of the key can read, sealed by the application."""
