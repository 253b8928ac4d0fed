"""Helpers of a session; who has seen a handoff, and what people think of it and of steps."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels = None
depends_on = None

HELPERS = (
    "ALTER TABLE flowpilot.session ADD COLUMN helper_ids uuid[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE flowpilot.session ALTER COLUMN helper_ids DROP DEFAULT",
    """
    ALTER TABLE flowpilot.session
      ADD CONSTRAINT ck_session_helper_ids CHECK (status = 'active' OR helper_ids = '{}')
    """,
)
TABLES = {
    "handoff_seen": """
        CREATE TABLE flowpilot.handoff_seen (
          account_id uuid NOT NULL,
          handoff_id uuid NOT NULL,
          user_id uuid NOT NULL,
          seen_at timestamptz NOT NULL,
          CONSTRAINT pk_handoff_seen PRIMARY KEY (account_id, handoff_id, user_id),
          CONSTRAINT fk_handoff_seen_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id),
          CONSTRAINT fk_handoff_seen_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
    "handoff_verdict": """
        CREATE TABLE flowpilot.handoff_verdict (
          account_id uuid NOT NULL,
          handoff_id uuid NOT NULL,
          user_id uuid NOT NULL,
          verdict text NOT NULL,
          comment text,
          given_at timestamptz NOT NULL,
          CONSTRAINT pk_handoff_verdict PRIMARY KEY (account_id, handoff_id, user_id),
          CONSTRAINT fk_handoff_verdict_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id),
          CONSTRAINT fk_handoff_verdict_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT ck_handoff_verdict_verdict CHECK (verdict IN ('right', 'late', 'avoidable'))
        )
    """,
    "step_rating": """
        CREATE TABLE flowpilot.step_rating (
          account_id uuid NOT NULL,
          session_id uuid NOT NULL,
          step_id uuid NOT NULL,
          user_id uuid NOT NULL,
          thumb smallint NOT NULL,
          comment text,
          given_at timestamptz NOT NULL,
          CONSTRAINT pk_step_rating PRIMARY KEY (account_id, session_id, step_id, user_id),
          CONSTRAINT fk_step_rating_step FOREIGN KEY (account_id, session_id, step_id)
            REFERENCES flowpilot.step (account_id, session_id, id),
          CONSTRAINT fk_step_rating_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT ck_step_rating_thumb CHECK (thumb IN (-1, 1))
        )
    """,
}


def upgrade() -> None:
    """Make room for helpers; a default fills the rows that are there, whatever account they are of, and goes again."""
    for statement in HELPERS:
        op.execute(statement)
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)


def downgrade() -> None:
    """Forget who helped, looked and judged; the timeline still says so."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
    op.execute("ALTER TABLE flowpilot.session DROP COLUMN helper_ids")
