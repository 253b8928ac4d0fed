"""What search looks things up in, and everything there is due to be put there."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql.policies import protect

revision: str = "0050"
down_revision: str | Sequence[str] | None = "0047"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE flowpilot.search_document (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      kind text NOT NULL,
      session_id uuid,
      title text NOT NULL,
      is_titled boolean NOT NULL,
      text text NOT NULL,
      at timestamptz NOT NULL,
      CONSTRAINT pk_search_document PRIMARY KEY (account_id, id),
      CONSTRAINT fk_search_document_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
      CONSTRAINT fk_search_document_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id),
      CONSTRAINT ck_search_document_kind CHECK (kind IN ('session', 'handoff', 'tree', 'script_template', 'output'))
    )
    """,
    "CREATE INDEX ix_search_document_session ON flowpilot.search_document (account_id, session_id)",
    """
    CREATE TABLE flowpilot.search_word (
      account_id uuid NOT NULL,
      word text COLLATE "C" NOT NULL,
      id uuid NOT NULL,
      in_title boolean NOT NULL,
      CONSTRAINT pk_search_word PRIMARY KEY (account_id, word, id)
    )
    """,
    """
    CREATE TABLE flowpilot.search_spelling (
      account_id uuid NOT NULL,
      spelling text COLLATE "C" NOT NULL,
      word text COLLATE "C" NOT NULL,
      CONSTRAINT pk_search_spelling PRIMARY KEY (account_id, spelling, word)
    )
    """,
)
DUE = """
    INSERT INTO flowpilot.due_work (account_id, id, kind, due_at, takes, target)
    SELECT account_id, gen_random_uuid(), 'index', now(), 0, id
    FROM (
      SELECT account_id, id FROM flowpilot.session
      UNION ALL SELECT account_id, id FROM flowpilot.tree
      UNION ALL SELECT account_id, id FROM flowpilot.script_template
    ) AS searched
"""
SEARCHED = ("session", "tree", "script_template")
TABLES = ("search_document", "search_word", "search_spelling")


def upgrade() -> None:
    """A relay puts there what there is already, one thing after the other."""
    for statement in (*STATEMENTS, *(statement for table in TABLES for statement in protect(table))):
        op.execute(statement)
    # Whoever owns a table is held to its policies too, and no account is set here.
    for table in (*SEARCHED, "due_work"):
        op.execute(f"ALTER TABLE flowpilot.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(DUE)
    for table in (*SEARCHED, "due_work"):
        op.execute(f"ALTER TABLE flowpilot.{table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Nothing is found any more."""
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{table}")
    op.execute("ALTER TABLE flowpilot.due_work NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM flowpilot.due_work WHERE kind = 'index'")
    op.execute("ALTER TABLE flowpilot.due_work FORCE ROW LEVEL SECURITY")
