"""What resolved sessions leave behind."""

from sqlalchemy import Boolean, Column, Index, Table

from flowpilot_core.domain.outputs.output import Author, OutputKind, OutputState

from .columns import foreign_key, integer_column, metadata, one_of, primary_key, text_column, time_column, uuid_column

output = Table(
    "output",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("session_id"),
    text_column("kind"),
    integer_column("version"),
    text_column("state"),
    Column("pending", Boolean, nullable=False),
    text_column("problem", null=True),
    uuid_column("approved_by", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    primary_key("output", "id"),
    foreign_key("output", "session", ("session_id",), "session", ("id",)),
    foreign_key("output", "approved_by", ("approved_by",), "person", ("id",)),
    one_of("output", "kind", OutputKind),
    one_of("output", "state", OutputState),
    Index("ix_output_session", "account_id", "session_id", "id"),
)


output_version = Table(
    "output_version",
    metadata,
    uuid_column("account_id"),
    uuid_column("output_id"),
    integer_column("number"),
    text_column("body"),
    text_column("made_by"),
    text_column("model", null=True),
    uuid_column("by_user_id", null=True),
    time_column("at"),
    primary_key("output_version", "output_id", "number"),
    foreign_key("output_version", "output", ("output_id",), "output", ("id",)),
    foreign_key("output_version", "by", ("by_user_id",), "person", ("id",)),
    one_of("output_version", "made_by", Author),
)
