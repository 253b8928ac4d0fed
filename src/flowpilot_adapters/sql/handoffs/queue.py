"""The queue: the open escalations of an account, the most urgent first, then the longest waiting."""

import uuid
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import SmallInteger, bindparam, func, select, tuple_

from flowpilot_adapters.sql.queries import LIMIT, WINDOWS, if_given, own
from flowpilot_adapters.sql.schema import handoff, person
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_core.domain.handoffs.handoff import HandoffState, Intent
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId
from flowpilot_core.ports.handoffs import QueueFilter, QueuePosition

_page = (
    select(handoff)
    .where(
        own(handoff),
        handoff.c.state == HandoffState.OPEN,
        handoff.c.intent == Intent.ESCALATE,
        tuple_(handoff.c.queue_rank, handoff.c.escalated_at, handoff.c.id)
        > tuple_(
            bindparam("after_rank", type_=SmallInteger()),
            bindparam("after_time", type_=handoff.c.escalated_at.type),
            bindparam("after_id", type_=handoff.c.id.type),
        ),
        if_given(handoff.c.team_id, "team_id"),
        if_given(handoff.c.user_id, "user_id"),
        if_given(handoff.c.priority, "priority"),
    )
    .order_by(handoff.c.queue_rank, handoff.c.escalated_at, handoff.c.id)
    .limit(LIMIT)
    # Before names are looked up: to a planner that expects one row for all filters, sorting the whole queue with its names looks as good.
    .subquery("page")
)
QUEUE: Final = compiled(
    "queue",
    select(
        _page.c.id,
        _page.c.session_id,
        _page.c.title,
        _page.c.client_name,
        _page.c.ticket_system,
        _page.c.ticket_id,
        _page.c.reason,
        _page.c.priority,
        _page.c.escalated_by,
        person.c.name.label("escalated_by_name"),
        _page.c.team_id,
        _page.c.user_id,
        _page.c.escalated_at,
        _page.c.due_at,
        _page.c.headline,
        _page.c.branch_count,
        _page.c.step_count,
        WINDOWS,
    )
    .join_from(_page, person, own(person) & (person.c.id == _page.c.escalated_by))
    .order_by(_page.c.queue_rank, _page.c.escalated_at, _page.c.id),
)

WAITING: Final = compiled(
    "waiting",
    select(func.count().label("waiting"))
    .select_from(handoff)
    .where(own(handoff), handoff.c.state == HandoffState.OPEN, handoff.c.intent == Intent.ESCALATE),
)

LAST_CLAIMED: Final = compiled("last_claimed", select(func.max(handoff.c.claimed_at).label("claimed_at")).where(own(handoff)))

FIRST: Final = QueuePosition(rank=2**15 - 1, escalated_at=datetime.min.replace(tzinfo=UTC), handoff_id=HandoffId(uuid.UUID(int=0)))
"""A place before the whole queue."""


def queue_call(account_id: AccountId, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Call:
    """What reads a page of it."""
    start = after or FIRST
    return QUEUE(
        account_id=account_id,
        after_rank=-start.rank,
        after_time=start.escalated_at,
        after_id=start.handoff_id,
        team_id=where.team_id,
        user_id=where.user_id,
        priority=where.priority,
        most=limit,
    )
