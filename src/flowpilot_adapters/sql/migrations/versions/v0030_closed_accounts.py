"""Accounts that are closed."""

from collections.abc import Sequence

from alembic import op

revision: str = "0030"
down_revision: str | Sequence[str] | None = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is closed so far."""
    op.execute("ALTER TABLE flowpilot.account ADD COLUMN closed_at timestamptz")


def downgrade() -> None:
    """Closed accounts are open again: what shut them out is forgotten."""
    op.execute("ALTER TABLE flowpilot.account DROP COLUMN closed_at")
