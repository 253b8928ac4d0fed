"""People who are invited and have yet to accept; teams that are archived."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies, roles

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels = None
depends_on = None

CHANGES = (
    "ALTER TABLE flowpilot.person ADD COLUMN invited boolean NOT NULL DEFAULT false",
    "ALTER TABLE flowpilot.person ALTER COLUMN invited DROP DEFAULT",
    "ALTER TABLE flowpilot.person ADD CONSTRAINT ck_person_invited CHECK (deactivated_at IS NOT NULL OR NOT invited)",
    "ALTER TABLE flowpilot.team ADD COLUMN archived_at timestamptz",
    f"GRANT UPDATE ON flowpilot.team TO {roles.APP}",
    """
    CREATE TABLE flowpilot.invitation (
      account_id uuid NOT NULL,
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      invited_by uuid NOT NULL,
      mail text NOT NULL,
      attempts integer NOT NULL,
      last_error text,
      digests bytea[] NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CONSTRAINT pk_invitation PRIMARY KEY (account_id, id),
      CONSTRAINT uq_invitation_user UNIQUE (account_id, user_id),
      CONSTRAINT fk_invitation_user FOREIGN KEY (account_id, user_id) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT fk_invitation_inviter FOREIGN KEY (account_id, invited_by) REFERENCES flowpilot.person (account_id, id),
      CONSTRAINT ck_invitation_mail
        CHECK (mail IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'dead', 'suppressed'))
    )
    """,
    *policies.protect("invitation"),
)


def upgrade() -> None:
    """Make room for invitations; whoever is there already was never invited."""
    for statement in CHANGES:
        op.execute(statement)


def downgrade() -> None:
    """Forget invitations: who has not accepted one stays deactivated."""
    op.execute("DROP TABLE flowpilot.invitation")
    op.execute(f"REVOKE UPDATE ON flowpilot.team FROM {roles.APP}")
    op.execute("ALTER TABLE flowpilot.team DROP COLUMN archived_at")
    op.execute("ALTER TABLE flowpilot.person DROP COLUMN invited")
