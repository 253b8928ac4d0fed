"""The escalation policy of one account, preferences, and how far policies and watched claims have got."""

from datetime import timedelta

from attrs import frozen

from flowpilot_core.domain.account import User
from flowpilot_core.domain.delivery import Delivery
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.escalation_policy import EscalationPolicy, PolicyRun
from flowpilot_core.domain.identifiers import ClaimWatchId, EventId, HandoffId, PolicyRunId, UserId
from flowpilot_core.domain.preferences import Preferences
from flowpilot_core.domain.quiet_claim import WARNED_AT, ClaimWatch
from flowpilot_core.domain.telling import Member
from flowpilot_core.ports.outbox import WorkKind

from . import reading
from .tables import DueWork
from .transaction import Transaction

NONE = EscalationPolicy()


@frozen
class MemoryEscalation:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def policy(self) -> EscalationPolicy:
        """As `Escalation.policy` says."""
        return self._work.rows.policies.get(self._work.account_id) or NONE

    async def set_policy(self, policy: EscalationPolicy) -> None:
        """As `Escalation.set_policy` says."""
        self._work.rows.policies.put(self._work.account_id, policy)

    async def members(self) -> tuple[Member, ...]:
        """As `Escalation.members` says."""
        return tuple(self._member(user) for user in self._work.rows.users.values() if user.deactivated_at is None)

    async def told_the_same(self, delivery: Delivery) -> tuple[Member, ...]:
        """As `Escalation.told_the_same` says."""

        def about(one: Delivery) -> tuple[object, ...]:
            return one.handoff_id, one.channel, one.kind, one.number

        told = {one.user_id for one in self._work.rows.deliveries.values() if about(one) == about(delivery)}
        return tuple(member for member in await self.members() if member.user_id in told)

    async def preferences(self, user_id: UserId) -> Preferences:
        """As `Escalation.preferences` says."""
        return self._work.rows.preferences.get(user_id) or Preferences(user_id=user_id)

    async def prefer(self, preferences: Preferences) -> None:
        """As `Escalation.prefer` says."""
        reading.require_user(self._work.rows, preferences.user_id)
        self._work.rows.preferences.put(preferences.user_id, preferences)

    async def run(self, run_id: PolicyRunId) -> PolicyRun | None:
        """As `Escalation.run` says."""
        return next((run for run in self._work.rows.policy_runs.values() if run.id == run_id), None)

    async def run_of(self, handoff_id: HandoffId) -> PolicyRun | None:
        """As `Escalation.run_of` says."""
        return self._work.rows.policy_runs.get(handoff_id)

    async def begin_run(self, run: PolicyRun) -> None:
        """As `Escalation.begin_run` says."""
        reading.handoff(self._work.rows, run.handoff_id)
        self._work.rows.policy_runs.put(run.handoff_id, run)

    async def keep_run(self, run: PolicyRun) -> None:
        """As `Escalation.keep_run` says."""
        if await self.run(run.id):
            self._work.rows.policy_runs.put(run.handoff_id, run)

    async def watch_claim(self, watch_id: ClaimWatchId, *, caused_by: EventId) -> None:
        """As `Escalation.watch_claim` says."""

        def write() -> None:
            rows = self._work.rows
            minutes = (rows.policies.get(self._work.account_id) or NONE).claim_quiet_minutes
            claim = next(event for event in rows.events if event.id == caused_by)
            if minutes is not None and claim.handoff_id is not None:
                rows.claim_watches.put(watch_id, ClaimWatch(id=watch_id, handoff_id=claim.handoff_id, claimed_at=claim.at))
                due_at = claim.at + timedelta(minutes=minutes) * WARNED_AT
                rows.due.put(watch_id, DueWork(id=watch_id, kind=WorkKind.QUIET_CLAIM, due_at=due_at))

        self._work.react(caused_by, write)

    async def watch(self, watch_id: ClaimWatchId) -> ClaimWatch:
        """As `Escalation.watch` says."""
        found = self._work.rows.claim_watches.get(watch_id)
        if found is None:
            raise NotFound("claim watch")
        return found

    async def keep_watch(self, watch: ClaimWatch) -> None:
        """As `Escalation.keep_watch` says."""
        self._work.rows.claim_watches.put(watch.id, watch)

    def _member(self, user: User) -> Member:
        preferences = self._work.rows.preferences.get(user.id) or Preferences(user_id=user.id)
        return Member(user_id=user.id, name=user.name, role=user.role, team_ids=user.team_ids, preferences=preferences)
