"""What there is to see of handoffs, snapshots and the queue in one account."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.handoffs import handoffs
from flowpilot_adapters.sql.kernel.view import AFTER
from flowpilot_adapters.sql.notifications.view import DELIVERIES
from flowpilot_adapters.sql.queries import (
    HANDOFF_BY_ID,
    LOWEST,
    branches_of,
    of_handoffs,
    of_sessions,
    own,
)
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import handoffs as handoffs_records
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.records import notifications as notifications_records
from flowpilot_adapters.sql.records import sessions as sessions_records
from flowpilot_adapters.sql.schema import (
    branch,
    event,
    handoff,
    handoff_seen,
    handoff_snapshot,
    session,
)
from flowpilot_adapters.sql.sessions.view import TO_BE_READ, reads
from flowpilot_adapters.sql.statement import compiled
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import HandoffId, UserId
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import HandoffDetail, QueueFilter, QueueItem, QueuePosition, StoredSnapshot, WholeHandoff
from flowpilot_core.ports.kernel import Entry

from .queue import LAST_CLAIMED, WAITING, queue_call

ID: Final = bindparam("id", type_=handoff.c.id.type)

SNAPSHOT: Final = compiled(
    "snapshot",
    select(*of_handoffs(), handoff_snapshot.c.body)
    .join_from(handoff, handoff_snapshot, own(handoff_snapshot) & (handoff_snapshot.c.handoff_id == handoff.c.id))
    .where(own(handoff), handoff.c.id == ID),
)

LOOKED_AT: Final = compiled(
    "looked at",
    select(handoff_seen.c.user_id)
    .join_from(handoff, handoff_seen, own(handoff_seen) & (handoff_seen.c.handoff_id == handoff.c.id))
    .where(own(handoff), handoff.c.id == ID, handoff.c.intent == Intent.ESCALATE),
)

PRIORITIES: Final = compiled(
    "priorities of handoffs",
    select(handoff.c.id, handoff.c.priority).where(own(handoff), handoff.c.id == any_(bindparam("ids", type_=ARRAY(Uuid())))),
)

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


SESSION: Final = compiled("session of handoff", select(*of_sessions()).where(own(session), session.c.id == _session_id))
BRANCHES: Final = compiled("branches of handoff", branches_of(branch.c.session_id == _session_id))


class SqlHandoffView(SqlReading):
    """As `HandoffView` says."""

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `HandoffView.handoff` says."""
        return handoffs.detail_of(await self._read_one(handoffs.detail_call(self._account_id, handoff_id)))

    async def whole_handoff(self, handoff_id: HandoffId, reader: Actor, *, changes: int, told: int) -> WholeHandoff:
        """As `HandoffView.whole_handoff` says."""
        it = {"account_id": self._account_id, "id": handoff_id}
        detail, stored, since, deliveries, looked, found, branches = await self._read(
            handoffs.detail_call(self._account_id, handoff_id),
            SNAPSHOT(**it),
            CHANGES(after=0, most=changes, **reads(reader), **it),
            DELIVERIES(after=LOWEST, most=told, **it),
            LOOKED_AT(**it),
            SESSION(**it),
            BRANCHES(**it),
        )
        whole = handoffs.detail_of(detail)
        return WholeHandoff(
            detail=whole,
            snapshot=stored.rows[0].body,
            changes=[kernel_records.entry(row) for row in since.rows],
            deliveries=[notifications_records.delivery(row) for row in deliveries.rows],
            seen_by=frozenset(row.user_id for row in looked.rows),
            session=sessions_records.session(found.rows[0], branches.rows),
        )

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
        found = await self._read_planned(queue_call(self._account_id, where, after=after, limit=limit))
        return handoffs_records.queue_items(found.rows)

    async def priorities(self, handoff_ids: Collection[HandoffId]) -> Mapping[HandoffId, Priority]:
        """As `HandoffView.priorities` says."""
        found = await self._read_one(PRIORITIES(account_id=self._account_id, ids=list(handoff_ids)))
        return {HandoffId(row.id): handoffs_records.priority_of(row.priority) for row in found.rows}

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """As `HandoffView.seen_by` says."""
        found = await self._read_one(LOOKED_AT(account_id=self._account_id, id=handoff_id))
        return frozenset(row.user_id for row in found.rows)

    async def waiting(self) -> int:
        """As `HandoffView.waiting` says."""
        row = (await self._read_one(WAITING(account_id=self._account_id))).first
        return 0 if row is None else int(row.waiting)

    async def last_claimed_at(self) -> datetime | None:
        """As `HandoffView.last_claimed_at` says."""
        row = (await self._read_one(LAST_CLAIMED(account_id=self._account_id))).first
        return None if row is None else row.claimed_at
