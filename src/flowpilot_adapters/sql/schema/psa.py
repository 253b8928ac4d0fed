"""PSAs: connections, what is posted there, and what they tell."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.psa.connection import Circuit, NoteKind, TicketAction
from flowpilot_core.domain.psa.post import PostState

from .columns import foreign_key, integer_column, metadata, of_account, one_of, primary_key, text_column, time_column, uuid_column

psa_connection = Table(
    "psa_connection",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    integer_column("version"),
    text_column("system"),
    text_column("name"),
    text_column("base_url"),
    uuid_column("secret_id", null=True),
    Column("settings", JSONB, nullable=False),
    Column("noted", ARRAY(Text), nullable=False),
    Column("templates", JSONB, nullable=False),
    Column("summary_public", Boolean, nullable=False),
    Column("changes", JSONB, nullable=False),
    text_column("circuit"),
    integer_column("failures"),
    time_column("rests_until", null=True),
    text_column("problem", null=True),
    time_column("last_success_at", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("removed_at", null=True),
    primary_key("psa_connection", "id"),
    of_account("psa_connection"),
    one_of("psa_connection", "circuit", Circuit),
    foreign_key("psa_connection", "secret", ("secret_id",), "secret", ("id",)),
    CheckConstraint("(secret_id IS NULL) = (removed_at IS NOT NULL)", name="ck_psa_connection_secret"),
    Index("uq_psa_connection_system", "account_id", "system", unique=True, postgresql_where=text("removed_at IS NULL")),
)
"""One that was removed stays, without its secret, for the posts that went over it."""


psa_post = Table(
    "psa_post",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("connection_id"),
    uuid_column("session_id"),
    uuid_column("handoff_id", null=True),
    text_column("ticket_id"),
    text_column("kind"),
    uuid_column("output_id", null=True),
    integer_column("output_version", null=True),
    Column("public", Boolean, nullable=False),
    text_column("action"),
    uuid_column("by_user_id", null=True),
    text_column("state"),
    text_column("reason", null=True),
    integer_column("attempts"),
    Column("maybe_posted", Boolean, nullable=False),
    text_column("last_error", null=True),
    integer_column("minutes", null=True),
    text_column("sent", null=True),
    text_column("vendor_id", null=True),
    text_column("answer", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("posted_at", null=True),
    primary_key("psa_post", "id"),
    foreign_key("psa_post", "connection", ("connection_id",), "psa_connection", ("id",)),
    foreign_key("psa_post", "session", ("session_id",), "session", ("id",)),
    foreign_key("psa_post", "handoff", ("handoff_id",), "handoff", ("id",)),
    foreign_key("psa_post", "output", ("output_id",), "output", ("id",)),
    foreign_key("psa_post", "by", ("by_user_id",), "person", ("id",)),
    one_of("psa_post", "kind", NoteKind),
    one_of("psa_post", "action", TicketAction),
    one_of("psa_post", "state", PostState),
    CheckConstraint("(kind = 'output') = (output_id IS NOT NULL)", name="ck_psa_post_output"),
    CheckConstraint("(output_id IS NULL) = (output_version IS NULL)", name="ck_psa_post_output_version"),
    CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name="ck_psa_post_posted_at"),
    Index(
        "ix_psa_post_to_do",
        "account_id",
        "connection_id",
        "ticket_id",
        "id",
        postgresql_where=text("state IN ('failed', 'pending', 'sending')"),
    ),
    Index("ix_psa_post_made", "account_id", "created_at"),
)


psa_member = Table(
    "psa_member",
    metadata,
    uuid_column("account_id"),
    uuid_column("connection_id"),
    integer_column("version"),
    uuid_column("user_id"),
    text_column("email"),
    text_column("member_id", null=True),
    time_column("good_until"),
    primary_key("psa_member", "connection_id", "user_id"),
    foreign_key("psa_member", "connection", ("connection_id",), "psa_connection", ("id",)),
    foreign_key("psa_member", "user", ("user_id",), "person", ("id",)),
)
"""Who of the account is who in its PSA."""


psa_webhook = Table(
    "psa_webhook",
    metadata,
    uuid_column("account_id"),
    uuid_column("connection_id"),
    Column("digest", LargeBinary, nullable=False),
    uuid_column("secret_id"),
    time_column("made_at"),
    primary_key("psa_webhook", "connection_id"),
    foreign_key("psa_webhook", "connection", ("connection_id",), "psa_connection", ("id",)),
    foreign_key("psa_webhook", "secret", ("secret_id",), "secret", ("id",)),
    UniqueConstraint("account_id", "digest", name="uq_psa_webhook_digest"),
)
"""The address that a PSA calls, as a digest."""


psa_ticket = Table(
    "psa_ticket",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("connection_id"),
    text_column("ticket_id"),
    Column("closed", Boolean, nullable=False),
    primary_key("psa_ticket", "id"),
    foreign_key("psa_ticket", "connection", ("connection_id",), "psa_connection", ("id",)),
    UniqueConstraint("account_id", "connection_id", "ticket_id", name="uq_psa_ticket_ticket"),
)
"""Tickets that PSAs told of while a session was on them, and whether each was closed when it was last looked at."""
