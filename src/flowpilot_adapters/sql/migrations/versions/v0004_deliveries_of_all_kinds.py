"""The delivery ledger for every channel and kind of message, and due work kind by kind."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels = None
depends_on = None

UP = (
    """
    ALTER TABLE flowpilot.delivery
      ALTER COLUMN user_id DROP NOT NULL,
      ADD COLUMN kind text NOT NULL DEFAULT 'escalated',
      ADD COLUMN number integer NOT NULL DEFAULT 0,
      ADD COLUMN maybe_arrived boolean NOT NULL DEFAULT false,
      DROP CONSTRAINT ck_delivery_channel,
      DROP CONSTRAINT ck_delivery_state,
      ADD CONSTRAINT ck_delivery_channel CHECK (channel IN ('email', 'push', 'slack', 'teams', 'webhook')),
      ADD CONSTRAINT ck_delivery_kind CHECK (kind IN ('escalated', 'reminder', 'lapse_warning', 'wake_up', 'debrief')),
      ADD CONSTRAINT ck_delivery_state
        CHECK (state IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'dead', 'suppressed')),
      ADD CONSTRAINT ck_delivery_user CHECK (user_id IS NOT NULL OR channel NOT IN ('email', 'push')),
      ADD CONSTRAINT uq_delivery_about UNIQUE (account_id, handoff_id, user_id, channel, kind, number)
    """,
    """
    ALTER TABLE flowpilot.delivery
      ALTER COLUMN kind DROP DEFAULT,
      ALTER COLUMN number DROP DEFAULT,
      ALTER COLUMN maybe_arrived DROP DEFAULT
    """,
    "DROP INDEX flowpilot.ix_delivery_handoff",
    "CREATE INDEX ix_due_work_kind_account_due ON flowpilot.due_work (kind, account_id, due_at)",
    "DROP INDEX flowpilot.ix_due_work_account_due",
)
DOWN = (
    "CREATE INDEX ix_due_work_account_due ON flowpilot.due_work (account_id, due_at)",
    "DROP INDEX flowpilot.ix_due_work_kind_account_due",
    "CREATE INDEX ix_delivery_handoff ON flowpilot.delivery (account_id, handoff_id, id)",
    """
    ALTER TABLE flowpilot.delivery
      DROP CONSTRAINT uq_delivery_about,
      DROP CONSTRAINT ck_delivery_user,
      DROP CONSTRAINT ck_delivery_channel,
      DROP CONSTRAINT ck_delivery_state,
      ADD CONSTRAINT ck_delivery_channel CHECK (channel IN ('email')),
      ADD CONSTRAINT ck_delivery_state CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'dead', 'suppressed')),
      DROP COLUMN kind,
      DROP COLUMN number,
      DROP COLUMN maybe_arrived,
      ALTER COLUMN user_id SET NOT NULL
    """,
)


def upgrade() -> None:
    """Make room for every channel; a default fills the rows that are there, whatever account they are of, and goes again."""
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    """Go back to mails; refused while the ledger holds anything else."""
    for statement in DOWN:
        op.execute(statement)
