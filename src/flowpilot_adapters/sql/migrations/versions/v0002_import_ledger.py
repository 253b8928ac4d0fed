"""The import's ledger: which rows of which log were replayed."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels = None
depends_on = None

CREATE = """
    CREATE TABLE flowpilot.imported_row (
      account_id uuid NOT NULL,
      log text NOT NULL,
      line bigint NOT NULL,
      case_name text NOT NULL,
      session_id uuid NOT NULL,
      outcome text NOT NULL,
      CONSTRAINT pk_imported_row PRIMARY KEY (account_id, log, line),
      CONSTRAINT fk_imported_row_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id)
    )
"""


def upgrade() -> None:
    """Make the table, closed to all but its rows' own account."""
    for statement in (CREATE, *policies.protect("imported_row")):
        op.execute(statement)


def downgrade() -> None:
    """Drop it; a log that was replayed before is not recognised any more."""
    op.execute("DROP TABLE flowpilot.imported_row")
