"""Browsers that people are signed in with, and links that sign one person in once."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels = None
depends_on = None

TABLES = {
    "sign_in": """
        CREATE TABLE flowpilot.sign_in (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          user_id uuid NOT NULL,
          digest bytea NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT pk_sign_in PRIMARY KEY (account_id, id),
          CONSTRAINT uq_sign_in_digest UNIQUE (account_id, digest),
          CONSTRAINT fk_sign_in_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
    "sign_in_link": """
        CREATE TABLE flowpilot.sign_in_link (
          account_id uuid NOT NULL,
          digest bytea NOT NULL,
          user_id uuid NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT pk_sign_in_link PRIMARY KEY (account_id, digest),
          CONSTRAINT fk_sign_in_link_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
}


def upgrade() -> None:
    """Make the tables."""
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)


def downgrade() -> None:
    """Sign every browser out."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
