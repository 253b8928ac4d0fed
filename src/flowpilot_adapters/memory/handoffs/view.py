"""What there is to see of handoffs, snapshots and the queue in one account."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_adapters.memory.tables import Working
from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.identifiers import HandoffId, UserId
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import HandoffDetail, QueueFilter, QueueItem, QueuePosition, StoredSnapshot, WholeHandoff
from flowpilot_core.ports.kernel import Entry


class MemoryHandoffView(MemoryReading):
    """As `HandoffView` says."""

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `HandoffView.handoff` says."""
        return reading.handoff_detail(await self._now(), handoff_id)

    async def whole_handoff(self, handoff_id: HandoffId, reader: Actor, *, changes: int, told: int) -> WholeHandoff:
        """As `HandoffView.whole_handoff` says."""
        handoff, since = await self.changes(handoff_id, reader, after=0, limit=changes)
        rows = await self._now()
        return WholeHandoff(
            detail=reading.handoff_detail(rows, handoff_id),
            snapshot=self._tables.snapshots[handoff_id],
            changes=since,
            deliveries=reading.deliveries(rows, handoff_id)[:told],
            seen_by=await self.seen_by(handoff_id),
            session=reading.session(rows, handoff.session_id),
        )

    async def snapshot(self, handoff_id: HandoffId) -> StoredSnapshot:
        """As `HandoffView.snapshot` says."""
        handoff = reading.handoff(await self._now(), handoff_id)
        return StoredSnapshot(handoff=handoff, body=self._tables.snapshots[handoff_id])

    async def changes(self, handoff_id: HandoffId, reader: Actor, *, after: int, limit: int) -> tuple[Handoff, Sequence[Entry]]:
        """As `HandoffView.changes` says."""
        rows, logged = await self._now(), self._logged()
        handoff = reading.handoff(rows, handoff_id)
        made = next((one.number for one in logged if one.event.handoff_id == handoff_id), after)
        return handoff, reading.entries(rows, logged, handoff.session_id, reader, after=max(after, made))[:limit]

    async def queue(self, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[QueueItem]:
        """As `HandoffView.queue` says."""
        rows = await self._now()
        start = (-after.rank, after.escalated_at, after.handoff_id) if after else None
        waiting = sorted(
            (
                handoff
                for handoff in rows.handoffs.values()
                if handoff.intent is Intent.ESCALATE
                and handoff.state is HandoffState.OPEN
                and where.team_id in (None, handoff.team_id)
                and where.user_id in (None, handoff.user_id)
                and where.priority in (None, handoff.priority)
            ),
            key=_queued,
        )
        page = islice((handoff for handoff in waiting if start is None or _queued(handoff) > start), limit)
        return [_item(rows, handoff) for handoff in page]

    async def priorities(self, handoff_ids: Collection[HandoffId]) -> Mapping[HandoffId, Priority]:
        """As `HandoffView.priorities` says."""
        rows = await self._now()
        return {one.id: one.priority for handoff_id in handoff_ids if (one := rows.handoffs.get(handoff_id)) is not None}

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """As `HandoffView.seen_by` says."""
        rows = await self._now()
        escalation = (found := rows.handoffs.get(handoff_id)) is not None and found.intent is Intent.ESCALATE
        return frozenset(seen.user_id for seen in rows.seen.values() if escalation and seen.handoff_id == handoff_id)

    async def waiting(self) -> int:
        """As `HandoffView.waiting` says."""
        rows = await self._now()
        return sum(one.intent is Intent.ESCALATE and one.state is HandoffState.OPEN for one in rows.handoffs.values())

    async def last_claimed_at(self) -> datetime | None:
        """As `HandoffView.last_claimed_at` says."""
        rows = await self._now()
        return max((one.claim.at for one in rows.handoffs.values() if one.claim), default=None)


def _queued(handoff: Handoff) -> tuple[int, datetime, HandoffId]:
    return -handoff.priority.rank, handoff.escalated_at, handoff.id


def _item(rows: Working, handoff: Handoff) -> QueueItem:
    handoff = reading.with_headline(rows, handoff)
    brief = handoff.brief
    return QueueItem(
        handoff_id=handoff.id,
        session_id=handoff.session_id,
        title=brief.title,
        client_name=brief.client_name,
        ticket=brief.ticket,
        reason=handoff.reason,
        priority=handoff.priority,
        escalated_by=handoff.escalated_by,
        escalated_by_name=reading.names(rows, (handoff.escalated_by,))[handoff.escalated_by],
        team_id=handoff.team_id,
        user_id=handoff.user_id,
        escalated_at=handoff.escalated_at,
        due_at=handoff.due_at,
        headline=brief.headline,
        branch_count=brief.branch_count,
        step_count=brief.step_count,
        window=handoff.window,
    )
