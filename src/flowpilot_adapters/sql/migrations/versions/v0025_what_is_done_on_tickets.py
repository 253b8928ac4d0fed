"""What else is done on tickets than noting, and who is who in the PSAs."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0025"
down_revision: str | Sequence[str] | None = "0024"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE flowpilot.psa_connection ADD COLUMN changes jsonb NOT NULL DEFAULT '{}'",
    "ALTER TABLE flowpilot.psa_connection ALTER COLUMN changes DROP DEFAULT",
    "ALTER TABLE flowpilot.psa_post ADD COLUMN deed text NOT NULL DEFAULT 'note'",
    "ALTER TABLE flowpilot.psa_post ALTER COLUMN deed DROP DEFAULT",
    "ALTER TABLE flowpilot.psa_post ADD CONSTRAINT ck_psa_post_deed CHECK (deed IN ('note', 'time_entry', 'owner', 'priority', 'status'))",
    """
    CREATE INDEX ix_psa_post_to_do ON flowpilot.psa_post (account_id, connection_id, ticket_id, id)
      WHERE state IN ('failed', 'pending', 'sending')
    """,
    """
    CREATE TABLE flowpilot.psa_member (
      account_id uuid NOT NULL,
      connection_id uuid NOT NULL,
      version integer NOT NULL,
      user_id uuid NOT NULL,
      email text NOT NULL,
      member_id text,
      good_until timestamptz NOT NULL,
      CONSTRAINT pk_psa_member PRIMARY KEY (account_id, connection_id, user_id),
      CONSTRAINT fk_psa_member_connection FOREIGN KEY (account_id, connection_id) REFERENCES flowpilot.psa_connection (account_id, id),
      CONSTRAINT fk_psa_member_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
    )
    """,
)
DOWN = (
    "DROP TABLE flowpilot.psa_member",
    "DROP INDEX flowpilot.ix_psa_post_to_do",
    "DELETE FROM flowpilot.psa_post WHERE deed <> 'note'",
    "ALTER TABLE flowpilot.psa_post DROP COLUMN deed",
    "ALTER TABLE flowpilot.psa_connection DROP COLUMN changes",
)


def upgrade() -> None:
    """A column each, and a table."""
    for one in (*UP, *policies.protect("psa_member")):
        op.execute(one)


def downgrade() -> None:
    """Notes alone."""
    for one in DOWN:
        op.execute(one)
