"""How messages and posts are counted."""

from functools import cache

from sqlalchemy import FromClause, case, func, select

from flowpilot_adapters.sql.insights.counting import by_word, called, constant, counting, grouped_by, in_time, total, wait
from flowpilot_adapters.sql.queries import if_given, own
from flowpilot_adapters.sql.schema import delivery, handoff, handoff_seen, psa_post, session
from flowpilot_adapters.sql.statement import Statement
from flowpilot_core.domain.insights.analytics import GroupBy
from flowpilot_core.domain.insights.facts import UNSAID
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import REACHED, TELLING
from flowpilot_core.domain.psa.post import PostState


@cache
def deliveries(group_by: GroupBy | None) -> Statement:
    """Counts messages that tell somebody of an escalation."""
    told = _told(group_by)
    return counting(
        f"figures of deliveries, {group_by}", told, {"seen": func.count(told.c.time_to_seen)}, ("time_to_tell", "time_to_seen"), group_by
    )


@cache
def deliveries_by_word(group_by: GroupBy | None) -> Statement:
    """Counts the same messages by channel and state, and the dead ones by what was said of them: a row a word of each group."""
    told = _told(group_by)
    return by_word(
        f"words of deliveries, {group_by}",
        select(told.c.key, called("told.", told.c.channel, "_", told.c.state)),
        select(told.c.key, called("dead.", told.c.last_error)).where(told.c.state == DeliveryState.DEAD),
    )


@cache
def posts(group_by: GroupBy | None) -> Statement:
    """Counts what was asked for on tickets."""
    asked = _posts(group_by)
    counts = {
        "attempts": total(asked.c.attempts),
        "hours_booked": func.sum(asked.c.minutes).filter(asked.c.state == PostState.POSTED),
    }
    return counting(f"figures of posts, {group_by}", asked, counts, ("time_to_post",), group_by)


@cache
def posts_by_word(group_by: GroupBy | None) -> Statement:
    """Counts the same posts by kind, action and state, and the dead ones by what was said of them."""
    asked = _posts(group_by)
    return by_word(
        f"words of posts, {group_by}",
        select(asked.c.key, called("posts.", asked.c.kind, "_", asked.c.action, "_", asked.c.state)),
        select(asked.c.key, called("dead.", asked.c.last_error)).where(asked.c.state == PostState.DEAD),
    )


def _posts(group_by: GroupBy | None) -> FromClause:
    columns = {GroupBy.CONNECTION: psa_post.c.connection_id, GroupBy.KIND: psa_post.c.kind}
    return (
        select(
            grouped_by(group_by, psa_post.c.created_at, columns),
            *(psa_post.c[name] for name in ("kind", "action", "state", "attempts", "minutes")),
            func.coalesce(psa_post.c.last_error, constant(f"'{UNSAID}'")).label("last_error"),
            wait(psa_post.c.created_at, psa_post.c.posted_at).label("time_to_post"),
        )
        .select_from(psa_post.join(session, own(session) & (session.c.id == psa_post.c.session_id)))
        .where(own(psa_post), in_time(psa_post.c.created_at), if_given(session.c.team_id, "team_id"))
        .subquery("asked")
    )


def _told(group_by: GroupBy | None) -> FromClause:
    looked = own(handoff_seen) & (handoff_seen.c.handoff_id == delivery.c.handoff_id) & (handoff_seen.c.user_id == delivery.c.user_id)
    of = own(handoff) & (handoff.c.id == delivery.c.handoff_id)
    reached = delivery.c.state.in_(sorted(REACHED))
    return (
        select(
            grouped_by(group_by, delivery.c.created_at, {GroupBy.CHANNEL: delivery.c.channel}),
            delivery.c.channel,
            delivery.c.state,
            func.coalesce(delivery.c.last_error, constant(f"'{UNSAID}'")).label("last_error"),
            case((reached, wait(delivery.c.created_at, delivery.c.updated_at))).label("time_to_tell"),
            case((handoff_seen.c.seen_at >= delivery.c.created_at, wait(delivery.c.created_at, handoff_seen.c.seen_at))).label(
                "time_to_seen"
            ),
        )
        .select_from(delivery.join(handoff, of).outerjoin(handoff_seen, looked))
        .where(
            own(delivery),
            delivery.c.kind.in_(sorted(TELLING)),
            in_time(delivery.c.created_at),
            if_given(handoff.c.team_id, "team_id"),
        )
        .subquery("told")
    )
