"""What is found stands under its kind, its client and its time, so that whoever says where to look is answered as soon as anybody else."""

from collections.abc import Sequence

from alembic import op

revision: str = "0061"
down_revision: str | Sequence[str] | None = "0060"
branch_labels = None
depends_on = None

TABLES = ("search_document", "search_word", "session")
CLIENTS = """
    UPDATE flowpilot.search_document AS document
    SET client_name = session.client_name
    FROM flowpilot.session AS session
    WHERE session.account_id = document.account_id AND session.id = document.session_id AND session.client_name IS NOT NULL
"""
# Days are counted from the first one of the calendar, which is 1; those before 1900 and after 2099 are of the first and the last of these.
HEADINGS = """
    INSERT INTO flowpilot.search_word (account_id, word, id, in_title)
    SELECT account_id, heading, id, false
    FROM (
      SELECT account_id, id, kind, client_name,
        least(greatest((at AT TIME ZONE 'UTC')::date - '0001-01-01'::date + 1, 693596), 766644) AS day
      FROM flowpilot.search_document
    ) AS document
    CROSS JOIN LATERAL (
      SELECT heading FROM unnest(ARRAY['kind:' || kind, 'client:' || left(client_name, 64)]) AS heading WHERE heading IS NOT NULL
      UNION ALL SELECT format('%s:%s', days, day / days) FROM unnest(ARRAY[32768, 4096, 512, 64, 8, 1]) AS days
    ) AS stands
"""


def upgrade() -> None:
    """Put there what there is already, which takes a minute or two for a million sessions."""
    op.execute("ALTER TABLE flowpilot.search_document ADD COLUMN client_name text")
    _unforced(CLIENTS, HEADINGS)


def downgrade() -> None:
    """No heading stands there any more."""
    _unforced("DELETE FROM flowpilot.search_word WHERE word LIKE '%:%'")
    op.execute("ALTER TABLE flowpilot.search_document DROP COLUMN client_name")


def _unforced(*statements: str) -> None:
    # Whoever owns a table is held to its policies too, and no account is set here.
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} NO FORCE ROW LEVEL SECURITY")
    for statement in statements:
        op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE flowpilot.{table} FORCE ROW LEVEL SECURITY")
