"""What people of one account gave trees and script templates, as columns of a query about those."""

from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, literal_column, select
from sqlalchemy.sql.selectable import FromClause

from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import gallery_entry, template_rating
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.knowledge.rating import Stars, Subject

COLUMNS: Final = {
    Subject.TREE: (template_rating.c.tree_account_id, template_rating.c.tree_id),
    Subject.SCRIPT_TEMPLATE: (template_rating.c.script_account_id, template_rating.c.script_id),
}
"""Which columns say what is rated."""


def given(subject: Subject, to: FromClause) -> list[ColumnElement[Any]]:
    """How many of the account rated what a query is about, and their stars together; of the platform's, those of all accounts."""
    account, id = COLUMNS[subject]
    rating, entry = template_rating.alias("rating"), gallery_entry.alias("entry")
    of_it = (own(rating), rating.c[account.name] == to.c.account_id, rating.c[id.name] == to.c.id)
    shown = (entry.c.account_id == PLATFORM_ACCOUNT, entry.c.subject == subject, entry.c.id == to.c.id)

    def either(name: str, one: ColumnElement[Any]) -> ColumnElement[Any]:
        own_ones = select(one).select_from(rating).where(*of_it).scalar_subquery()
        all_ones = func.coalesce(select(entry.c[name]).where(*shown).scalar_subquery(), literal_column("0"))
        return case((to.c.account_id == PLATFORM_ACCOUNT, all_ones), else_=own_ones).label(name)

    return [either("votes", func.count()), either("stars", func.coalesce(func.sum(rating.c.stars), literal_column("0")))]


def stars(row: Any) -> Stars:
    """As a row with these columns has it."""
    return Stars(count=row.votes, total=row.stars)
