"""Claims that lapse if they go quiet."""

from datetime import timedelta

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.handoffs.quiet_claim import WARNED_AT, ClaimWatch
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import ClaimWatchId, EventId
from flowpilot_core.ports.relay import WorkKind


@frozen
class MemoryClaimWatches:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def begin(self, watch_id: ClaimWatchId, *, caused_by: EventId) -> None:
        """As `ClaimWatches.begin` says."""

        def write() -> None:
            rows = self._work.rows
            policy = rows.policies.get(self._work.account_id)
            minutes = policy.claim_quiet_minutes if policy else None
            claim = next(event for event in rows.events if event.id == caused_by)
            if minutes is not None and claim.handoff_id is not None:
                rows.claim_watches.put(watch_id, ClaimWatch(id=watch_id, handoff_id=claim.handoff_id, claimed_at=claim.at))
                due_at = claim.at + timedelta(minutes=minutes) * WARNED_AT
                rows.due.put(watch_id, DueWork(id=watch_id, kind=WorkKind.QUIET_CLAIM, due_at=due_at))

        self._work.react(caused_by, write)

    async def get(self, watch_id: ClaimWatchId) -> ClaimWatch:
        """As `ClaimWatches.get` says."""
        found = self._work.rows.claim_watches.get(watch_id)
        if found is None:
            raise NotFound("claim watch")
        return found

    async def keep(self, watch: ClaimWatch) -> None:
        """As `ClaimWatches.keep` says."""
        self._work.rows.claim_watches.put(watch.id, watch)
