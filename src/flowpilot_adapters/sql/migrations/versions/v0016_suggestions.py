"""Suggestions of next steps, and a way to the sessions that were resolved."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels = None
depends_on = None

SET_UP = """
    DO $$
    BEGIN
      IF to_regprocedure('flowpilot_search.similarity(text, text)') IS NULL THEN
        RAISE EXCEPTION 'the extension pg_trgm is not set up: run SET_UP again, as a superuser';
      END IF;
    END $$
"""
CREATE = (
    "CREATE INDEX ix_session_resolved ON flowpilot.session (account_id, id) WHERE status = 'resolved'",
    """
    CREATE TABLE flowpilot.suggestion (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      session_id uuid NOT NULL,
      branch_id uuid NOT NULL,
      state text NOT NULL,
      source text NOT NULL,
      kind text NOT NULL,
      content text NOT NULL,
      cites uuid[] NOT NULL,
      reason text,
      step_id uuid,
      requested_by uuid NOT NULL,
      requested_at timestamptz NOT NULL,
      CONSTRAINT pk_suggestion PRIMARY KEY (account_id, id),
      CONSTRAINT fk_suggestion_branch FOREIGN KEY (account_id, session_id, branch_id)
        REFERENCES flowpilot.branch (account_id, session_id, id),
      CONSTRAINT fk_suggestion_step FOREIGN KEY (account_id, session_id, step_id) REFERENCES flowpilot.step (account_id, session_id, id),
      CONSTRAINT fk_suggestion_requested_by FOREIGN KEY (account_id, requested_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_suggestion_state CHECK (state IN ('pending', 'proposed', 'accepted', 'rejected', 'failed')),
      CONSTRAINT ck_suggestion_kind CHECK (kind IN ('question', 'action', 'observation', 'script', 'note')),
      CONSTRAINT ck_suggestion_step CHECK ((state = 'accepted') = (step_id IS NOT NULL))
    )
    """,
    "CREATE INDEX ix_suggestion_session ON flowpilot.suggestion (account_id, session_id, id)",
    "CREATE INDEX ix_suggestion_content ON flowpilot.suggestion (account_id, content)",
)


def upgrade() -> None:
    """Make the table, closed to all but its rows' own account, and the index."""
    for statement in (SET_UP, *CREATE, *policies.protect("suggestion")):
        op.execute(statement)


def downgrade() -> None:
    """Drop them, with all that was ever suggested."""
    op.execute("DROP TABLE flowpilot.suggestion")
    op.execute("DROP INDEX flowpilot.ix_session_resolved")
