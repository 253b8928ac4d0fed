"""Identity providers, whom they vouch for, and browsers that are there."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0019"
down_revision: str | Sequence[str] | None = "0018"
branch_labels = None
depends_on = None

TABLES = {
    "identity_provider": """
        CREATE TABLE flowpilot.identity_provider (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          name text NOT NULL,
          issuer text NOT NULL,
          client_id text NOT NULL,
          secret_id uuid,
          created_at timestamptz NOT NULL,
          CONSTRAINT pk_identity_provider PRIMARY KEY (account_id, id),
          CONSTRAINT uq_identity_provider_issuer UNIQUE (account_id, issuer),
          CONSTRAINT fk_identity_provider_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
          CONSTRAINT fk_identity_provider_secret FOREIGN KEY (account_id, secret_id) REFERENCES flowpilot.secret (account_id, id)
        )
    """,
    "identity_link": """
        CREATE TABLE flowpilot.identity_link (
          account_id uuid NOT NULL,
          provider_id uuid NOT NULL,
          subject text NOT NULL,
          user_id uuid NOT NULL,
          CONSTRAINT pk_identity_link PRIMARY KEY (account_id, provider_id, subject),
          CONSTRAINT fk_identity_link_provider FOREIGN KEY (account_id, provider_id)
            REFERENCES flowpilot.identity_provider (account_id, id),
          CONSTRAINT fk_identity_link_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
    "sign_in_attempt": """
        CREATE TABLE flowpilot.sign_in_attempt (
          account_id uuid NOT NULL,
          digest bytea NOT NULL,
          provider_id uuid NOT NULL,
          back_to text NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT pk_sign_in_attempt PRIMARY KEY (account_id, digest),
          CONSTRAINT fk_sign_in_attempt_provider FOREIGN KEY (account_id, provider_id)
            REFERENCES flowpilot.identity_provider (account_id, id)
        )
    """,
}


def upgrade() -> None:
    """Make the tables."""
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)


def downgrade() -> None:
    """Trust no provider any more."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
