"""The addresses that PSAs call, and the tickets that they told of."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0020"
down_revision: str | Sequence[str] | None = "0019"
branch_labels = None
depends_on = None

TABLES = {
    "psa_webhook": """
        CREATE TABLE flowpilot.psa_webhook (
          account_id uuid NOT NULL,
          connection_id uuid NOT NULL,
          digest bytea NOT NULL,
          secret_id uuid NOT NULL,
          made_at timestamptz NOT NULL,
          CONSTRAINT pk_psa_webhook PRIMARY KEY (account_id, connection_id),
          CONSTRAINT fk_psa_webhook_connection FOREIGN KEY (account_id, connection_id)
            REFERENCES flowpilot.psa_connection (account_id, id),
          CONSTRAINT fk_psa_webhook_secret FOREIGN KEY (account_id, secret_id) REFERENCES flowpilot.secret (account_id, id),
          CONSTRAINT uq_psa_webhook_digest UNIQUE (account_id, digest)
        )
        """,
    "psa_ticket": """
        CREATE TABLE flowpilot.psa_ticket (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          connection_id uuid NOT NULL,
          ticket_id text NOT NULL,
          closed boolean NOT NULL,
          CONSTRAINT pk_psa_ticket PRIMARY KEY (account_id, id),
          CONSTRAINT fk_psa_ticket_connection FOREIGN KEY (account_id, connection_id) REFERENCES flowpilot.psa_connection (account_id, id),
          CONSTRAINT uq_psa_ticket_ticket UNIQUE (account_id, connection_id, ticket_id)
        )
        """,
}


def upgrade() -> None:
    """Two tables, and sessions by their ticket."""
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)
    op.execute("CREATE INDEX ix_session_ticket ON flowpilot.session (account_id, ticket_id, ticket_system) WHERE ticket_id IS NOT NULL")


def downgrade() -> None:
    """Without them."""
    op.execute("DROP INDEX flowpilot.ix_session_ticket")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
