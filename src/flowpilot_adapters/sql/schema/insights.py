"""What search looks things up in, and who is mailed figures."""

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from flowpilot_core.domain.insights.search import HitKind

from .columns import foreign_key, metadata, of_account, one_of, primary_key, text_column, time_column, uuid_column

search_document = Table(
    "search_document",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("kind"),
    uuid_column("session_id", null=True),
    text_column("title"),
    Column("is_titled", Boolean, nullable=False),
    text_column("text"),
    time_column("at"),
    text_column("client_name", null=True),
    primary_key("search_document", "id"),
    of_account("search_document"),
    foreign_key("search_document", "session", ("session_id",), "session", ("id",)),
    one_of("search_document", "kind", HitKind),
    Index("ix_search_document_session", "account_id", "session_id"),
)
"""Whatever can be found, with all of it that is searched."""


search_word = Table(
    "search_word",
    metadata,
    uuid_column("account_id"),
    Column("word", Text(collation="C"), nullable=False),
    uuid_column("id"),
    Column("in_title", Boolean, nullable=False),
    PrimaryKeyConstraint("account_id", "word", "id", name="pk_search_word", postgresql_include=["in_title"]),
    Index("ix_search_word_title", "account_id", "word", "id", postgresql_where=text("in_title")),
)
"""Which documents have a word, or two that stand together, or stand under a heading.

No foreign key: whoever writes them looks at their document first, and to check each of thousands would take longer than to write it.
"""


search_spelling = Table(
    "search_spelling",
    metadata,
    uuid_column("account_id"),
    Column("spelling", Text(collation="C"), nullable=False),
    Column("word", Text(collation="C"), nullable=False),
    primary_key("search_spelling", "spelling", "word"),
)
"""Words of titles, each under itself and under what it becomes when a letter is left out."""


weekly_digest = Table(
    "weekly_digest",
    metadata,
    uuid_column("account_id"),
    uuid_column("user_id"),
    Column("document", JSONB, nullable=False),
    primary_key("weekly_digest", "user_id"),
    foreign_key("weekly_digest", "user", ("user_id",), "person", ("id",)),
)
