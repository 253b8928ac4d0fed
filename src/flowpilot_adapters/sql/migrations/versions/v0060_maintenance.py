"""Maintenance schedules and what they start."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0060"
down_revision: str | Sequence[str] | None = "0059"
branch_labels = None
depends_on = None

PLATFORM = "'00000000-0000-0000-0000-000000000001'"
TABLES = {
    "maintenance_schedule": f"""
    CREATE TABLE flowpilot.maintenance_schedule (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      version integer NOT NULL,
      plan jsonb NOT NULL,
      tree_account_id uuid,
      tree_id uuid,
      assignee_id uuid NOT NULL,
      changed_at timestamptz NOT NULL,
      next_run_at timestamptz,
      last_run_at timestamptz,
      created_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_maintenance_schedule PRIMARY KEY (account_id, id),
      CONSTRAINT fk_maintenance_schedule_assignee FOREIGN KEY (account_id, assignee_id) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT fk_maintenance_schedule_created_by FOREIGN KEY (account_id, created_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT fk_maintenance_schedule_tree FOREIGN KEY (tree_account_id, tree_id) REFERENCES flowpilot.tree (account_id, id),
      CONSTRAINT ck_maintenance_schedule_tree CHECK ((tree_account_id IS NULL) = (tree_id IS NULL)
        AND (tree_account_id IS NULL OR tree_account_id IN (account_id, {PLATFORM})))
    )
    """,
    "maintenance_run": """
    CREATE TABLE flowpilot.maintenance_run (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      schedule_id uuid NOT NULL,
      occurrence_at timestamptz NOT NULL,
      until timestamptz NOT NULL,
      plan jsonb NOT NULL,
      open_window jsonb,
      state text NOT NULL,
      problem text,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_maintenance_run PRIMARY KEY (account_id, id),
      CONSTRAINT fk_maintenance_run_schedule FOREIGN KEY (account_id, schedule_id)
        REFERENCES flowpilot.maintenance_schedule (account_id, id),
      CONSTRAINT uq_maintenance_run_occurrence UNIQUE (account_id, schedule_id, occurrence_at),
      CONSTRAINT ck_maintenance_run_state CHECK (state IN ('starting', 'started', 'blocked')),
      CONSTRAINT ck_maintenance_run_problem CHECK ((state = 'blocked') = (problem IS NOT NULL))
    )
    """,
    "maintenance_session": """
    CREATE TABLE flowpilot.maintenance_session (
      account_id uuid NOT NULL,
      run_id uuid NOT NULL,
      number integer NOT NULL,
      session_id uuid NOT NULL,
      CONSTRAINT pk_maintenance_session PRIMARY KEY (account_id, run_id, number),
      CONSTRAINT fk_maintenance_session_run FOREIGN KEY (account_id, run_id) REFERENCES flowpilot.maintenance_run (account_id, id),
      CONSTRAINT fk_maintenance_session_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id)
    )
    """,
    "maintenance_notice": """
    CREATE TABLE flowpilot.maintenance_notice (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      run_id uuid NOT NULL,
      user_id uuid NOT NULL,
      state text NOT NULL,
      attempts integer NOT NULL,
      last_error text,
      CONSTRAINT pk_maintenance_notice PRIMARY KEY (account_id, id),
      CONSTRAINT fk_maintenance_notice_run FOREIGN KEY (account_id, run_id) REFERENCES flowpilot.maintenance_run (account_id, id),
      CONSTRAINT fk_maintenance_notice_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT uq_maintenance_notice_user UNIQUE (account_id, run_id, user_id),
      CONSTRAINT ck_maintenance_notice_state
        CHECK (state IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'dead', 'suppressed'))
    )
    """,
    "maintenance_calendar": """
    CREATE TABLE flowpilot.maintenance_calendar (
      account_id uuid NOT NULL,
      edition integer NOT NULL,
      CONSTRAINT pk_maintenance_calendar PRIMARY KEY (account_id),
      CONSTRAINT fk_maintenance_calendar_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id)
    )
    """,
}
OPEN = "CREATE INDEX ix_maintenance_run_open ON flowpilot.maintenance_run (account_id) WHERE open_window IS NOT NULL"


def upgrade() -> None:
    """Nothing is looked after yet."""
    for name, table in TABLES.items():
        for one in (table, *policies.protect(name)):
            op.execute(one)
    for one in (OPEN, *policies.open_to_platform("maintenance_schedule", "fk_maintenance_schedule_tree")):
        op.execute(one)


def downgrade() -> None:
    """Forget the schedules; the sessions that they started stay."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
