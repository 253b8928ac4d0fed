"""The mark by which relays notice a restored database."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels = None
depends_on = None

CREATE = (
    """
    CREATE TABLE flowpilot.relay_mark (
      sole boolean NOT NULL,
      id uuid NOT NULL,
      number bigint NOT NULL,
      paused_because text,
      CONSTRAINT pk_relay_mark PRIMARY KEY (sole),
      CONSTRAINT ck_relay_mark_sole CHECK (sole)
    )
    """,
    """
    COMMENT ON TABLE flowpilot.relay_mark IS
      'tenancy: one row that says nothing of any account, by which relays notice a restored database'
    """,
    "INSERT INTO flowpilot.relay_mark (sole, id, number) VALUES (true, gen_random_uuid(), 0)",
)


def upgrade() -> None:
    """Make the mark; relays leave it from their next start on."""
    for statement in (*CREATE, *policies.open_relay_mark()):
        op.execute(statement)


def downgrade() -> None:
    """Forget it."""
    op.execute("DROP TABLE flowpilot.relay_mark")
