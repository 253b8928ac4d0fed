"""A post says which action on the ticket it is."""

from collections.abc import Sequence

from alembic import op

revision: str = "0029"
down_revision: str | Sequence[str] | None = "0028"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE flowpilot.psa_post RENAME COLUMN deed TO action",
    "ALTER TABLE flowpilot.psa_post RENAME CONSTRAINT ck_psa_post_deed TO ck_psa_post_action",
)
DOWN = (
    "ALTER TABLE flowpilot.psa_post RENAME CONSTRAINT ck_psa_post_action TO ck_psa_post_deed",
    "ALTER TABLE flowpilot.psa_post RENAME COLUMN action TO deed",
)


def upgrade() -> None:
    """The word that everything else says."""
    for one in UP:
        op.execute(one)


def downgrade() -> None:
    """The word it had."""
    for one in DOWN:
        op.execute(one)
