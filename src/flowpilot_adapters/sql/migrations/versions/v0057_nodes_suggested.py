"""A suggestion says which node of a tree it is."""

from collections.abc import Sequence

from alembic import op

revision: str = "0057"
down_revision: str | Sequence[str] | None = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Have it say so; those that were made before are steps like any other."""
    op.execute("ALTER TABLE flowpilot.suggestion ADD COLUMN node_id text")


def downgrade() -> None:
    """Have it say nothing."""
    op.execute("ALTER TABLE flowpilot.suggestion DROP COLUMN node_id")
