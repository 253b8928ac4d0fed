"""Escalation policies, working hours and preferences, due times, and claims that lapse."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels = None
depends_on = None

TABLES = {
    "escalation_policy": """
        CREATE TABLE flowpilot.escalation_policy (
          account_id uuid NOT NULL,
          document jsonb NOT NULL,
          claim_quiet_minutes integer,
          CONSTRAINT pk_escalation_policy PRIMARY KEY (account_id),
          CONSTRAINT fk_escalation_policy_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id)
        )
    """,
    "notification_preference": """
        CREATE TABLE flowpilot.notification_preference (
          account_id uuid NOT NULL,
          user_id uuid NOT NULL,
          document jsonb NOT NULL,
          CONSTRAINT pk_notification_preference PRIMARY KEY (account_id, user_id),
          CONSTRAINT fk_notification_preference_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
    "policy_run": """
        CREATE TABLE flowpilot.policy_run (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          handoff_id uuid NOT NULL,
          since timestamptz NOT NULL,
          round integer NOT NULL,
          fired integer NOT NULL,
          CONSTRAINT pk_policy_run PRIMARY KEY (account_id, id),
          CONSTRAINT uq_policy_run_handoff UNIQUE (account_id, handoff_id),
          CONSTRAINT fk_policy_run_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id)
        )
    """,
    "claim_watch": """
        CREATE TABLE flowpilot.claim_watch (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          handoff_id uuid NOT NULL,
          claimed_at timestamptz NOT NULL,
          warned_of timestamptz,
          CONSTRAINT pk_claim_watch PRIMARY KEY (account_id, id),
          CONSTRAINT fk_claim_watch_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id)
        )
    """,
}


def upgrade() -> None:
    """Make the tables, closed to all but their rows' own account, and give escalations a due time."""
    op.execute("ALTER TABLE flowpilot.handoff ADD COLUMN due_at timestamptz")
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)


def downgrade() -> None:
    """Forget who wanted to be told when; claims do not lapse any more."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
    op.execute("ALTER TABLE flowpilot.handoff DROP COLUMN due_at")
