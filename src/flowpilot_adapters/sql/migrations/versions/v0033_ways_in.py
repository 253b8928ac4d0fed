"""By which way in people are signed in, and were when they did what the audit log says."""

from collections.abc import Sequence

from alembic import op

revision: str = "0033"
down_revision: str | Sequence[str] | None = "0032"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE flowpilot.sign_in
      ADD COLUMN way text,
      ADD COLUMN way_id uuid,
      ADD CONSTRAINT ck_sign_in_way CHECK (way IN ('token', 'provider', 'code', 'link', 'invitation'))
    """,
    "ALTER TABLE flowpilot.audit_entry ADD COLUMN way text, ADD COLUMN way_id uuid",
)


def upgrade() -> None:
    """Of what is there already nobody knows it; entries of the audit log keep the digests they have."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Entries that say by which way in their doer came say so no more, and are not what was written."""
    op.execute("ALTER TABLE flowpilot.audit_entry DROP COLUMN way, DROP COLUMN way_id")
    op.execute("ALTER TABLE flowpilot.sign_in DROP COLUMN way, DROP COLUMN way_id")
