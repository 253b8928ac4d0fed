"""Trees with their drafts and revisions, in categories; what the platform publishes is read by every account."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0038"
down_revision: str | Sequence[str] | None = "0037"
branch_labels = None
depends_on = None

PLATFORM = "'00000000-0000-0000-0000-000000000001'"
TABLES = {
    "tree_category": """
        CREATE TABLE flowpilot.tree_category (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          name text NOT NULL,
          parent_id uuid,
          CONSTRAINT pk_tree_category PRIMARY KEY (account_id, id),
          CONSTRAINT fk_tree_category_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
          CONSTRAINT fk_tree_category_parent FOREIGN KEY (account_id, parent_id) REFERENCES flowpilot.tree_category (account_id, id),
          CONSTRAINT ck_tree_category_parent CHECK (parent_id <> id)
        )
    """,
    "tree": f"""
        CREATE TABLE flowpilot.tree (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          version integer NOT NULL,
          kind text NOT NULL,
          name text NOT NULL,
          description text,
          category_account_id uuid,
          category_id uuid,
          state text NOT NULL,
          revision integer,
          words text[] NOT NULL,
          copied_account_id uuid,
          copied_id uuid,
          copied_revision integer,
          from_session_id uuid,
          created_by uuid,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          published_at timestamptz,
          CONSTRAINT pk_tree PRIMARY KEY (account_id, id),
          CONSTRAINT fk_tree_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
          CONSTRAINT fk_tree_from_session FOREIGN KEY (account_id, from_session_id) REFERENCES flowpilot.session (account_id, id),
          CONSTRAINT fk_tree_created_by FOREIGN KEY (account_id, created_by) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT fk_tree_category FOREIGN KEY (category_account_id, category_id) REFERENCES flowpilot.tree_category (account_id, id),
          CONSTRAINT ck_tree_category CHECK ((category_account_id IS NULL) = (category_id IS NULL)
            AND (category_account_id IS NULL OR category_account_id IN (account_id, {PLATFORM}))),
          CONSTRAINT ck_tree_copied CHECK ((copied_account_id IS NULL) = (copied_id IS NULL)
            AND (copied_account_id IS NULL OR copied_account_id IN (account_id, {PLATFORM}))),
          CONSTRAINT ck_tree_copied_revision CHECK ((copied_id IS NULL) = (copied_revision IS NULL)),
          CONSTRAINT ck_tree_kind CHECK (kind IN ('troubleshooting', 'procedure')),
          CONSTRAINT ck_tree_state CHECK (state IN ('draft', 'published', 'archived')),
          CONSTRAINT ck_tree_revision CHECK ((state = 'draft') = (revision IS NULL) AND (revision IS NULL) = (published_at IS NULL))
        )
    """,
    "tree_draft": """
        CREATE TABLE flowpilot.tree_draft (
          account_id uuid NOT NULL,
          tree_id uuid NOT NULL,
          content jsonb NOT NULL,
          by_user_id uuid,
          updated_at timestamptz NOT NULL,
          CONSTRAINT pk_tree_draft PRIMARY KEY (account_id, tree_id),
          CONSTRAINT fk_tree_draft_tree FOREIGN KEY (account_id, tree_id) REFERENCES flowpilot.tree (account_id, id),
          CONSTRAINT fk_tree_draft_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
    "tree_revision": """
        CREATE TABLE flowpilot.tree_revision (
          account_id uuid NOT NULL,
          tree_id uuid NOT NULL,
          number integer NOT NULL,
          content jsonb NOT NULL,
          note text,
          by_user_id uuid,
          at timestamptz NOT NULL,
          CONSTRAINT pk_tree_revision PRIMARY KEY (account_id, tree_id, number),
          CONSTRAINT fk_tree_revision_tree FOREIGN KEY (account_id, tree_id) REFERENCES flowpilot.tree (account_id, id),
          CONSTRAINT fk_tree_revision_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT ck_tree_revision_number CHECK (number > 0)
        )
    """,
}
AFTER = (
    """
    ALTER TABLE flowpilot.tree ADD CONSTRAINT fk_tree_copied
      FOREIGN KEY (copied_account_id, copied_id, copied_revision) REFERENCES flowpilot.tree_revision (account_id, tree_id, number)
    """,
    "CREATE INDEX ix_tree_category ON flowpilot.tree (account_id, category_account_id, category_id)",
    "CREATE INDEX ix_tree_copied ON flowpilot.tree (account_id, copied_account_id, copied_id)",
    *policies.open_to_platform("tree", "fk_tree_category"),
    *policies.open_to_platform("tree", "fk_tree_copied"),
    *policies.show_platforms("tree_category", "true"),
    *policies.show_platforms("tree", "revision IS NOT NULL"),
    *policies.show_platforms("tree_revision", "true"),
)


def upgrade() -> None:
    """Make the tables."""
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)
    for one in AFTER:
        op.execute(one)


def downgrade() -> None:
    """Forget all trees."""
    op.execute("ALTER TABLE flowpilot.tree DROP CONSTRAINT fk_tree_copied")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
