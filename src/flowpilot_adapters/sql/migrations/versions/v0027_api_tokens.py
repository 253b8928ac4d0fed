"""API tokens with a name, a scope and an end."""

from collections.abc import Sequence

from alembic import op

revision: str = "0027"
down_revision: str | Sequence[str] | None = "0026"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE flowpilot.api_token
      ADD COLUMN name text NOT NULL DEFAULT '',
      ADD COLUMN scope text NOT NULL DEFAULT 'all',
      ADD COLUMN expires_at timestamptz,
      ADD COLUMN revoked_at timestamptz,
      ADD COLUMN last_used_at timestamptz,
      ADD CONSTRAINT ck_api_token_scope CHECK (scope IN ('read', 'work', 'all'))
    """,
    "ALTER TABLE flowpilot.api_token ALTER COLUMN name DROP DEFAULT, ALTER COLUMN scope DROP DEFAULT",
    "CREATE INDEX ix_api_token_user ON flowpilot.api_token (account_id, user_id, id)",
    "GRANT UPDATE ON flowpilot.api_token TO flowpilot_app",
)


def upgrade() -> None:
    """Those that are there stay as good as they were."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Tokens that are over or revoked go, or they would be good again."""
    op.execute("REVOKE UPDATE ON flowpilot.api_token FROM flowpilot_app")
    op.execute("DELETE FROM flowpilot.api_token WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL OR scope <> 'all'")
    op.execute("DROP INDEX flowpilot.ix_api_token_user")
    op.execute("""
        ALTER TABLE flowpilot.api_token
          DROP COLUMN name, DROP COLUMN scope, DROP COLUMN expires_at, DROP COLUMN revoked_at, DROP COLUMN last_used_at
    """)
