"""An account says by whose clock its days begin."""

from collections.abc import Sequence

from alembic import op

revision: str = "0037"
down_revision: str | Sequence[str] | None = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """By that of UTC, as it was."""
    op.execute("ALTER TABLE flowpilot.account ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC'")


def downgrade() -> None:
    """Nobody can say."""
    op.execute("ALTER TABLE flowpilot.account DROP COLUMN time_zone")
