"""How an account works: whether personal data leaves it, and how many mails a person gets in a minute."""

from collections.abc import Sequence

from alembic import op

revision: str = "0022"
down_revision: str | Sequence[str] | None = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let accounts say it; those that are there go on as before."""
    op.execute("""
        ALTER TABLE flowpilot.account
          ADD COLUMN redacts_personal boolean NOT NULL DEFAULT false,
          ADD COLUMN mails_a_minute integer NOT NULL DEFAULT 5
    """)
    op.execute("ALTER TABLE flowpilot.account ALTER COLUMN redacts_personal DROP DEFAULT, ALTER COLUMN mails_a_minute DROP DEFAULT")
    op.execute("GRANT UPDATE ON flowpilot.account TO flowpilot_app")


def downgrade() -> None:
    """Forget it."""
    op.execute("REVOKE UPDATE ON flowpilot.account FROM flowpilot_app")
    op.execute("ALTER TABLE flowpilot.account DROP COLUMN redacts_personal, DROP COLUMN mails_a_minute")
