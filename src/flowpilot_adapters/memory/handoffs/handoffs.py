"""The handoffs and their snapshots."""

from datetime import datetime

from attrs import evolve, frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.notifications.presence import MemoryPresence
from flowpilot_adapters.memory.sessions.sessions import _others
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.handoffs.snapshot import Snapshot
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import AlreadyClaimed
from flowpilot_core.domain.kernel.identifiers import BranchId, EventId, HandoffId, SessionId
from flowpilot_core.domain.notifications.delivery import Colleague
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy
from flowpilot_core.ports.handoffs import Basis, HandoffDetail


@frozen
class MemoryHandoffs:
    """The handoffs of one account."""

    _work: Transaction

    async def get(self, handoff_id: HandoffId) -> Handoff:
        """As `Handoffs.get` says."""
        await _others()
        return reading.handoff(self._work.rows, handoff_id)

    async def detail(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `Handoffs.detail` says."""
        await _others()
        return reading.handoff_detail(self._work.rows, handoff_id)

    async def basis(self, session_id: SessionId, roles: frozenset[Role]) -> Basis:
        """As `Handoffs.basis` says."""
        await _others()
        detail = reading.session_detail(self._work.rows, session_id)
        online = await MemoryPresence(self._work).online()
        colleagues = (
            Colleague(user_id=user.id, team_ids=user.team_ids, online=user.id in online)
            for user in self._work.rows.users.values()
            if user.role in roles and user.deactivated_at is None
        )
        policy = self._work.rows.policies.get(self._work.account_id) or EscalationPolicy()
        return Basis(detail=detail, colleagues=tuple(colleagues), policy=policy)

    async def add(self, handoff: Handoff, snapshot: Snapshot) -> None:
        """As `Handoffs.add` says."""
        self._work.handoffs.added(handoff.id)
        self._work.rows.handoffs.put(handoff.id, handoff)
        self._work.rows.snapshots.put(handoff.id, snapshot.body)

    async def save(self, handoff: Handoff) -> Handoff:
        """As `Handoffs.save` says."""
        saved = evolve(handoff, version=self._work.handoffs.next(handoff.id, handoff.version))
        self._work.rows.handoffs.put(handoff.id, saved)
        return saved

    async def claim(
        self,
        handoff_id: HandoffId,
        *,
        by: Person,
        at: datetime,
        event_id: EventId,
        request_id: str | None,
        expected: int | None,
        commit: bool,
        branch_id: BranchId | None = None,
    ) -> HandoffDetail:
        """As `Handoffs.claim` says. Claims of one handoff wait for one another; nothing else runs between the look and the commit."""
        await _others()
        await self._work.lock("handoff", handoff_id)
        rows = self._work.rows
        handoff = reading.handoff(rows, handoff_id)
        handoff.require_readable(by)
        session = reading.session(rows, handoff.session_id)
        try:
            claimed, session, event = handoff.claimed(session, branch_id=branch_id, by=by, at=at)
        except AlreadyClaimed as lost:
            raise AlreadyClaimed(lost.handoff_id, lost.by, lost.at, reading.names(rows, (lost.by,)).get(lost.by)) from None
        handoff.require_version(expected)
        await self.save(claimed)
        rows.first_steps.drop(handoff_id)
        saved = evolve(session, version=self._work.sessions.next(session.id, session.version))
        rows.sessions.put(saved.id, saved)
        rows.events.append(evolve(event, id=event_id, request_id=request_id))
        detail = reading.handoff_detail(rows, handoff_id)
        if commit:
            self._work.commit()
        return detail
