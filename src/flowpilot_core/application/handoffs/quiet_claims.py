"""Looking after claims that may have gone quiet: warn the claimer, then give the escalation back to the queue."""

from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from flowpilot_core.application.kernel.units import Cause, Reaction, Units
from flowpilot_core.application.relay.leases import drop, take_turn
from flowpilot_core.domain.handoffs.quiet_claim import Quiet
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import ClaimWatchId
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.kernel import Clock, NewId
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionWork

from .following import HandoffFollower


class QuietClaimsNeeds(HandoffWork, SessionWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


W = TypeVar("W", bound=QuietClaimsNeeds)
CAUSE = "claim went quiet"


def watch_claims(new_id: NewId) -> Reaction[HandoffWork]:
    """The reaction by which a claim is looked at again, where the account lets quiet ones lapse."""

    async def watch(work: HandoffWork, cause: Cause) -> None:
        if cause.kind is EventKind.HANDOFF_CLAIMED:
            await work.claim_watches.begin(ClaimWatchId(new_id()), caused_by=cause.id)

    return watch


@frozen(kw_only=True)
class WatchClaims(Generic[W]):
    """Looks at one claim when it may have gone quiet; work at the session puts the next look off, and writes nothing for it."""

    units: Units[W]
    clock: Clock
    followers: tuple[HandoffFollower[W], ...] = ()
    """Whoever else has something to do when a claim lapses, or is about to."""

    async def do(self, lease: Lease) -> None:
        """Look, do what is to be done, and look again later, all of it at once under the lease."""
        by = System(account_id=lease.account_id, cause=CAUSE)

        async def turn(work: W) -> timedelta | None:
            return await self._look(work, ClaimWatchId(lease.work_id), by)

        await take_turn(self.units, lease, by, turn)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The claim is left alone: its claimer keeps it."""
        await drop(self.units.begin, lease)

    async def _look(self, work: W, watch_id: ClaimWatchId, by: System) -> timedelta | None:
        """How long until the next look; None: no more."""
        watch = await work.claim_watches.get(watch_id)
        handoff = await work.handoffs.get(watch.handoff_id)
        session = await work.sessions.get(handoff.session_id)
        wishes = await work.escalation.policy()
        now = self.clock.now()
        quiet, after, again = watch.look(handoff, session, wishes.claim_quiet_minutes, at=now)
        if quiet is Quiet.LAPSE:
            lapsed, session, event = handoff.lapsed(session, by=by, at=now)
            for follower in self.followers:
                await follower.moved(work, handoff, lapsed, event)
            await work.handoffs.save(lapsed)
            await work.sessions.save(session)
            await self.units.record(work, event)
        if quiet is Quiet.WARN and after.warned_of:
            for follower in self.followers:
                await follower.may_lapse(work, handoff, warned_of=after.warned_of, at=now)
            await work.claim_watches.keep(after)
        return again - now if quiet in (Quiet.WAIT, Quiet.WARN) else None
