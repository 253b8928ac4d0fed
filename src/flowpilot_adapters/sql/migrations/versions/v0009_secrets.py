"""Sealed secrets."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels = None
depends_on = None

CREATE = """
    CREATE TABLE flowpilot.secret (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      purpose text NOT NULL,
      sealed bytea NOT NULL,
      key_id text NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT pk_secret PRIMARY KEY (account_id, id),
      CONSTRAINT fk_secret_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id)
    )
"""


def upgrade() -> None:
    """Make the table, closed to all but its rows' own account."""
    for statement in (CREATE, *policies.protect("secret")):
        op.execute(statement)


def downgrade() -> None:
    """Drop it, and what stands for the accounts that had some."""
    op.execute("DROP TABLE flowpilot.secret")
