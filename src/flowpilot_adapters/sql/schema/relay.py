"""Work that is due, and the mark that relays leave."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, PrimaryKeyConstraint, SmallInteger, Table, Uuid, text

from .columns import integer_column, metadata, primary_key, text_column, time_column, uuid_column

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
    Column("target", Uuid, nullable=False, server_default=text("'00000000-0000-0000-0000-000000000000'::uuid")),
    Column("queue_rank", SmallInteger, nullable=False, server_default=text("0")),
    primary_key("due_work", "id"),
    CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="ck_due_work_lease"),
    Index("ix_due_work_kind_due", "kind", "due_at", postgresql_where=text("kind < '~'")),
    Index("ix_due_work_line", "kind", "account_id", "queue_rank", "target", "due_at"),
)
"""What is to be done, without content: the one table that the relay's role may read across accounts.

`target` is of zeros where there is none: lines are found by hopping from one to the next, and nothing is next to NULL.
"""


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
