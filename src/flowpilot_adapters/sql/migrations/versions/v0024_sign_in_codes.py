"""Codes that are mailed to sign in by; identity providers that can be changed."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies
from flowpilot_adapters.sql.roles import APP

revision: str = "0024"
down_revision: str | Sequence[str] | None = "0023"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE flowpilot.sign_in_code (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      browser bytea NOT NULL,
      email text NOT NULL,
      back_to text NOT NULL,
      digests bytea[] NOT NULL,
      tries integer NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CONSTRAINT pk_sign_in_code PRIMARY KEY (account_id, id),
      CONSTRAINT uq_sign_in_code_browser UNIQUE (account_id, browser),
      CONSTRAINT fk_sign_in_code_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id)
    )
"""


def upgrade() -> None:
    """Make the table, and let providers be changed."""
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_sign_in_code_email ON flowpilot.sign_in_code (account_id, email)")
    for one in policies.protect("sign_in_code"):
        op.execute(one)
    op.execute(f"GRANT UPDATE ON flowpilot.identity_provider TO {APP}")


def downgrade() -> None:
    """Nobody signs in by a code any more."""
    op.execute(f"REVOKE UPDATE ON flowpilot.identity_provider FROM {APP}")
    op.execute("DROP TABLE flowpilot.sign_in_code")
