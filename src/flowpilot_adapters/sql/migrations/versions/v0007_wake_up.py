"""When a parker wants to be reminded."""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give parks a wake-up date."""
    op.execute("ALTER TABLE flowpilot.handoff ADD COLUMN wake_at timestamptz")
    op.execute("ALTER TABLE flowpilot.handoff ADD CONSTRAINT ck_handoff_wake_at CHECK (intent = 'park' OR wake_at IS NULL)")


def downgrade() -> None:
    """Take it away; whoever was to be reminded is not."""
    op.execute("ALTER TABLE flowpilot.handoff DROP COLUMN wake_at")
