"""How much text a session holds is counted with it, so that nobody has to read all of it to know."""

from collections.abc import Sequence

from alembic import op

revision: str = "0035"
down_revision: str | Sequence[str] | None = "0034"
branch_labels = None
depends_on = None

TABLES = ("session", "step", "branch", "fork_point")
COUNT = """
    UPDATE flowpilot.session AS counted SET text_bytes = found.bytes
    FROM (
      SELECT account_id, session_id, sum(bytes) AS bytes FROM (
        SELECT account_id, session_id, octet_length(content) + coalesce(octet_length(evidence), 0) AS bytes FROM flowpilot.step
        UNION ALL
        SELECT account_id, session_id, coalesce(octet_length(hypothesis) + octet_length(label), 0) + coalesce(octet_length(close_reason), 0)
        FROM flowpilot.branch
        UNION ALL
        SELECT account_id, session_id, octet_length(reason) FROM flowpilot.fork_point
      ) AS texts GROUP BY account_id, session_id
    ) AS found
    WHERE counted.account_id = found.account_id AND counted.id = found.session_id
"""


def upgrade() -> None:
    """Count what is there."""
    op.execute("ALTER TABLE flowpilot.session ADD COLUMN text_bytes bigint NOT NULL DEFAULT 0")
    # Whoever owns a table is held to its policies too, and no account is set here.
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(COUNT)
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Count nothing."""
    op.execute("ALTER TABLE flowpilot.session DROP COLUMN text_bytes")
