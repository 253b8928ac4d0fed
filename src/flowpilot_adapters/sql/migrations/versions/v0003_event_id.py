"""Ids of events: what others know them by."""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every event an id; a default fills the rows that are there, whatever account they are of, and goes again."""
    op.execute("ALTER TABLE flowpilot.event ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid()")
    op.execute("ALTER TABLE flowpilot.event ALTER COLUMN id DROP DEFAULT")
    op.execute("ALTER TABLE flowpilot.event ADD CONSTRAINT uq_event_id UNIQUE (account_id, id)")


def downgrade() -> None:
    """Take the ids away; whoever was told one cannot look it up any more."""
    op.execute("ALTER TABLE flowpilot.event DROP COLUMN id")
