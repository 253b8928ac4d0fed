"""Addresses of people are compared as IDNA 2008 and ASCII's letters have them, and no longer by Unicode's case folding."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op

from flowpilot_core.domain.kernel.mailbox import folded_email

revision: str = "0031"
down_revision: str | Sequence[str] | None = "0030"
branch_labels = None
depends_on = None

PEOPLE = sa.text("SELECT account_id, id, email, folded_email FROM flowpilot.person ORDER BY created_at, id")
FOLD = sa.text("UPDATE flowpilot.person SET folded_email = :folded WHERE account_id = :account_id AND id = :id")


def upgrade() -> None:
    """Fold them anew."""
    _fold(folded_email)


def downgrade() -> None:
    """Fold them as they were."""
    _fold(str.casefold)


def _fold(fold: Callable[[str], str]) -> None:
    """Of two people whose addresses have become one, who was there first has it; the other keeps what they went by."""
    connection = op.get_bind()
    # Whoever owns a table is held to its policies too, and no account is set here.
    op.execute("ALTER TABLE flowpilot.person NO FORCE ROW LEVEL SECURITY")
    people = connection.execute(PEOPLE).all()
    taken = {(one.account_id, one.folded_email) for one in people}
    for one in people:
        folded = fold(one.email)
        if folded != one.folded_email and (one.account_id, folded) not in taken:
            connection.execute(FOLD, {"folded": folded, "account_id": one.account_id, "id": one.id})
            taken.add((one.account_id, folded))
    op.execute("ALTER TABLE flowpilot.person FORCE ROW LEVEL SECURITY")
