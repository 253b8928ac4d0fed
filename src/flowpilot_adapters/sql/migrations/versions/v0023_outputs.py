"""Resolution outputs with their versions, and the posts that they become."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0023"
down_revision: str | Sequence[str] | None = "0022"
branch_labels = None
depends_on = None

CREATE = (
    """
    CREATE TABLE flowpilot.output (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      session_id uuid NOT NULL,
      kind text NOT NULL,
      version integer NOT NULL,
      state text NOT NULL,
      pending boolean NOT NULL,
      problem text,
      approved_by uuid,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT pk_output PRIMARY KEY (account_id, id),
      CONSTRAINT fk_output_session FOREIGN KEY (account_id, session_id) REFERENCES flowpilot.session (account_id, id),
      CONSTRAINT fk_output_approved_by FOREIGN KEY (account_id, approved_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_output_kind CHECK (kind IN ('psa_note', 'kb_article', 'client_summary')),
      CONSTRAINT ck_output_state CHECK (state IN ('draft', 'approved', 'posting', 'posted', 'failed'))
    )
    """,
    "CREATE INDEX ix_output_session ON flowpilot.output (account_id, session_id, id)",
    """
    CREATE TABLE flowpilot.output_version (
      account_id uuid NOT NULL,
      output_id uuid NOT NULL,
      number integer NOT NULL,
      body text NOT NULL,
      made_by text NOT NULL,
      model text,
      by_user_id uuid,
      at timestamptz NOT NULL,
      CONSTRAINT pk_output_version PRIMARY KEY (account_id, output_id, number),
      CONSTRAINT fk_output_version_output FOREIGN KEY (account_id, output_id) REFERENCES flowpilot.output (account_id, id),
      CONSTRAINT fk_output_version_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_output_version_made_by CHECK (made_by IN ('rules', 'model', 'person'))
    )
    """,
    *policies.protect("output"),
    *policies.protect("output_version"),
    "ALTER TABLE flowpilot.psa_connection ADD COLUMN summary_public boolean NOT NULL DEFAULT false",
    "ALTER TABLE flowpilot.psa_connection ALTER COLUMN summary_public DROP DEFAULT",
    """
    ALTER TABLE flowpilot.psa_post
      ADD COLUMN output_id uuid,
      ADD COLUMN output_version integer,
      ADD COLUMN public boolean NOT NULL DEFAULT false,
      ADD CONSTRAINT fk_psa_post_output FOREIGN KEY (account_id, output_id) REFERENCES flowpilot.output (account_id, id),
      ADD CONSTRAINT ck_psa_post_output CHECK ((kind = 'output') = (output_id IS NOT NULL)),
      ADD CONSTRAINT ck_psa_post_output_version CHECK ((output_id IS NULL) = (output_version IS NULL))
    """,
    "ALTER TABLE flowpilot.psa_post ALTER COLUMN public DROP DEFAULT",
)


def upgrade() -> None:
    """Make the tables, closed to all but their rows' own account; nothing that was posted so far is an output."""
    for statement in CREATE:
        op.execute(statement)


def downgrade() -> None:
    """Forget all outputs, and that they were posted."""
    op.execute("DELETE FROM flowpilot.psa_post WHERE kind = 'output'")
    op.execute("ALTER TABLE flowpilot.psa_post DROP COLUMN output_id, DROP COLUMN output_version, DROP COLUMN public")
    op.execute("ALTER TABLE flowpilot.psa_connection DROP COLUMN summary_public")
    op.execute("DROP TABLE flowpilot.output_version")
    op.execute("DROP TABLE flowpilot.output")
