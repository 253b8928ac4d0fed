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

QUEUE: Final = compiled(
    "queue",
    select(
        handoff.c.id,
        handoff.c.session_id,
        handoff.c.title,
        handoff.c.client_name,
        handoff.c.ticket_system,
        handoff.c.ticket_id,
        handoff.c.reason,
        handoff.c.priority,
        handoff.c.escalated_by,
        person.c.name.label("escalated_by_name"),
        handoff.c.team_id,
        handoff.c.user_id,
        handoff.c.escalated_at,
        handoff.c.due_at,
        handoff.c.headline,
        handoff.c.branch_count,
        handoff.c.step_count,
        WINDOWS,
    )
    .join_from(handoff, person, own(person) & (person.c.id == handoff.c.escalated_by))
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
    .limit(LIMIT),
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
