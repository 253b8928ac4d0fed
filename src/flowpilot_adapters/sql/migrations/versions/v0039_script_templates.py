"""Script templates with their drafts and revisions, and which script a step is."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0039"
down_revision: str | Sequence[str] | None = "0038"
branch_labels = None
depends_on = None

PLATFORM = "'00000000-0000-0000-0000-000000000001'"
TABLES = {
    "script_template": f"""
        CREATE TABLE flowpilot.script_template (
          account_id uuid NOT NULL,
          id uuid NOT NULL,
          version integer NOT NULL,
          name text NOT NULL,
          description text,
          category_account_id uuid,
          category_id uuid,
          state text NOT NULL,
          revision integer,
          copied_account_id uuid,
          copied_id uuid,
          copied_revision integer,
          created_by uuid,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          published_at timestamptz,
          CONSTRAINT pk_script_template PRIMARY KEY (account_id, id),
          CONSTRAINT fk_script_template_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
          CONSTRAINT fk_script_template_created_by FOREIGN KEY (account_id, created_by) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT fk_script_template_category FOREIGN KEY (category_account_id, category_id)
            REFERENCES flowpilot.tree_category (account_id, id),
          CONSTRAINT ck_script_template_category CHECK ((category_account_id IS NULL) = (category_id IS NULL)
            AND (category_account_id IS NULL OR category_account_id IN (account_id, {PLATFORM}))),
          CONSTRAINT ck_script_template_copied CHECK ((copied_account_id IS NULL) = (copied_id IS NULL)
            AND (copied_account_id IS NULL OR copied_account_id IN (account_id, {PLATFORM}))),
          CONSTRAINT ck_script_template_copied_revision CHECK ((copied_id IS NULL) = (copied_revision IS NULL)),
          CONSTRAINT ck_script_template_state CHECK (state IN ('draft', 'published', 'archived')),
          CONSTRAINT ck_script_template_revision CHECK ((state = 'draft') = (revision IS NULL)
            AND (revision IS NULL) = (published_at IS NULL))
        )
    """,
    "script_template_draft": """
        CREATE TABLE flowpilot.script_template_draft (
          account_id uuid NOT NULL,
          template_id uuid NOT NULL,
          content jsonb NOT NULL,
          by_user_id uuid,
          updated_at timestamptz NOT NULL,
          CONSTRAINT pk_script_template_draft PRIMARY KEY (account_id, template_id),
          CONSTRAINT fk_script_template_draft_template FOREIGN KEY (account_id, template_id)
            REFERENCES flowpilot.script_template (account_id, id),
          CONSTRAINT fk_script_template_draft_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
    "script_template_revision": """
        CREATE TABLE flowpilot.script_template_revision (
          account_id uuid NOT NULL,
          template_id uuid NOT NULL,
          number integer NOT NULL,
          content jsonb NOT NULL,
          note text,
          by_user_id uuid,
          at timestamptz NOT NULL,
          CONSTRAINT pk_script_template_revision PRIMARY KEY (account_id, template_id, number),
          CONSTRAINT fk_script_template_revision_template FOREIGN KEY (account_id, template_id)
            REFERENCES flowpilot.script_template (account_id, id),
          CONSTRAINT fk_script_template_revision_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id),
          CONSTRAINT ck_script_template_revision_number CHECK (number > 0)
        )
    """,
}
AFTER = (
    """
    ALTER TABLE flowpilot.script_template ADD CONSTRAINT fk_script_template_copied
      FOREIGN KEY (copied_account_id, copied_id, copied_revision)
      REFERENCES flowpilot.script_template_revision (account_id, template_id, number)
    """,
    "CREATE INDEX ix_script_template_category ON flowpilot.script_template (account_id, category_account_id, category_id)",
    "CREATE INDEX ix_script_template_copied ON flowpilot.script_template (account_id, copied_account_id, copied_id)",
    *policies.open_to_platform("script_template", "fk_script_template_category"),
    *policies.open_to_platform("script_template", "fk_script_template_copied"),
    *policies.show_platforms("script_template", "revision IS NOT NULL"),
    *policies.show_platforms("script_template_revision", "true"),
    "ALTER TABLE flowpilot.step ADD COLUMN script jsonb",
    "CREATE INDEX ix_step_script ON flowpilot.step (account_id, (script ->> 'template_id')) WHERE script IS NOT NULL",
)


def upgrade() -> None:
    """Make the tables."""
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)
    for one in AFTER:
        op.execute(one)


def downgrade() -> None:
    """Forget all script templates, and which steps were taken from one."""
    op.execute("DROP INDEX flowpilot.ix_step_script")
    op.execute("ALTER TABLE flowpilot.step DROP COLUMN script")
    op.execute("ALTER TABLE flowpilot.script_template DROP CONSTRAINT fk_script_template_copied")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
