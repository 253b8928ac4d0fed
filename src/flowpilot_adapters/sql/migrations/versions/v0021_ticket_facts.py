"""What the ticket of a session said in its PSA."""

from collections.abc import Sequence

from alembic import op

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it beside the ticket."""
    op.execute("ALTER TABLE flowpilot.session ADD COLUMN ticket_facts jsonb")


def downgrade() -> None:
    """Forget what was read."""
    op.execute("ALTER TABLE flowpilot.session DROP COLUMN ticket_facts")
