"""Due work says where it goes and how soon it is wanted, so that relays can give each account and each target its share."""

from collections.abc import Sequence

from alembic import op

revision: str = "0034"
down_revision: str | Sequence[str] | None = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is due already goes nowhere in particular."""
    op.execute(
        "ALTER TABLE flowpilot.due_work"
        " ADD COLUMN target uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',"
        " ADD COLUMN queue_rank smallint NOT NULL DEFAULT 0"
    )
    op.execute("CREATE INDEX ix_due_work_line ON flowpilot.due_work (kind, account_id, queue_rank, target, due_at)")
    op.execute("DROP INDEX flowpilot.ix_due_work_kind_account_due")


def downgrade() -> None:
    """Account by account, whatever it is for."""
    op.execute("CREATE INDEX ix_due_work_kind_account_due ON flowpilot.due_work (kind, account_id, due_at)")
    op.execute("DROP INDEX flowpilot.ix_due_work_line")
    op.execute("ALTER TABLE flowpilot.due_work DROP COLUMN target, DROP COLUMN queue_rank")
