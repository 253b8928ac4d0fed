"""What people of one account gave trees and script templates, as columns of a query about those."""

from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.sql.selectable import FromClause

from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import template_rating
from flowpilot_core.domain.knowledge.rating import Stars, Subject

COLUMNS: Final = {
    Subject.TREE: (template_rating.c.tree_account_id, template_rating.c.tree_id),
    Subject.SCRIPT_TEMPLATE: (template_rating.c.script_account_id, template_rating.c.script_id),
}
"""Which columns say what is rated."""


def given(subject: Subject, to: FromClause) -> list[ColumnElement[Any]]:
    """How many rated what a query is about, and their stars together."""
    account, id = COLUMNS[subject]
    rating = template_rating.alias("rating")
    of_it = (own(rating), rating.c[account.name] == to.c.account_id, rating.c[id.name] == to.c.id)
    votes, stars = func.count(), func.coalesce(func.sum(rating.c.stars), 0)
    return [
        select(one).select_from(rating).where(*of_it).scalar_subquery().label(name) for name, one in (("votes", votes), ("stars", stars))
    ]


def stars(row: Any) -> Stars:
    """As a row with these columns has it."""
    return Stars(count=row.votes, total=row.stars)
