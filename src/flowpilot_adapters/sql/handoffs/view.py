"""What there is to see of handoffs, snapshots and the queue in one account."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import SmallInteger, bindparam, func, select, tuple_

from flowpilot_adapters.sql.handoffs import handoffs
from flowpilot_adapters.sql.kernel.view import AFTER
from flowpilot_adapters.sql.queries import (
    HANDOFF_BY_ID,
    LIMIT,
    columns_but_account,
    if_given,
    own,
)
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import handoffs as handoffs_records
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.schema import (
    event,
    handoff,
    handoff_snapshot,
    person,
)
from flowpilot_adapters.sql.sessions.view import TO_BE_READ, reads
from flowpilot_adapters.sql.statement import compiled
from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.ports.handoffs import HandoffDetail, QueueFilter, QueueItem, QueuePosition, StoredSnapshot
from flowpilot_core.ports.kernel import Entry

ID: Final = bindparam("id", type_=handoff.c.id.type)

SNAPSHOT: Final = compiled(
    "snapshot",
    select(*columns_but_account(handoff), handoff_snapshot.c.body)
    .join_from(handoff, handoff_snapshot, own(handoff_snapshot) & (handoff_snapshot.c.handoff_id == handoff.c.id))
    .where(own(handoff), handoff.c.id == ID),
)

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

FIRST: Final = QueuePosition(rank=2**15 - 1, escalated_at=datetime.min.replace(tzinfo=UTC), handoff_id=HandoffId(uuid.UUID(int=0)))
"""A place before the whole queue."""

_session_id = select(handoff.c.session_id).where(own(handoff), handoff.c.id == ID).scalar_subquery()
_making = event.alias("making")
_made = (
    select(func.min(_making.c.number))
    .where(own(_making), _making.c.session_id == _session_id, _making.c.handoff_id == ID)
    .scalar_subquery()
)
CHANGES: Final = compiled(
    "changes", TO_BE_READ.where(event.c.session_id == _session_id, event.c.number > func.greatest(AFTER, func.coalesce(_made, AFTER)))
)


class SqlHandoffView(SqlReading):
    """As `HandoffView` says."""

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `HandoffView.handoff` says."""
        return handoffs.detail_of(await self._read_one(handoffs.detail_call(self._account_id, handoff_id)))

    async def snapshot(self, handoff_id: HandoffId) -> StoredSnapshot:
        """As `HandoffView.snapshot` says."""
        row = (await self._read_one(SNAPSHOT(account_id=self._account_id, id=handoff_id))).first
        if row is None:
            raise NotFound("handoff")
        return StoredSnapshot(handoff=handoffs_records.handoff(row), body=row.body)

    async def changes(self, handoff_id: HandoffId, reader: Actor, *, after: int, limit: int) -> tuple[Handoff, Sequence[Entry]]:
        """As `HandoffView.changes` says."""
        handoff, found = await self._read(
            HANDOFF_BY_ID(account_id=self._account_id, id=handoff_id),
            CHANGES(account_id=self._account_id, id=handoff_id, after=after, most=limit, **reads(reader)),
        )
        return handoffs_records.the_one(handoff.first), [kernel_records.entry(row) for row in found.rows]

    async def queue(self, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[QueueItem]:
        """As `HandoffView.queue` says."""
        start = after or FIRST
        found = await self._read_one(
            QUEUE(
                account_id=self._account_id,
                after_rank=-start.rank,
                after_time=start.escalated_at,
                after_id=start.handoff_id,
                team_id=where.team_id,
                user_id=where.user_id,
                priority=where.priority,
                most=limit,
            )
        )
        return [handoffs_records.queue_item(row) for row in found.rows]
