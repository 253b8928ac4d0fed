"""Assessments, and what seniors think of them."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels = None
depends_on = None

CREATE = (
    """
    CREATE TABLE flowpilot.assessment (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      handoff_id uuid NOT NULL,
      state text NOT NULL,
      snapshot_digest text NOT NULL,
      requested_by uuid,
      requested_at timestamptz NOT NULL,
      made_at timestamptz,
      provider text,
      model text,
      prompt_version text,
      tokens_in integer NOT NULL,
      tokens_out integer NOT NULL,
      cost_micros bigint,
      latency_ms integer NOT NULL,
      problem text,
      body jsonb,
      CONSTRAINT pk_assessment PRIMARY KEY (account_id, id),
      CONSTRAINT fk_assessment_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id),
      CONSTRAINT fk_assessment_requested_by FOREIGN KEY (account_id, requested_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_assessment_state CHECK (state IN ('pending', 'ready', 'failed', 'skipped')),
      CONSTRAINT ck_assessment_ready CHECK (state <> 'ready' OR num_nulls(made_at, provider, prompt_version, body) = 0)
    )
    """,
    "CREATE INDEX ix_assessment_handoff ON flowpilot.assessment (account_id, handoff_id, id)",
    """
    CREATE TABLE flowpilot.assessment_feedback (
      account_id uuid NOT NULL,
      assessment_id uuid NOT NULL,
      user_id uuid NOT NULL,
      verdict text NOT NULL,
      comment text,
      at timestamptz NOT NULL,
      CONSTRAINT pk_assessment_feedback PRIMARY KEY (account_id, assessment_id, user_id),
      CONSTRAINT fk_assessment_feedback_assessment FOREIGN KEY (account_id, assessment_id)
        REFERENCES flowpilot.assessment (account_id, id),
      CONSTRAINT fk_assessment_feedback_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_assessment_feedback_verdict CHECK (verdict IN ('useful', 'wrong', 'missing'))
    )
    """,
)


def upgrade() -> None:
    """Make the tables, closed to all but their rows' own account."""
    for statement in (*CREATE, *policies.protect("assessment"), *policies.protect("assessment_feedback")):
        op.execute(statement)


def downgrade() -> None:
    """Drop them, with all that was ever assessed."""
    op.execute("DROP TABLE flowpilot.assessment_feedback")
    op.execute("DROP TABLE flowpilot.assessment")
