"""How sessions and escalations are counted."""

from functools import cache
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, DateTime, FromClause, Uuid, any_, bindparam, case, func, literal_column, or_, select

from flowpilot_adapters.sql.insights.counting import count, counting, grouped_by, in_time, total, wait
from flowpilot_adapters.sql.queries import if_given, own
from flowpilot_adapters.sql.schema import handoff, handoff_verdict, session
from flowpilot_adapters.sql.statement import Statement
from flowpilot_core.domain.handoffs.handoff import HandoffState, Intent
from flowpilot_core.domain.insights.analytics import NOT_OF_SESSIONS, GroupBy
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Status

_ESCALATION_COLUMNS: Final = {
    GroupBy.TEAM: handoff.c.team_id,
    GroupBy.PRIORITY: handoff.c.priority,
    GroupBy.ESCALATOR: handoff.c.escalated_by,
    GroupBy.CLAIMER: handoff.c.claimed_by,
    GroupBy.CLIENT: handoff.c.client_name,
    GroupBy.TREE: session.c.walk_tree_id,
}
_SESSION_COLUMNS: Final = {
    GroupBy.TEAM: session.c.team_id,
    GroupBy.PRIORITY: session.c.priority,
    GroupBy.ASSIGNEE: session.c.assignee_id,
    GroupBy.CLIENT: session.c.client_name,
    GroupBy.TREE: session.c.walk_tree_id,
}
READABLE: Final = or_(
    session.c.status != Status.PARKED,
    bindparam("reads_parked", type_=Boolean()),
    bindparam("reader", type_=Uuid()) == any_(session.c.parked_with),
)
"""Whether a session is one that whoever asks may read."""


@cache
def escalations(group_by: GroupBy | None) -> Statement:
    """Counts escalations that were made in the time."""
    judged = own(handoff_verdict) & (handoff_verdict.c.handoff_id == handoff.c.id) & (handoff_verdict.c.user_id == handoff.c.claimed_by)
    is_claimed = handoff.c.state == HandoffState.CLAIMED
    source: FromClause = handoff.outerjoin(handoff_verdict, judged)
    if group_by is GroupBy.TREE:
        source = source.outerjoin(session, own(session) & (session.c.id == handoff.c.session_id) & READABLE)
    made = (
        select(
            grouped_by(group_by, handoff.c.escalated_at, _ESCALATION_COLUMNS),
            handoff.c.state,
            handoff.c.due_at,
            handoff.c.reroutes,
            handoff.c.lapses,
            handoff.c.unclaims,
            handoff_verdict.c.verdict,
            case((is_claimed, wait(handoff.c.escalated_at, handoff.c.claimed_at))).label("time_to_claim"),
            case((is_claimed, wait(handoff.c.claimed_at, handoff.c.first_step_at))).label("time_to_first_step"),
        )
        .select_from(source)
        .where(*_made_in_time())
        .subquery("made")
    )
    claimed, waiting = made.c.state == HandoffState.CLAIMED, made.c.state == HandoffState.OPEN
    counts = {
        "escalations": func.count(),
        "reroutes": total(made.c.reroutes),
        "claimed": count(claimed),
        "withdrawn": count(made.c.state == HandoffState.WITHDRAWN),
        "lapsed": total(made.c.lapses),
        "unclaimed": total(made.c.unclaims),
        "waiting": count(waiting),
        "overdue": count(waiting & (made.c.due_at < bindparam("at", type_=DateTime(timezone=True)))),
        "claimed_without_step": count(claimed & made.c.time_to_first_step.is_(None)),
        **{f"verdicts__{verdict}": count(claimed & (made.c.verdict == verdict)) for verdict in Verdict},
        "verdicts__none": count(claimed & made.c.verdict.is_(None)),
    }
    return counting(f"figures of escalations, {group_by}", made, counts, ("time_to_claim", "time_to_first_step"), group_by, classed=True)


@cache
def sessions(group_by: GroupBy | None) -> Statement:
    """Counts sessions, as escalations are asked about them."""
    found = _sessions(group_by)
    counts = {
        "sessions": func.count(),
        "escalated_sessions": count(found.c.escalations > literal_column("0")),
        "reopened": total(found.c.reopenings),
    }
    return counting(f"figures of sessions, {group_by}", found, counts, ("time_to_resolve",), group_by)


@cache
def work(group_by: GroupBy | None) -> Statement:
    """Counts sessions that were started in the time, as work."""
    found = _sessions(group_by)
    counts = {
        **{f"sessions__{status}": count(found.c.status == status) for status in Status},
        "steps": total(found.c.step_count),
        "forks": total(found.c.forks),
        "dead_ends": total(found.c.dead_ends),
        "helped": count(found.c.helped),
        "resolved_without_escalation": count((found.c.status == Status.RESOLVED) & (found.c.escalations == literal_column("0"))),
    }
    return counting(f"figures of work, {group_by}", found, counts, ("time_to_resolve",), group_by)


def _sessions(group_by: GroupBy | None) -> FromClause:
    if group_by in NOT_OF_SESSIONS:
        of = (
            select(grouped_by(group_by, handoff.c.escalated_at, _ESCALATION_COLUMNS), handoff.c.session_id)
            .where(*_made_in_time())
            .distinct()
            .subquery("of")
        )
        key: ColumnElement[Any] = of.c.key
        source: FromClause = of.join(session, own(session) & (session.c.id == of.c.session_id))
        which = READABLE
    else:
        key, source = grouped_by(group_by, session.c.created_at, _SESSION_COLUMNS), session
        which = READABLE & started()
    columns = (session.c[name] for name in ("status", "escalations", "reopenings", "helped", "step_count", "forks", "dead_ends"))
    waits = wait(session.c.created_at, session.c.resolved_at).label("time_to_resolve")
    return select(key, *columns, waits).select_from(source).where(which).subquery("found")


def _made_in_time() -> tuple[ColumnElement[bool], ...]:
    return (
        own(handoff),
        handoff.c.intent == Intent.ESCALATE,
        in_time(handoff.c.escalated_at),
        if_given(handoff.c.team_id, "team_id"),
    )


def started() -> ColumnElement[bool]:
    """Whether a session was started in the time, for the team."""
    return in_time(session.c.created_at) & own(session) & if_given(session.c.team_id, "team_id")
