"""When an escalation was last taken is the end of an index, and not the latest of all that the account ever had."""

from collections.abc import Sequence

from alembic import op

revision: str = "0062"
down_revision: str | Sequence[str] | None = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Have an index for it."""
    op.execute("CREATE INDEX ix_handoff_claimed ON flowpilot.handoff (account_id, claimed_at) WHERE claimed_at IS NOT NULL")


def downgrade() -> None:
    """Have none."""
    op.execute("DROP INDEX flowpilot.ix_handoff_claimed")
