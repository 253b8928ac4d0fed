"""How walks are counted."""

from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    Text,
    cast,
    false,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import LateralFromClause

from flowpilot_adapters.sql.insights.counting import constant, count, counting, total, wait
from flowpilot_adapters.sql.insights.escalations import READABLE, started
from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import session, step, step_rating
from flowpilot_adapters.sql.statement import Statement
from flowpilot_core.domain.insights.analytics import GroupBy
from flowpilot_core.domain.sessions.feedback import Thumb
from flowpilot_core.domain.sessions.walk import TreeOutcome

SOLVED: Final = func.jsonb_path_exists(session.c.walk, literal_column(f"""'$.places[*].reached ? (@.outcome == "{TreeOutcome.SOLVED}")'"""))
"""Whether a walk reached an end that says solved."""
_NODES: Final[ColumnElement[Any]] = literal_column("'$.places[*].*.node_id'")
_LEFT: Final[ColumnElement[Any]] = literal_column("'$.places[*].left.node_id'")


@cache
def walks(group_by: GroupBy | None) -> Statement:
    """Counts sessions that were started in the time and follow a tree."""
    found = _walks(group_by)
    counts = {
        "walks": func.count(),
        "solved": count(found.c.solved),
        "escalated": count(found.c.escalations > literal_column("0")),
        "left": count(found.c.left_at > literal_column("0")),
        "reached": total(found.c.reached),
        "thumbs__up": total(found.c.up),
        "thumbs__down": total(found.c.down),
    }
    return counting(f"figures of walks, {group_by}", found, counts, ("time_to_resolve",), group_by)


def nodes(name: str = "nodes") -> LateralFromClause:
    """The nodes that a session's walk came to, each once: whether it was left there, and what people say of steps there."""
    rated = own(step_rating) & (step_rating.c.session_id == step.c.session_id) & (step_rating.c.step_id == step.c.id)
    taken = (
        select(step.c.node.op("->>")(literal_column("'node_id'")).label("node_id"), step_rating.c.thumb, false().label("left_there"))
        .select_from(step.outerjoin(step_rating, rated))
        .where(own(step), step.c.session_id == session.c.id, step.c.node.is_not(None))
        .correlate(session)
    )
    came = union_all(taken, _at(_NODES, false()), _at(_LEFT, true())).subquery("came")
    return (
        select(
            came.c.node_id,
            func.bool_or(came.c.left_there).label("left_there"),
            count(came.c.thumb == literal_column(str(int(Thumb.UP)))).label("up"),
            count(came.c.thumb == literal_column(str(int(Thumb.DOWN)))).label("down"),
        )
        .group_by(came.c.node_id)
        .lateral(name)
    )


def _at(path: ColumnElement[Any], left: ColumnElement[bool]) -> Select[Any]:
    """Ids of nodes that stand there in a walk."""
    node_id = func.jsonb_path_query(session.c.walk, path).op("#>>")(literal_column("'{}'"))
    return select(node_id.label("node_id"), cast(null(), SmallInteger).label("thumb"), left.label("left_there")).correlate(session)


def _walks(group_by: GroupBy | None) -> FromClause:
    of = nodes()
    tree_id = cast(session.c.walk_tree_id, Text)
    if group_by is GroupBy.NODE:
        key: ColumnElement[Any] = func.concat(tree_id, constant("'/'"), of.c.node_id)
        figures: list[ColumnElement[Any]] = [
            literal_column("1").label("reached"),
            cast(of.c.left_there, Integer).label("left_at"),
            of.c.up,
            of.c.down,
        ]
    else:
        key = tree_id if group_by is GroupBy.TREE else cast(null(), Text)
        whole = select(
            func.count().label("reached"),
            count(of.c.left_there).label("left_at"),
            total(of.c.up).label("up"),
            total(of.c.down).label("down"),
        )
        of = whole.select_from(of).correlate(session).lateral("of_walk")
        figures = list(of.c)
    return (
        select(
            key.label("key"),
            session.c.escalations,
            SOLVED.label("solved"),
            wait(session.c.created_at, session.c.resolved_at).label("time_to_resolve"),
            *figures,
        )
        .select_from(session.join(of, true()))
        .where(session.c.walk_tree_id.is_not(None), READABLE, started())
        .subquery("found")
    )
