"""The due work of one account, inside one unit of work."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction, due_key
from flowpilot_core.domain.kernel.identifiers import EventId
from flowpilot_core.ports.relay import Lease, Work


@frozen
class MemoryWorkLedger:
    """The due work of one account."""

    _work: Transaction

    async def add(self, work: Work, *, caused_by: EventId | None = None) -> None:
        """As `WorkLedger.add` says."""
        due = DueWork(id=work.id, kind=work.kind, due_at=work.due_at, target=work.target, queue_rank=work.queue_rank)
        self._work.react(caused_by, lambda: self._work.rows.due.put(work.id, due))

    async def finish(self, lease: Lease) -> bool:
        """As `WorkLedger.finish` says."""
        held = await self._held(lease)
        if held:
            self._work.rows.due.drop(lease.work_id)
        return held is not None

    async def postpone(self, lease: Lease, *, seconds: float) -> bool:
        """As `WorkLedger.postpone` says."""
        held = await self._held(lease)
        if held:
            due_at = self._work.clock.now() + timedelta(seconds=seconds)
            self._work.rows.due.put(held.id, evolve(held, due_at=due_at, lease_token=None, lease_until=None))
        return held is not None

    async def withdraw(self, work_ids: Sequence[UUID]) -> None:
        """As `WorkLedger.withdraw` says."""
        for work_id in work_ids:
            await self._work.lock(*due_key(work_id))
            self._work.rows.due.drop(work_id)

    async def holds(self, lease: Lease) -> bool:
        """As `WorkLedger.holds` says."""
        return await self._held(lease) is not None

    async def _held(self, lease: Lease) -> DueWork | None:
        """The work, which nobody can take from now on, unless somebody has already. Its token tells, not the time."""
        await self._work.lock(*due_key(lease.work_id))
        row = self._work.rows.due.get(lease.work_id)
        return row if row and row.lease_token == lease.token else None
