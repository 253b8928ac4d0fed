"""What models have used up, by account and month."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels = None
depends_on = None

CREATE = """
    CREATE TABLE flowpilot.token_use (
      account_id uuid NOT NULL,
      month text NOT NULL,
      tokens bigint NOT NULL,
      CONSTRAINT pk_token_use PRIMARY KEY (account_id, month),
      CONSTRAINT fk_token_use_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id)
    )
"""


def upgrade() -> None:
    """Make the table, closed to all but its rows' own account."""
    for statement in (CREATE, *policies.protect("token_use")):
        op.execute(statement)


def downgrade() -> None:
    """Drop it; every account begins its month anew."""
    op.execute("DROP TABLE flowpilot.token_use")
