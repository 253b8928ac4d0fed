"""Use cases of a handoff: park and escalate, claim, give back, reroute, withdraw, and what there is to read of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from attrs import evolve, frozen

from flowpilot_core.application.access.require_named import require_named
from flowpilot_core.application.kernel.units import PLAIN, Joined, Request, Units
from flowpilot_core.domain.handoffs.handing_off import hand_off
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent, may_claim
from flowpilot_core.domain.kernel.actor import Actor, Role
from flowpilot_core.domain.kernel.canonical_json import digest
from flowpilot_core.domain.kernel.errors import SnapshotDamaged
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import BranchId, HandoffId, SessionId, TeamId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, person
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority, Session
from flowpilot_core.domain.sessions.window import lasting
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.handoffs import (
    HandoffDetail,
    HandoffView,
    HandoffWork,
    QueueFilter,
    QueueItem,
    QueuePosition,
    StoredSnapshot,
    WholeHandoff,
)
from flowpilot_core.ports.kernel import Clock, Entry, NewId, ViewOf
from flowpilot_core.ports.sessions import SessionWork

from .following import HandoffFollower


class HandoffsNeeds(HandoffWork, SessionWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


W = TypeVar("W", bound=HandoffsNeeds)
SECOND = timedelta(seconds=1)
Move = Callable[[Handoff, Session, datetime], tuple[Handoff, Session, Event]]


class Waiting(NamedTuple):
    """An item of the queue, for how many seconds it has waited, and whether who asks may take it."""

    item: QueueItem
    seconds: int
    claimable: bool


def readable(detail: HandoffDetail, reader: Actor) -> HandoffDetail:
    """A handoff as `reader` may know it: without others' parks in its chain. Raises `NotFound` for somebody else's park."""
    detail.handoff.require_readable(reader)
    chain = tuple(handoff for handoff in detail.chain if handoff.readable_by(reader))
    return detail if len(chain) == len(detail.chain) else evolve(detail, chain=chain)


@frozen(kw_only=True)
class Handoffs(Generic[W]):
    """Handoffs of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units[W] | Joined[W]
    view: ViewOf[HandoffView]
    clock: Clock
    new_id: NewId
    followers: tuple[HandoffFollower[W], ...] = ()
    """Whoever else has something to do when one is made or moves: nobody, for an import of the past."""

    async def hand_off(
        self,
        actor: Actor,
        session_id: SessionId,
        *,
        intent: Intent,
        reason: str,
        note: str | None = None,
        priority: Priority | None = None,
        team_id: TeamId | None = None,
        user_id: UserId | None = None,
        wake_at: datetime | None = None,
        request: Request = PLAIN,
    ) -> HandoffDetail:
        """Park or escalate a session. Who is told of an escalation is written down with it; telling them comes after the commit."""
        by = person(actor, Permission.HAND_OFF)

        async def unit(work: W) -> HandoffDetail:
            basis = await work.handoffs.basis(session_id, frozenset[Role]().union(*(follower.roles for follower in self.followers)))
            before = basis.detail
            before.session.require_readable(actor)
            await require_named(work, team_id, user_id)
            moved = partial(
                hand_off,
                before.session,
                handoff_id=HandoffId(self.new_id()),
                intent=intent,
                reason=reason,
                note=note,
                priority=priority,
                team_id=team_id,
                user_id=user_id,
                wake_at=wake_at,
                due=basis.policy.due_at,
                steps=before.steps,
                earlier=before.handoffs,
                names=before.names,
                by=by,
                at=self.clock.now(),
            )
            done = await asyncio.to_thread(moved) if before.session.is_large else moved()
            before.session.require_version(request.if_match)
            await work.sessions.save(done.session)
            await work.handoffs.add(done.handoff, done.snapshot)
            detail = HandoffDetail(
                handoff=done.handoff,
                chain=tuple(earlier for earlier in before.handoffs if earlier.readable_by(actor)),
                names={**before.names, by.user_id: by.name},
            )
            for follower in self.followers:
                detail = await follower.made(work, basis, detail)
            await self.units.record(work, done.event, request)
            return detail

        return await self.units.run(actor, unit, request)

    async def get(self, actor: Actor, handoff_id: HandoffId) -> HandoffDetail:
        """One handoff with the earlier ones of its session and how far telling has got."""
        detail = readable(await self.view(actor.account_id).handoff(handoff_id), actor)
        return detail if detail.handoff.window is None else evolve(detail, handoff=detail.handoff.as_of(self.clock.now()))

    async def queue(self, actor: Actor, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[Waiting]:
        """The open escalations of the account: priority, then the longest waiting, then id."""
        items = await self.view(actor.account_id).queue(where, after=after, limit=limit)
        now = self.clock.now()
        items = [one if one.window is lasting(one.window, now) else one._replace(window=None) for one in items]
        return [Waiting(item, max(0, (now - item.escalated_at) // SECOND), may_claim(actor, item.escalated_by)) for item in items]

    async def priorities(self, actor: Actor, sessions: Sequence[Session]) -> Mapping[SessionId, Priority]:
        """How urgent each of these sessions is: its escalation says so while there is one."""
        asked = {one.escalation_id for one in sessions if one.escalation_id is not None}
        found = await self.view(actor.account_id).priorities(asked) if asked else {}
        return {one.id: found.get(one.escalation_id, one.priority) if one.escalation_id else one.priority for one in sessions}

    async def waiting(self, actor: Actor) -> int:
        """How many open escalations the account has."""
        return await self.view(actor.account_id).waiting()

    async def last_claimed_at(self, actor: Actor) -> datetime | None:
        """When one was last taken."""
        return await self.view(actor.account_id).last_claimed_at()

    async def snapshot(self, actor: Actor, handoff_id: HandoffId, *, verify: bool = False) -> StoredSnapshot:
        """The frozen snapshot. With `verify` its digest is computed anew: raises `SnapshotDamaged` where the bytes have changed."""
        stored = await self.view(actor.account_id).snapshot(handoff_id)
        stored.handoff.require_readable(actor)
        if verify and digest(stored.body) != stored.handoff.snapshot_digest:
            raise SnapshotDamaged(handoff_id)
        return stored

    async def changes(self, actor: Actor, handoff_id: HandoffId, *, after: int, limit: int) -> Sequence[Entry]:
        """What has happened in the session since the snapshot was frozen, in order."""
        handoff, found = await self.view(actor.account_id).changes(handoff_id, actor, after=after, limit=limit)
        handoff.require_readable(actor)
        return found

    async def claim(
        self, actor: Actor, handoff_id: HandoffId, *, branch_id: BranchId | None = None, request: Request = PLAIN
    ) -> HandoffDetail:
        """Take an escalation; its session is active again and the actor's. Of any number at once, one succeeds.

        Who claims goes on in the branch named, or else where work stopped.
        """
        by = person(actor, Permission.CLAIM)

        async def unit(work: W) -> HandoffDetail:
            at = self.clock.now()
            cause = self.units.cause(EventKind.HANDOFF_CLAIMED, at=at)
            commit = self.units.commits(request)
            if commit:
                await self.units.follow(work, cause)
            taken = await work.handoffs.claim(
                handoff_id,
                by=by,
                at=at,
                event_id=cause.id,
                request_id=request.id,
                expected=request.if_match,
                commit=commit,
                branch_id=branch_id,
            )
            if not commit:
                # Only once it is known who was first.
                await self.units.follow(work, cause)
            return readable(taken, actor)

        return await self.units.run(actor, unit, request)

    async def unclaim(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """Give a claim back, where nothing was added since; the escalation waits as if it had never been claimed."""
        by = person(actor, Permission.UNCLAIM)
        return await self._move(actor, handoff_id, lambda handoff, session, at: handoff.unclaimed(session, by=by, at=at), request)

    async def withdraw(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """Take an escalation out of the queue; its session is active again with the assignee it had."""
        return await self._move(actor, handoff_id, lambda handoff, session, at: handoff.withdrawn(session, by=actor, at=at), request)

    async def reroute(
        self,
        actor: Actor,
        handoff_id: HandoffId,
        *,
        team_id: TeamId | None = None,
        user_id: UserId | None = None,
        priority: Priority | None = None,
        request: Request = PLAIN,
    ) -> HandoffDetail:
        """Mean an open escalation for another team or person, who are told, or make it more or less urgent; the wait goes on."""

        async def unit(work: W) -> HandoffDetail:
            before = await _load(work, handoff_id, actor)
            await require_named(work, team_id, user_id)
            by = person(actor, Permission.REROUTE)
            wishes = await work.escalation.policy()
            handoff, event = before.rerouted(
                team_id=team_id, user_id=user_id, priority=priority, due=wishes.due_at, by=by, at=self.clock.now()
            )
            before.require_version(request.if_match)
            for follower in self.followers:
                await follower.moved(work, before, handoff, event)
            await work.handoffs.save(handoff)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def see(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """The actor has looked at it, as its escalator can see; a second look changes nothing."""
        by = person(actor, Permission.SEE)

        async def unit(work: W) -> HandoffDetail:
            handoff = await _load(work, handoff_id, actor)
            handoff.require_version(request.if_match)
            seen, event = handoff.seen(by=by, at=self.clock.now())
            if event and by.user_id not in await work.feedback.seen_by(handoff_id):
                await self.units.record(work, event, request)
            await work.feedback.see(seen)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def whole(self, actor: Actor, handoff_id: HandoffId, *, changes: int, told: int) -> WholeHandoff:
        """One handoff with all that there is to read of it: at most so many changes of its session since, and so many deliveries."""
        found = await self.view(actor.account_id).whole_handoff(handoff_id, actor, changes=changes, told=told)
        return evolve(found, detail=readable(found.detail, actor))

    async def seen_by(self, actor: Actor, handoff_id: HandoffId) -> frozenset[UserId]:
        """Who has looked at an escalation; a park is looked at by nobody."""
        return await self.view(actor.account_id).seen_by(handoff_id)

    async def judge(
        self, actor: Actor, handoff_id: HandoffId, *, verdict: Verdict, comment: str | None = None, request: Request = PLAIN
    ) -> HandoffDetail:
        """Its claimer's verdict on an escalation; a later one replaces it."""
        by = person(actor, Permission.JUDGE)

        async def unit(work: W) -> HandoffDetail:
            handoff = await _load(work, handoff_id, actor)
            judgement, event = handoff.judged(verdict, comment, by=by, at=self.clock.now())
            handoff.require_version(request.if_match)
            await work.feedback.judge(judgement)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def _move(self, actor: Actor, handoff_id: HandoffId, move: Move, request: Request) -> HandoffDetail:
        """A move of an escalation together with its session."""

        async def unit(work: W) -> HandoffDetail:
            before = await _load(work, handoff_id, actor)
            handoff, session, event = move(before, await work.sessions.get(before.session_id), self.clock.now())
            before.require_version(request.if_match)
            for follower in self.followers:
                await follower.moved(work, before, handoff, event)
            await work.handoffs.save(handoff)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)


async def _load(work: HandoffWork, handoff_id: HandoffId, actor: Actor) -> Handoff:
    handoff = await work.handoffs.get(handoff_id)
    handoff.require_readable(actor)
    return handoff
