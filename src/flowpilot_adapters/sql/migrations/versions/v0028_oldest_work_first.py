"""Work that is due is found without passing what is not due yet."""

from collections.abc import Sequence

from alembic import op

revision: str = "0028"
down_revision: str | Sequence[str] | None = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One more index."""
    op.execute("CREATE INDEX ix_due_work_kind_due ON flowpilot.due_work (kind, due_at) WHERE kind < '~'")


def downgrade() -> None:
    """Account by account alone, as before."""
    op.execute("DROP INDEX flowpilot.ix_due_work_kind_due")
