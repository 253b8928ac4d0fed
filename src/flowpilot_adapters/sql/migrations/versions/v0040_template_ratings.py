"""What people think of trees and script templates."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0040"
down_revision: str | Sequence[str] | None = "0039"
branch_labels = None
depends_on = None

PLATFORM = "'00000000-0000-0000-0000-000000000001'"
TABLE = f"""
    CREATE TABLE flowpilot.template_rating (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      tree_account_id uuid,
      tree_id uuid,
      script_account_id uuid,
      script_id uuid,
      user_id uuid NOT NULL,
      stars smallint NOT NULL,
      comment text,
      given_at timestamptz NOT NULL,
      CONSTRAINT pk_template_rating PRIMARY KEY (account_id, id),
      CONSTRAINT fk_template_rating_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT fk_template_rating_tree FOREIGN KEY (tree_account_id, tree_id) REFERENCES flowpilot.tree (account_id, id),
      CONSTRAINT fk_template_rating_script FOREIGN KEY (script_account_id, script_id)
        REFERENCES flowpilot.script_template (account_id, id),
      CONSTRAINT ck_template_rating_tree CHECK ((tree_account_id IS NULL) = (tree_id IS NULL)
        AND (tree_account_id IS NULL OR tree_account_id IN (account_id, {PLATFORM}))),
      CONSTRAINT ck_template_rating_script CHECK ((script_account_id IS NULL) = (script_id IS NULL)
        AND (script_account_id IS NULL OR script_account_id IN (account_id, {PLATFORM}))),
      CONSTRAINT uq_template_rating_tree UNIQUE (account_id, tree_account_id, tree_id, user_id),
      CONSTRAINT uq_template_rating_script UNIQUE (account_id, script_account_id, script_id, user_id),
      CONSTRAINT ck_template_rating_subject CHECK ((tree_id IS NULL) <> (script_id IS NULL)),
      CONSTRAINT ck_template_rating_stars CHECK (stars BETWEEN 1 AND 5)
    )
"""


def upgrade() -> None:
    """Make the table."""
    for one in (
        TABLE,
        *policies.protect("template_rating"),
        *policies.open_to_platform("template_rating", "fk_template_rating_tree"),
        *policies.open_to_platform("template_rating", "fk_template_rating_script"),
    ):
        op.execute(one)


def downgrade() -> None:
    """Forget what people think."""
    op.execute("DROP TABLE flowpilot.template_rating")
