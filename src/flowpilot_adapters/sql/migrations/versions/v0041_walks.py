"""A session walks a tree, and each of its steps says which node it was taken at."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0041"
down_revision: str | Sequence[str] | None = "0040"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE flowpilot.session
      ADD COLUMN walk jsonb,
      ADD COLUMN walk_tree_account_id uuid,
      ADD COLUMN walk_tree_id uuid,
      ADD COLUMN walk_revision integer,
      ADD CONSTRAINT ck_session_walk CHECK ((walk IS NULL) = (walk_tree_id IS NULL) AND (walk_tree_id IS NULL) = (walk_revision IS NULL)),
      ADD CONSTRAINT ck_session_walk_tree CHECK ((walk_tree_account_id IS NULL) = (walk_tree_id IS NULL)
        AND (walk_tree_account_id IS NULL OR walk_tree_account_id IN (account_id, '00000000-0000-0000-0000-000000000001'))),
      ADD CONSTRAINT fk_session_walk_tree FOREIGN KEY (walk_tree_account_id, walk_tree_id, walk_revision)
        REFERENCES flowpilot.tree_revision (account_id, tree_id, number)
    """,
    """
    CREATE INDEX ix_session_walk ON flowpilot.session (account_id, walk_tree_account_id, walk_tree_id) WHERE walk_tree_id IS NOT NULL
    """,
    *policies.open_to_platform("session", "fk_session_walk_tree"),
    "ALTER TABLE flowpilot.step ADD COLUMN node jsonb",
)


def upgrade() -> None:
    """No session walks anything yet."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Forget who walked what; the steps stay."""
    op.execute("ALTER TABLE flowpilot.step DROP COLUMN node")
    for column in ("walk", "walk_tree_account_id", "walk_tree_id", "walk_revision"):
        op.execute(f"ALTER TABLE flowpilot.session DROP COLUMN {column}")
