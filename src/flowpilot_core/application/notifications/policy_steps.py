"""How an escalation policy goes on: begun with the escalation, one step at a time under a lease, stopped by whatever ends the wait."""

from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.relay.leases import drop, take_turn
from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.identifiers import DeliveryId, PolicyRunId
from flowpilot_core.domain.notifications.delivery import PERSONAL, Delivery, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, Firing, PolicyRun
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.kernel import Clock, NewId
from flowpilot_core.ports.notifications import NotificationWork
from flowpilot_core.ports.relay import Lease, RelayWork, Work, WorkKind


class PolicyStepsNeeds(NotificationWork, HandoffWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


CAUSE = "escalation policy"


async def begin_policy(work: PolicyStepsNeeds, policy: EscalationPolicy, handoff: Handoff, *, new_id: NewId) -> None:
    """The policy of a new escalation, if it has one."""
    await _begin(work, policy, handoff, PolicyRun(id=PolicyRunId(new_id()), handoff_id=handoff.id, since=handoff.escalated_at))


async def restart_policy(work: PolicyStepsNeeds, policy: EscalationPolicy, handoff: Handoff, *, since: datetime, new_id: NewId) -> None:
    """From the first step on: the escalation is for others to take, or nobody's again."""
    run_id = PolicyRunId(new_id())
    before = await work.escalation.run_of(handoff.id)
    run = before.anew(run_id, since=since) if before else PolicyRun(id=run_id, handoff_id=handoff.id, since=since)
    await _begin(work, policy, handoff, run)


async def resume_policy(work: PolicyStepsNeeds, handoff: Handoff, *, at: datetime, new_id: NewId) -> None:
    """From where it stood when the escalation was claimed."""
    before = await work.escalation.run_of(handoff.id)
    if before is not None:
        policy = await work.escalation.policy()
        run = before.resumed(PolicyRunId(new_id()), policy.steps_for(handoff.team_id), at=at)
        await _begin(work, policy, handoff, run)


async def _begin(work: PolicyStepsNeeds, policy: EscalationPolicy, handoff: Handoff, run: PolicyRun) -> None:
    first = run.next(policy.steps_for(handoff.team_id))
    if first:
        await work.escalation.begin_run(run)
        await work.due.add(Work(id=run.id, kind=WorkKind.POLICY_STEP, due_at=run.due(first[0])))


@frozen(kw_only=True)
class TakePolicySteps:
    """Tells whomever the next step of a policy names, if the escalation still waits.

    The messages and how far the policy has got are written together under the lease: whoever takes it over after a crash finds
    either both or neither.
    """

    units: Units[PolicyStepsNeeds]
    clock: Clock
    new_id: NewId

    async def do(self, lease: Lease) -> None:
        """Take the step that is due, and come back for the next."""
        by = System(account_id=lease.account_id, cause=CAUSE)

        async def turn(work: PolicyStepsNeeds) -> timedelta | None:
            return await self._step(work, PolicyRunId(lease.work_id), by)

        await take_turn(self.units, lease, by, turn)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The policy ends here; the escalation waits in the queue as before."""
        await drop(self.units.begin, lease)

    async def _step(self, work: PolicyStepsNeeds, run_id: PolicyRunId, by: System) -> timedelta | None:
        """How long until there is something to do again; None: never."""
        run = await work.escalation.run(run_id)
        handoff = await work.handoffs.get(run.handoff_id) if run else None
        if run is None or handoff is None or handoff.state is not HandoffState.OPEN:
            return None
        steps = (await work.escalation.policy()).steps_for(handoff.team_id)
        now = self.clock.now()
        firing = run.next(steps)
        if firing and run.due(firing[0]) <= now:
            for one in firing:
                await self._fire(work, run, handoff, one, by=by, at=now)
            run = run.after(firing[-1])
            await work.escalation.keep_run(run)
            firing = run.next(steps)
        return run.due(firing[0]) - now if firing else None

    async def _fire(self, work: PolicyStepsNeeds, run: PolicyRun, handoff: Handoff, firing: Firing, *, by: System, at: datetime) -> None:
        members = await work.escalation.members()
        told = firing.step.audience(members, escalated_by=handoff.escalated_by, at=at)
        deliveries = [
            Delivery.of(
                handoff,
                DeliveryId(self.new_id()),
                user_id,
                kind=DeliveryKind.REMINDER,
                number=run.mark(firing),
                channel=channel,
                at=max(at, handoff.escalated_at),
            )
            for user_id in told
            for channel in firing.step.channels
            if channel in PERSONAL
        ]
        await work.deliveries.add(deliveries)
        await self.units.record(
            work, handoff.reminded(firing.number, len({one.user_id for one in deliveries}), firing.step.channels, by=by, at=at)
        )
