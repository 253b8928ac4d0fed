"""Use cases of the weekly digest: who is mailed the figures of each week."""

from datetime import datetime
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest, next_at
from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.identifiers import AccountId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.insights import InsightsWork
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.relay import Work, WorkKind


class WeeklyDigestsNeeds(InsightsWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Wish:
    """Whether somebody is mailed the figures of each week, how far the last one is, and when the next one is told."""

    weekly_digest: WeeklyDigest | None
    next_at: datetime


@frozen(kw_only=True)
class WeeklyDigests:
    """The actor's own. Everything raises `RoleForbidden` for who may have none."""

    units: Units[WeeklyDigestsNeeds]
    clock: Clock

    async def get(self, actor: Actor) -> Wish:
        """Whether they have it."""
        by = person(actor, Permission.HAVE_WEEKLY_DIGEST)
        require_role(actor, Permission.HAVE_WEEKLY_DIGEST)
        async with self.units.begin(actor.account_id) as work:
            return self._wish(await work.people.account(), await work.weekly_digests.get(by.user_id))

    async def want(self, actor: Actor, wanted: bool, *, request: Request = PLAIN) -> Wish:
        """Have it from now on, or no more; who says what is so already changes nothing."""
        by = person(actor, Permission.HAVE_WEEKLY_DIGEST)

        async def unit(work: WeeklyDigestsNeeds) -> Wish:
            require_role(actor, Permission.HAVE_WEEKLY_DIGEST)
            # One after the other: two who want it at once would both find none.
            await work.people.hold(by.user_id)
            account, kept = await work.people.account(), await work.weekly_digests.get(by.user_id)
            if wanted and kept is None:
                at = self.clock.now()
                kept = WeeklyDigest.wanted(by.user_id, account.time_zone, at=at)
                await work.weekly_digests.add(kept)
                await work.due.add(Work(id=by.user_id, kind=WorkKind.WEEKLY_DIGEST, due_at=next_at(account.time_zone, after=at)))
            elif not wanted:
                await _end(work, by.user_id)
                kept = None
            return self._wish(account, kept)

        return await self.units.run(actor, unit, request)

    async def no_more(self, account_id: AccountId, user_id: UserId) -> None:
        """Mail somebody no more of them: whoever holds the link out of one may ask for it."""

        async def unit(work: WeeklyDigestsNeeds) -> None:
            await _end(work, user_id)

        await self.units.run(System(account_id=account_id, cause="the link out of a weekly digest"), unit)

    def _wish(self, account: Account, kept: WeeklyDigest | None) -> Wish:
        return Wish(weekly_digest=kept, next_at=next_at(account.time_zone, after=self.clock.now()))


async def _end(work: WeeklyDigestsNeeds, user_id: UserId) -> None:
    """The work first: whoever is about to note how far a digest is has done so, or finds that it is not theirs any more."""
    await work.due.withdraw([user_id])
    await work.weekly_digests.drop(user_id)
