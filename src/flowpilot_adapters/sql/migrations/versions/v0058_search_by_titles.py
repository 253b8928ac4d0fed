"""Words of titles have an index of their own, and the key of all words says which they are: words are looked up in indexes alone."""

from collections.abc import Sequence

from alembic import op

revision: str = "0058"
down_revision: str | Sequence[str] | None = "0057"
branch_labels = None
depends_on = None

KEY = "ALTER TABLE flowpilot.search_word DROP CONSTRAINT pk_search_word, ADD CONSTRAINT pk_search_word PRIMARY KEY (account_id, word, id)"


def upgrade() -> None:
    """Make them anew, which takes a minute for a million sessions."""
    op.execute(f"{KEY} INCLUDE (in_title)")
    op.execute("CREATE INDEX ix_search_word_title ON flowpilot.search_word (account_id, word, id) WHERE in_title")


def downgrade() -> None:
    """Have them as they were."""
    op.execute("DROP INDEX flowpilot.ix_search_word_title")
    op.execute(KEY)
