"""Webhooks and what they were sent."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels = None
depends_on = None

CREATE = (
    """
    CREATE TABLE flowpilot.webhook (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      name text NOT NULL,
      format text NOT NULL,
      kinds text[] NOT NULL,
      host text NOT NULL,
      target uuid NOT NULL,
      secret uuid NOT NULL,
      previous_secret uuid,
      previous_until timestamptz,
      off_at timestamptz,
      off_reason text,
      created_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_webhook PRIMARY KEY (account_id, id),
      CONSTRAINT fk_webhook_target FOREIGN KEY (account_id, target) REFERENCES flowpilot.secret (account_id, id),
      CONSTRAINT fk_webhook_secret FOREIGN KEY (account_id, secret) REFERENCES flowpilot.secret (account_id, id),
      CONSTRAINT fk_webhook_previous_secret FOREIGN KEY (account_id, previous_secret) REFERENCES flowpilot.secret (account_id, id),
      CONSTRAINT fk_webhook_created_by FOREIGN KEY (account_id, created_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_webhook_format CHECK (format IN ('standard', 'slack', 'teams', 'pagerduty', 'goalert')),
      CONSTRAINT ck_webhook_off CHECK ((off_at IS NULL) = (off_reason IS NULL))
    )
    """,
    """
    CREATE TABLE flowpilot.webhook_message (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      webhook_id uuid NOT NULL,
      event_id uuid,
      kind text,
      session_id uuid,
      handoff_id uuid,
      state text NOT NULL,
      attempts integer NOT NULL,
      reason text,
      last_error text,
      status integer,
      request text,
      response text,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT pk_webhook_message PRIMARY KEY (account_id, id),
      CONSTRAINT fk_webhook_message_webhook FOREIGN KEY (account_id, webhook_id) REFERENCES flowpilot.webhook (account_id, id),
      CONSTRAINT fk_webhook_message_event FOREIGN KEY (account_id, event_id) REFERENCES flowpilot.event (account_id, id),
      CONSTRAINT fk_webhook_message_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id),
      CONSTRAINT fk_webhook_message_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id),
      CONSTRAINT ck_webhook_message_state CHECK (
        state IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'dead', 'suppressed')
      )
    )
    """,
    "CREATE INDEX ix_webhook_message_webhook ON flowpilot.webhook_message (account_id, webhook_id, id)",
)


def upgrade() -> None:
    """Make the tables, closed to all but their rows' own account."""
    for statement in (*CREATE, *policies.protect("webhook"), *policies.protect("webhook_message")):
        op.execute(statement)


def downgrade() -> None:
    """Drop them; what was sent is known to nobody any more."""
    for table in ("webhook_message", "webhook"):
        op.execute(f"DROP TABLE flowpilot.{table}")
