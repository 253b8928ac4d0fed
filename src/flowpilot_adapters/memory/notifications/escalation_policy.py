"""The escalation policy of one account, preferences, and how far policies have got."""

from datetime import datetime

from attrs import evolve, frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction, due_key
from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.identifiers import HandoffId, PolicyRunId, UserId
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyRun
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.timing import Member
from flowpilot_core.ports.relay import WorkKind

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

    async def look_again(self, *, at: datetime) -> None:
        """As `Escalation.look_again` says."""
        rows = self._work.rows
        for run in rows.policy_runs.values():
            if reading.handoff(rows, run.handoff_id).state is HandoffState.OPEN:
                await self._work.lock(*due_key(run.id))
                due = rows.due.get(run.id) or DueWork(id=run.id, kind=WorkKind.POLICY_STEP, due_at=at)
                rows.due.put(run.id, evolve(due, due_at=min(due.due_at, at)))

    def _member(self, user: User) -> Member:
        preferences = self._work.rows.preferences.get(user.id) or Preferences(user_id=user.id)
        return Member(user_id=user.id, name=user.name, role=user.role, team_ids=user.team_ids, preferences=preferences)
