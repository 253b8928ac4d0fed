"""What the platform shows of its trees and script templates, and how accounts use them."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0047"
down_revision: str | Sequence[str] | None = "0046"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE flowpilot.gallery_entry (
      account_id uuid NOT NULL,
      subject text NOT NULL,
      id uuid NOT NULL,
      tree_id uuid,
      script_id uuid,
      listed boolean NOT NULL,
      featured boolean NOT NULL,
      position integer NOT NULL,
      uses integer NOT NULL,
      votes integer NOT NULL,
      stars integer NOT NULL,
      CONSTRAINT pk_gallery_entry PRIMARY KEY (account_id, subject, id),
      CONSTRAINT fk_gallery_entry_tree FOREIGN KEY (account_id, tree_id) REFERENCES flowpilot.tree (account_id, id),
      CONSTRAINT fk_gallery_entry_script FOREIGN KEY (account_id, script_id) REFERENCES flowpilot.script_template (account_id, id),
      CONSTRAINT ck_gallery_entry_subject CHECK (subject IN ('tree', 'script_template')),
      CONSTRAINT ck_gallery_entry_subject_id CHECK (
        CASE subject WHEN 'tree' THEN tree_id = id AND script_id IS NULL ELSE script_id = id AND tree_id IS NULL END),
      CONSTRAINT ck_gallery_entry_platform CHECK (account_id = '00000000-0000-0000-0000-000000000001')
    )
    """,
    """
    CREATE TABLE flowpilot.gallery_tally (
      account_id uuid NOT NULL,
      subject text NOT NULL,
      id uuid NOT NULL,
      of_account uuid NOT NULL,
      uses integer NOT NULL,
      votes integer NOT NULL,
      stars integer NOT NULL,
      CONSTRAINT pk_gallery_tally PRIMARY KEY (account_id, subject, id, of_account),
      CONSTRAINT fk_gallery_tally_entry FOREIGN KEY (account_id, subject, id) REFERENCES flowpilot.gallery_entry (account_id, subject, id)
    )
    """,
)


def upgrade() -> None:
    """What came with the product is listed when it is brought anew."""
    for one in (
        *TABLES,
        *policies.protect("gallery_entry"),
        *policies.protect("gallery_tally"),
        *policies.show_platforms("gallery_entry", "listed"),
    ):
        op.execute(one)


def downgrade() -> None:
    """Forget what is shown, and how it is used."""
    op.execute("DROP TABLE flowpilot.gallery_tally")
    op.execute("DROP TABLE flowpilot.gallery_entry")
