"""Who is mailed the figures of each week, and how far that is."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql.policies import protect

revision: str = "0059"
down_revision: str | Sequence[str] | None = "0058"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE flowpilot.weekly_digest (
  account_id uuid NOT NULL,
  user_id uuid NOT NULL,
  document jsonb NOT NULL,
  CONSTRAINT pk_weekly_digest PRIMARY KEY (account_id, user_id),
  CONSTRAINT fk_weekly_digest_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
)
"""


def upgrade() -> None:
    """Nobody wishes it yet."""
    for statement in (TABLE, *protect("weekly_digest")):
        op.execute(statement)


def downgrade() -> None:
    """Nobody is mailed figures."""
    op.execute("DELETE FROM flowpilot.due_work WHERE kind = 'weekly_digest'")
    op.execute("DROP TABLE flowpilot.weekly_digest")
