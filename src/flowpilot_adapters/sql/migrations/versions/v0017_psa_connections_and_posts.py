"""The PSAs of an account, and the log of what was posted there."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels = None
depends_on = None

TABLES = {
    "psa_connection": (
        """
        CREATE TABLE flowpilot.psa_connection (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          version integer NOT NULL,
          system text NOT NULL,
          name text NOT NULL,
          base_url text NOT NULL,
          secret_id uuid,
          settings jsonb NOT NULL,
          noted text[] NOT NULL,
          templates jsonb NOT NULL,
          circuit text NOT NULL,
          failures integer NOT NULL,
          rests_until timestamptz,
          problem text,
          last_success_at timestamptz,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          removed_at timestamptz,
          CONSTRAINT pk_psa_connection PRIMARY KEY (account_id, id),
          CONSTRAINT fk_psa_connection_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
          CONSTRAINT ck_psa_connection_circuit CHECK (circuit IN ('closed', 'open', 'half_open')),
          CONSTRAINT fk_psa_connection_secret FOREIGN KEY (account_id, secret_id) REFERENCES flowpilot.secret (account_id, id),
          CONSTRAINT ck_psa_connection_secret CHECK ((secret_id IS NULL) = (removed_at IS NOT NULL))
        )
        """,
        "CREATE UNIQUE INDEX uq_psa_connection_system ON flowpilot.psa_connection (account_id, system) WHERE removed_at IS NULL",
    ),
    "psa_post": (
        """
        CREATE TABLE flowpilot.psa_post (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          connection_id uuid NOT NULL,
          session_id uuid NOT NULL,
          handoff_id uuid,
          ticket_id text NOT NULL,
          kind text NOT NULL,
          by_user_id uuid,
          state text NOT NULL,
          reason text,
          attempts integer NOT NULL,
          maybe_posted boolean NOT NULL,
          last_error text,
          sent text,
          vendor_id text,
          answer text,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          posted_at timestamptz,
          CONSTRAINT pk_psa_post PRIMARY KEY (account_id, id),
          CONSTRAINT fk_psa_post_connection FOREIGN KEY (account_id, connection_id) REFERENCES flowpilot.psa_connection (account_id, id),
          CONSTRAINT fk_psa_post_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id),
          CONSTRAINT fk_psa_post_handoff FOREIGN KEY (account_id, handoff_id) REFERENCES flowpilot.handoff (account_id, id),
          CONSTRAINT fk_psa_post_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT ck_psa_post_kind CHECK (kind IN ('escalated', 'claimed', 'resolved', 'parked', 'output')),
          CONSTRAINT ck_psa_post_state CHECK (state IN ('pending', 'sending', 'posted', 'failed', 'dead', 'suppressed')),
          CONSTRAINT ck_psa_post_posted_at CHECK ((state = 'posted') = (posted_at IS NOT NULL))
        )
        """,
    ),
}


def upgrade() -> None:
    """Connections and posts."""
    for name, statements in TABLES.items():
        for one in (*statements, *policies.protect(name)):
            op.execute(one)


def downgrade() -> None:
    """Without them."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
