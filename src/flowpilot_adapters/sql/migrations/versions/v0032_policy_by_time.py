"""How far an escalation policy has got is told by time, and no longer by a number that an edit of its steps changes."""

from collections.abc import Sequence

from alembic import op

revision: str = "0032"
down_revision: str | Sequence[str] | None = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What runs goes on by number until its next step."""
    op.execute("ALTER TABLE flowpilot.policy_run ADD COLUMN reached timestamptz")


def downgrade() -> None:
    """Go on by number."""
    op.execute("ALTER TABLE flowpilot.policy_run DROP COLUMN reached")
