"""Who has a stream of events open."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels = None
depends_on = None

CREATE = """
    CREATE TABLE flowpilot.presence (
      account_id uuid NOT NULL,
      user_id uuid NOT NULL,
      node_id uuid NOT NULL,
      until timestamptz NOT NULL,
      CONSTRAINT pk_presence PRIMARY KEY (account_id, user_id, node_id),
      CONSTRAINT fk_presence_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id)
    )
"""


def upgrade() -> None:
    """Make the table, closed to all but its rows' own account."""
    for statement in (CREATE, *policies.protect("presence")):
        op.execute(statement)


def downgrade() -> None:
    """Drop it: nobody counts as online."""
    op.execute("DROP TABLE flowpilot.presence")
