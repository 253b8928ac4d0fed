"""Looking after claims that may have gone quiet: warn the claimer, then give the escalation back to the queue."""

from datetime import timedelta

from attrs import frozen

from flowpilot_core.domain.actor import System
from flowpilot_core.domain.delivery import Delivery, DeliveryKind
from flowpilot_core.domain.identifiers import ClaimWatchId, DeliveryId
from flowpilot_core.domain.quiet_claim import Quiet
from flowpilot_core.ports.clock import Clock, NewId
from flowpilot_core.ports.outbox import Lease
from flowpilot_core.ports.persistence import UnitOfWork

from .leases import drop, take_turn
from .policy_steps import restart_policy
from .units import Units

CAUSE = "claim went quiet"


@frozen(kw_only=True)
class WatchClaims:
    """Looks at one claim when it may have gone quiet; work at the session puts the next look off, and writes nothing for it."""

    units: Units
    clock: Clock
    new_id: NewId

    async def do(self, lease: Lease) -> None:
        """Look, do what is to be done, and look again later, all of it at once under the lease."""
        by = System(account_id=lease.account_id, cause=CAUSE)

        async def turn(work: UnitOfWork) -> timedelta | None:
            return await self._look(work, ClaimWatchId(lease.work_id), by)

        await take_turn(self.units, lease, by, turn)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The claim is left alone: its claimer keeps it."""
        await drop(self.units.begin, lease)

    async def _look(self, work: UnitOfWork, watch_id: ClaimWatchId, by: System) -> timedelta | None:
        """How long until the next look; None: no more."""
        watch = await work.escalation.watch(watch_id)
        handoff = await work.handoffs.get(watch.handoff_id)
        session = await work.sessions.get(handoff.session_id)
        policy = await work.escalation.policy()
        now = self.clock.now()
        quiet, after, again = watch.look(handoff, session, policy.claim_quiet_minutes, at=now)
        if quiet is Quiet.LAPSE:
            lapsed, session, event = handoff.lapsed(session, by=by, at=now)
            await restart_policy(work, policy, lapsed, since=event.at, new_id=self.new_id)
            await work.handoffs.save(lapsed)
            await work.sessions.save(session)
            await self.units.record(work, event)
        if quiet is Quiet.WARN and handoff.claim and after.warned_of:
            number = (after.warned_of - handoff.escalated_at) // timedelta(seconds=1)
            warning = Delivery.of(
                handoff, DeliveryId(self.new_id()), handoff.claim.by, kind=DeliveryKind.LAPSE_WARNING, number=number, at=now
            )
            await work.deliveries.add([warning])
            await work.escalation.keep_watch(after)
        return again - now if quiet in (Quiet.WAIT, Quiet.WARN) else None
