"""Parts that several statements share."""

import uuid
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Table,
    Update,
    Uuid,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.selectable import FromClause, Subquery

from flowpilot_core.domain.sessions.feedback import Thumb

from .schema import account, branch, event, fork_point, handoff, maintenance_run, person, session, step, step_rating
from .statement import Statement, compiled

ACCOUNT: Final = bindparam("account_id", type_=Uuid())
"""Every statement names the account, though row security would see to it: two walls."""

ONE: Final[ColumnElement[int]] = literal_column("1")

LIMIT: Final[BindParameter[Any]] = bindparam("most", type_=Integer())
"""How many rows a page has."""
LOWEST: Final = uuid.UUID(int=0)
HIGHEST: Final = uuid.UUID(int=2**128 - 1)
"""Where pages by id begin."""


def own(table: FromClause) -> ColumnElement[bool]:
    """In the account."""
    condition: ColumnElement[bool] = table.c.account_id == ACCOUNT
    return condition


def columns_but_account(table: Table) -> list[Any]:
    """All columns that a record is made from."""
    return [column for column in table.c if column.name != "account_id"]


WINDOWS: Final[ColumnElement[Any]] = (
    select(func.jsonb_agg(maintenance_run.c.open_window))
    .where(own(maintenance_run), maintenance_run.c.open_window.is_not(None))
    .scalar_subquery()
    .label("windows")
)
"""The maintenance windows of the account that are open: looked up once for all rows, beside which a session's client says which is its."""


def of_sessions() -> list[Any]:
    """All columns that sessions are made from."""
    return [*columns_but_account(session), WINDOWS]


def of_handoffs() -> list[Any]:
    """All columns that handoffs are made from."""
    return [*columns_but_account(handoff), WINDOWS]


def recorded() -> ColumnElement[bool]:
    """Whether the event `caused_by` is on record; for what is written as a reaction to it (`Transaction.react`)."""
    return exists().where(own(event), event.c.id == bindparam("caused_by", type_=event.c.id.type))


def queue_rank_of(handoff_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """How soon what is about a handoff is wanted; what is about none stands where the lowest priority does."""
    return func.coalesce(
        select(handoff.c.queue_rank).where(own(handoff), handoff.c.id == handoff_id).scalar_subquery(), literal_column("0")
    )


def refused_unless(found: FromClause, state: str) -> Select[Any]:
    """A query without rows that fails with the SQLSTATE `state`, and the whole transaction with it, where `found` has none.

    For what is sent together with its commit, so that nobody could look at how many rows it changed in time.
    """
    return select(func.flowpilot.refuse(state)).where(~exists(select(ONE).select_from(found)))


def only_saved(name: str, update: Update, state: str) -> Statement:
    """An update of one row that fails with the SQLSTATE `state` where there is no such row."""
    return compiled(name, refused_unless(update.returning(ONE).cte("saved"), state))


def branches_of(which: ColumnElement[bool]) -> Select[Any]:
    """The branches of sessions, oldest first, each with the fork point it came from."""
    split = own(fork_point) & (fork_point.c.session_id == branch.c.session_id) & (fork_point.c.id == branch.c.fork_point_id)
    return (
        select(
            *columns_but_account(branch),
            fork_point.c.at_step_id,
            fork_point.c.at_step_number,
            fork_point.c.reason.label("fork_reason"),
            fork_point.c.created_by.label("forked_by"),
            fork_point.c.created_at.label("forked_at"),
        )
        .select_from(branch.outerjoin(fork_point, split))
        .where(own(branch), which)
        .order_by(branch.c.session_id, branch.c.number)
    )


def names_of(*people: Select[Any]) -> Subquery:
    """What the people are called whose ids these queries select: one row with two arrays, to stand beside others."""
    return (
        select(func.array_agg(person.c.id).label("person_ids"), func.array_agg(person.c.name).label("person_names"))
        .where(own(person), person.c.id == any_(func.array(union_all(*people).scalar_subquery())))
        .subquery("names")
    )


def thumbs_by(key: ColumnElement[Any]) -> Select[Any]:
    """How many thumbs up and down there are, a row for each `key`."""
    up, down = (func.count().filter(step_rating.c.thumb == literal_column(str(int(thumb)))) for thumb in (Thumb.UP, Thumb.DOWN))
    return select(key, cast(up, Integer).label("up"), cast(down, Integer).label("down")).group_by(key)


def people_in_sessions(which: ColumnElement[bool]) -> Select[Any]:
    """Who is on record in sessions themselves, but for their fork points."""
    people = array([session.c.created_by, session.c.assignee_id]) + session.c.parked_with
    return select(func.unnest(people)).where(own(session), which)


def people_in_fork_points(which: ColumnElement[bool]) -> Select[Any]:
    """Who split branches."""
    return select(fork_point.c.created_by).where(own(fork_point), which)


def people_in_steps(which: ColumnElement[bool]) -> Select[Any]:
    """Who added steps."""
    return select(step.c.created_by).where(own(step), which)


def people_in_handoffs(which: ColumnElement[bool]) -> Select[Any]:
    """Who is on record in handoffs."""
    people = array([handoff.c.escalated_by, handoff.c.claimed_by, handoff.c.user_id]) + handoff.c.readers
    return select(func.unnest(people)).where(own(handoff), which)


def is_active(user_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The row of this person, unless they are deactivated or their account is closed."""
    return own(person) & (person.c.id == user_id) & person.c.deactivated_at.is_(None) & is_open()


def is_open() -> ColumnElement[bool]:
    """Whether the account is not closed."""
    return exists().where(own(account), account.c.closed_at.is_(None))


def if_given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """That a column has the value of a parameter, where that has one."""
    given = bindparam(name, type_=column.type)
    return or_(given.is_(None), column == given)


HANDOFF_BY_ID: Final = compiled(
    "handoff", select(*of_handoffs()).where(own(handoff), handoff.c.id == bindparam("id", type_=handoff.c.id.type))
)
"""A handoff by itself."""
