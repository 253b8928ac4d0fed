"""The audit log of an account, whose entries hold on to one another."""

from collections.abc import Sequence

from alembic import op

from flowpilot_adapters.sql import policies

revision: str = "0026"
down_revision: str | Sequence[str] | None = "0025"
branch_labels = None
depends_on = None

TABLES = {
    "audit_head": """
        CREATE TABLE flowpilot.audit_head (
          account_id uuid NOT NULL,
          number bigint NOT NULL,
          digest text NOT NULL,
          CONSTRAINT pk_audit_head PRIMARY KEY (account_id),
          CONSTRAINT fk_audit_head_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id)
        )
    """,
    "audit_entry": """
        CREATE TABLE flowpilot.audit_entry (
          account_id uuid NOT NULL,
          number bigint NOT NULL,
          kind text NOT NULL,
          at timestamptz NOT NULL,
          by_user_id uuid,
          cause text,
          thing_id uuid,
          changed jsonb NOT NULL,
          request_id text,
          previous text NOT NULL,
          digest text NOT NULL,
          CONSTRAINT pk_audit_entry PRIMARY KEY (account_id, number),
          CONSTRAINT fk_audit_entry_account FOREIGN KEY (account_id) REFERENCES flowpilot.account (account_id),
          CONSTRAINT fk_audit_entry_by FOREIGN KEY (account_id, by_user_id) REFERENCES flowpilot.person (account_id, id)
        )
    """,
}


def upgrade() -> None:
    """Make the tables."""
    for name, statement in TABLES.items():
        for one in (statement, *policies.protect(name)):
            op.execute(one)


def downgrade() -> None:
    """Forget who did what."""
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE flowpilot.{name}")
