"""Pictures of steps: what is said of them with the step, and their files in a table of their own."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql.policies import protect

revision: str = "0042"
down_revision: str | Sequence[str] | None = "0041"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE flowpilot.session ADD COLUMN picture_count integer NOT NULL DEFAULT 0",
    "ALTER TABLE flowpilot.step ADD COLUMN pictures jsonb",
    """
    CREATE TABLE flowpilot.picture (
      account_id uuid NOT NULL,
      session_id uuid NOT NULL,
      id uuid NOT NULL,
      step_id uuid NOT NULL,
      content bytea NOT NULL,
      CONSTRAINT pk_picture PRIMARY KEY (account_id, session_id, id),
      CONSTRAINT fk_picture_step FOREIGN KEY (account_id, session_id, step_id)
        REFERENCES flowpilot.step (account_id, session_id, id)
    )
    """,
    # It is a compressed file already.
    "ALTER TABLE flowpilot.picture ALTER COLUMN content SET STORAGE EXTERNAL",
)


def upgrade() -> None:
    """There are none yet."""
    for statement in (*STATEMENTS, *protect("picture")):
        op.execute(statement)


def downgrade() -> None:
    """All of them are lost; snapshots still say that there were some."""
    op.execute("DROP TABLE flowpilot.picture")
    op.execute("ALTER TABLE flowpilot.step DROP COLUMN pictures")
    op.execute("ALTER TABLE flowpilot.session DROP COLUMN picture_count")
