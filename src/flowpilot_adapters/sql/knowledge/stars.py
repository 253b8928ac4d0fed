"""What people of one account gave trees and script templates, as columns of a query about those."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, Table, Uuid, bindparam, case, func, literal_column, select, tuple_
from sqlalchemy.sql.elements import Label
from sqlalchemy.sql.selectable import FromClause

from flowpilot_adapters.sql.queries import HIGHEST, LIMIT, own
from flowpilot_adapters.sql.schema import gallery_entry, template_rating
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.knowledge.rating import MOST_STARS, PRIOR_STARS, PRIOR_VOTES, Stars, Subject
from flowpilot_core.ports.knowledge import Sort

COLUMNS: Final = {
    Subject.TREE: (template_rating.c.tree_account_id, template_rating.c.tree_id),
    Subject.SCRIPT_TEMPLATE: (template_rating.c.script_account_id, template_rating.c.script_id),
}
"""Which columns say what is rated."""


def given(subject: Subject, to: FromClause) -> list[Label[Any]]:
    """How many of the account rated what a query is about, and their stars together; of the platform's, those of all accounts."""
    account, id = COLUMNS[subject]
    rating, entry = template_rating.alias("rating"), gallery_entry.alias("entry")
    of_it = (own(rating), rating.c[account.name] == to.c.account_id, rating.c[id.name] == to.c.id)
    shown = (entry.c.account_id == PLATFORM_ACCOUNT, entry.c.subject == subject, entry.c.id == to.c.id)

    def either(name: str, one: ColumnElement[Any]) -> Label[Any]:
        own_ones = select(one).select_from(rating).where(*of_it).scalar_subquery()
        all_ones = func.coalesce(select(entry.c[name]).where(*shown).scalar_subquery(), literal_column("0"))
        return case((to.c.account_id == PLATFORM_ACCOUNT, all_ones), else_=own_ones).label(name)

    return [either("votes", func.count()), either("stars", func.coalesce(func.sum(rating.c.stars), literal_column("0")))]


def mean(subject: Subject, of: FromClause) -> ColumnElement[Any]:
    """The stars that what a query is about shows, reckoned as `Stars.mean` does."""
    votes, total = (column.element for column in given(subject, of))
    return (literal_column(f"{PRIOR_VOTES * PRIOR_STARS}::float8") + total) / (literal_column(str(PRIOR_VOTES)) + votes)


def page(subject: Subject, table: Table, found: Select[Any], sort: Sort) -> Select[Any]:
    """A page of what a query finds of the account's, from `before` on; what is not there any more was never rated."""
    before, newest = bindparam("before", type_=Uuid()), table.c.id.desc()
    if sort is Sort.NEWEST:
        return found.where(table.c.id < before).order_by(newest).limit(LIMIT)
    last, stars = table.alias("last"), mean(subject, table)
    of_last = select(mean(subject, last)).where(own(last), last.c.id == before).scalar_subquery()
    from_there = tuple_(func.coalesce(of_last, bindparam("otherwise", type_=Double())), before)
    return found.where(tuple_(stars, table.c.id) < from_there).order_by(stars.desc(), newest).limit(LIMIT)


def beginning(sort: Sort, after: UUID | None) -> dict[str, Any]:
    """What says to `page` where it begins."""
    otherwise = {} if sort is Sort.NEWEST else {"otherwise": float(MOST_STARS + 1) if after is None else PRIOR_STARS}
    return {"before": after or HIGHEST, **otherwise}


def stars(row: Any) -> Stars:
    """As a row with these columns has it."""
    return Stars(count=row.votes, total=row.stars)
