"""Messages are found by when they were made, for figures of a time."""

from collections.abc import Sequence

from alembic import op

revision: str = "0043"
down_revision: str | Sequence[str] | None = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Have an index for it."""
    op.execute("CREATE INDEX ix_delivery_made ON flowpilot.delivery (account_id, created_at)")


def downgrade() -> None:
    """Have none."""
    op.execute("DROP INDEX flowpilot.ix_delivery_made")
