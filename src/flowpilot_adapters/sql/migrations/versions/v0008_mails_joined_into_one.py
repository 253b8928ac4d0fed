"""Mails that wait for their person to have had few enough, and are joined into one."""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels = None
depends_on = None

UP = (
    """
    ALTER TABLE flowpilot.delivery
      ADD COLUMN waits_until timestamp with time zone,
      ADD COLUMN carried_by uuid,
      ADD CONSTRAINT fk_delivery_carried_by
        FOREIGN KEY (account_id, carried_by) REFERENCES flowpilot.delivery (account_id, id)
    """,
    """
    CREATE INDEX ix_delivery_mailed ON flowpilot.delivery (account_id, user_id, updated_at)
      WHERE channel = 'email' AND carried_by IS NULL AND state IN ('delivered', 'sending', 'sent')
    """,
    "CREATE INDEX ix_delivery_waiting ON flowpilot.delivery (account_id, user_id) WHERE waits_until IS NOT NULL",
    "CREATE INDEX ix_delivery_carried ON flowpilot.delivery (account_id, carried_by) WHERE carried_by IS NOT NULL",
)


def upgrade() -> None:
    """Make room for what waits and for what carries it."""
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    """What waits is sent by itself again, as soon as its work is due."""
    op.execute("ALTER TABLE flowpilot.delivery DROP COLUMN waits_until, DROP COLUMN carried_by")
