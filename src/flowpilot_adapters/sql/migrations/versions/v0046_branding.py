"""How accounts look and sign: a row for each that says something, with the files of its logo."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql.policies import protect

revision: str = "0046"
down_revision: str | Sequence[str] | None = "0043"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE flowpilot.branding (
      account_id uuid NOT NULL,
      version integer NOT NULL,
      display_name text,
      colour text,
      website text,
      footer text,
      mail_sender_name text,
      logo jsonb,
      logo_whole bytea,
      logo_worn bytea,
      CONSTRAINT pk_branding PRIMARY KEY (account_id),
      CONSTRAINT fk_branding_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
      CONSTRAINT ck_branding_logo CHECK (num_nulls(logo, logo_whole, logo_worn) IN (0, 3))
    )
    """,
    # They are compressed files already.
    "ALTER TABLE flowpilot.branding ALTER COLUMN logo_whole SET STORAGE EXTERNAL, ALTER COLUMN logo_worn SET STORAGE EXTERNAL",
)


def upgrade() -> None:
    """Nobody says anything yet."""
    for statement in (*STATEMENTS, *protect("branding")):
        op.execute(statement)


def downgrade() -> None:
    """Accounts look as they did before."""
    op.execute("DROP TABLE flowpilot.branding")
