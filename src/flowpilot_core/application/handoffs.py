"""Use cases of a handoff: park and escalate, claim, give back, reroute, withdraw, and what there is to read of it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from attrs import evolve, frozen

from flowpilot_core.domain.actor import Actor, Permission, require_role
from flowpilot_core.domain.assessment import Assessment
from flowpilot_core.domain.delivery import TOLD_ROLES, Delivery, DeliveryKind, DeliveryState, Told, channels, recipients
from flowpilot_core.domain.errors import SnapshotDamaged
from flowpilot_core.domain.events import EventKind
from flowpilot_core.domain.handing_off import hand_off
from flowpilot_core.domain.handoff import Handoff, Intent
from flowpilot_core.domain.identifiers import AssessmentId, DeliveryId, HandoffId, SessionId, TeamId, UserId
from flowpilot_core.domain.opinion import Seen, Verdict
from flowpilot_core.domain.session import Priority
from flowpilot_core.domain.snapshot import digest
from flowpilot_core.ports.clock import Clock, NewId
from flowpilot_core.ports.outbox import RESENDING, Work
from flowpilot_core.ports.persistence import (
    Entry,
    HandoffDetail,
    QueueFilter,
    QueueItem,
    QueuePosition,
    StoredSnapshot,
    UnitOfWork,
    ViewOf,
)

from .policy_steps import begin_policy, restart_policy, resume_policy
from .sessions import person, require_named
from .units import PLAIN, Joined, Request, Units


@frozen(kw_only=True)
class Waiting:
    """An item of the queue, and for how many seconds it has waited."""

    item: QueueItem
    seconds: int


def readable(detail: HandoffDetail, reader: Actor) -> HandoffDetail:
    """A handoff as `reader` may know it: without others' parks in its chain. Raises `NotFound` for somebody else's park."""
    detail.handoff.require_readable(reader)
    return evolve(detail, chain=tuple(handoff for handoff in detail.chain if handoff.readable_by(reader)))


@frozen(kw_only=True)
class Handoffs:
    """Handoffs of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units | Joined
    view: ViewOf
    clock: Clock
    new_id: NewId
    tell: bool = True
    """Whether anybody is told; an import of the past tells nobody."""
    assess: bool = True
    """Whether an escalation is assessed."""

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

        async def unit(work: UnitOfWork) -> HandoffDetail:
            detail, colleagues, policy = await work.handoffs.basis(session_id, TOLD_ROLES if self.tell else frozenset())
            detail.session.require_readable(actor)
            await require_named(work, team_id, user_id)
            done = hand_off(
                detail.session,
                handoff_id=HandoffId(self.new_id()),
                intent=intent,
                reason=reason,
                note=note,
                priority=priority,
                team_id=team_id,
                user_id=user_id,
                wake_at=wake_at,
                due=policy.due_at,
                steps=detail.steps,
                earlier=detail.handoffs,
                names=detail.names,
                by=by,
                at=self.clock.now(),
            )
            detail.session.require_version(request.if_match)
            handoff = done.handoff
            told: tuple[UserId, ...] = ()
            if intent is Intent.ESCALATE:
                told = recipients(colleagues, escalated_by=by.user_id, team_id=team_id, user_id=user_id)
            await work.sessions.save(done.session)
            await work.handoffs.add(handoff, done.snapshot)
            if told:
                online = {colleague.user_id for colleague in colleagues if colleague.online}
                await work.deliveries.add(self._messages(handoff, told, online, at=handoff.escalated_at))
            if intent is Intent.ESCALATE and self.tell:
                await begin_policy(work, policy, handoff, new_id=self.new_id)
            assessment = Assessment.of(AssessmentId(self.new_id()), handoff) if self.assess and intent is Intent.ESCALATE else None
            if assessment:
                await work.assessments.add(assessment)
            if wake_at is not None and self.tell:
                wake_up = Delivery.of(handoff, DeliveryId(self.new_id()), by.user_id, kind=DeliveryKind.WAKE_UP, at=handoff.escalated_at)
                await work.deliveries.add([wake_up], not_before=wake_at)
            await self.units.record(work, done.event, request)
            return HandoffDetail(
                handoff=handoff,
                chain=tuple(earlier for earlier in detail.handoffs if earlier.readable_by(actor)),
                told=Told(people=len(told)),
                names={**detail.names, by.user_id: by.name},
                assessment=assessment,
            )

        return await self.units.run(actor, unit, request)

    async def get(self, actor: Actor, handoff_id: HandoffId) -> HandoffDetail:
        """One handoff with the earlier ones of its session and how far telling has got."""
        return readable(await self.view(actor.account_id).handoff(handoff_id), actor)

    async def queue(self, actor: Actor, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[Waiting]:
        """The open escalations of the account: priority, then the longest waiting, then id."""
        items = await self.view(actor.account_id).queue(where, after=after, limit=limit)
        now = self.clock.now()
        return [Waiting(item=item, seconds=max(0, int((now - item.escalated_at).total_seconds()))) for item in items]

    async def snapshot(self, actor: Actor, handoff_id: HandoffId, *, verify: bool = False) -> StoredSnapshot:
        """The frozen snapshot. With `verify` its digest is computed anew: raises `SnapshotDamaged` where the bytes have changed."""
        stored = await self.view(actor.account_id).snapshot(handoff_id)
        stored.handoff.require_readable(actor)
        if verify and digest(stored.body) != stored.handoff.snapshot_digest:
            raise SnapshotDamaged(handoff_id)
        return stored

    async def changes(self, actor: Actor, handoff_id: HandoffId, *, after: int, limit: int) -> Sequence[Entry]:
        """What has happened in the session since the snapshot was frozen, in order."""
        view = self.view(actor.account_id)
        handoff = (await self.get(actor, handoff_id)).handoff
        return await view.timeline(handoff.session_id, actor, since=handoff_id, after=after, limit=limit)

    async def deliveries(self, actor: Actor, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """Who was told, how, and how far that is."""
        await self.get(actor, handoff_id)
        return await self.view(actor.account_id).deliveries(handoff_id, after=after, limit=limit)

    async def ledger(self, actor: Actor, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """The deliveries of all handoffs of the account in one of these states, the newest first: for whoever may retry them."""
        require_role(actor, Permission.RETRY_DELIVERY)
        return await self.view(actor.account_id).ledger(states, before=before, limit=limit)

    async def claim(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """Take an escalation; its session is active again and the actor's. Of any number at once, one succeeds."""
        by = person(actor, Permission.CLAIM)

        async def unit(work: UnitOfWork) -> HandoffDetail:
            at = self.clock.now()
            cause = await self.units.caused(work, EventKind.HANDOFF_CLAIMED, at=at)
            taken = await work.handoffs.claim(
                handoff_id,
                by=by,
                at=at,
                event_id=cause.id,
                request_id=request.id,
                expected=request.if_match,
                commit=self.units.commits(request),
            )
            return readable(taken, actor)

        return await self.units.run(actor, unit, request)

    async def unclaim(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """Give a claim back, where nothing was added since; the escalation waits as if it had never been claimed."""
        by = person(actor, Permission.UNCLAIM)

        async def unit(work: UnitOfWork) -> HandoffDetail:
            before = await work.handoffs.get(handoff_id)
            before.require_readable(actor)
            session = await work.sessions.get(before.session_id)
            handoff, session, event = before.unclaimed(session, by=by, at=self.clock.now())
            before.require_version(request.if_match)
            await resume_policy(work, handoff, at=self.clock.now(), new_id=self.new_id)
            await work.handoffs.save(handoff)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def withdraw(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """Take an escalation out of the queue; its session is active again with the assignee it had."""

        async def unit(work: UnitOfWork) -> HandoffDetail:
            before = await work.handoffs.get(handoff_id)
            before.require_readable(actor)
            session = await work.sessions.get(before.session_id)
            handoff, session, event = before.withdrawn(session, by=actor, at=self.clock.now())
            before.require_version(request.if_match)
            await work.handoffs.save(handoff)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

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

        async def unit(work: UnitOfWork) -> HandoffDetail:
            before = await work.handoffs.get(handoff_id)
            before.require_readable(actor)
            await require_named(work, team_id, user_id)
            by = person(actor, Permission.REROUTE)
            policy = await work.escalation.policy()
            handoff, event = before.rerouted(
                team_id=team_id, user_id=user_id, priority=priority, due=policy.due_at, by=by, at=self.clock.now()
            )
            before.require_version(request.if_match)
            if self.tell and (handoff.team_id, handoff.user_id) != (before.team_id, before.user_id):
                await restart_policy(work, policy, handoff, since=event.at, new_id=self.new_id)
                await self._tell_target(work, handoff, at=event.at)
            await work.handoffs.save(handoff)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def _tell_target(self, work: UnitOfWork, handoff: Handoff, *, at: datetime) -> None:
        """Whom a rerouted escalation is meant for now is told of it, but for those who were told before."""
        colleagues = [member.colleague for member in await work.escalation.members() if member.role in TOLD_ROLES]
        told = recipients(colleagues, escalated_by=handoff.escalated_by, team_id=handoff.team_id, user_id=handoff.user_id)
        await work.deliveries.add(self._messages(handoff, told, await work.presence.online(), at=at))

    def _messages(self, handoff: Handoff, told: Sequence[UserId], online: Collection[UserId], *, at: datetime) -> list[Delivery]:
        """One to each of them over each of their channels."""
        return [
            Delivery.of(handoff, DeliveryId(self.new_id()), recipient, channel=channel, at=at)
            for recipient in told
            for channel in channels(recipient, online)
        ]

    async def see(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> HandoffDetail:
        """The actor has looked at it, as its escalator can see; a second look changes nothing."""
        by = person(actor, Permission.SEE)

        async def unit(work: UnitOfWork) -> HandoffDetail:
            handoff = await work.handoffs.get(handoff_id)
            handoff.require_readable(actor)
            handoff.require_version(request.if_match)
            await work.opinions.see(Seen(handoff_id=handoff_id, user_id=by.user_id, seen_at=self.clock.now()))
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def judge(
        self, actor: Actor, handoff_id: HandoffId, *, verdict: Verdict, comment: str | None = None, request: Request = PLAIN
    ) -> HandoffDetail:
        """Its claimer's verdict on an escalation; a later one replaces it."""
        by = person(actor, Permission.JUDGE)

        async def unit(work: UnitOfWork) -> HandoffDetail:
            handoff = await work.handoffs.get(handoff_id)
            handoff.require_readable(actor)
            judgement, event = handoff.judged(verdict, comment, by=by, at=self.clock.now())
            handoff.require_version(request.if_match)
            await work.opinions.judge(judgement)
            await self.units.record(work, event, request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)

    async def retry_delivery(
        self, actor: Actor, handoff_id: HandoffId, delivery_id: DeliveryId, *, request: Request = PLAIN
    ) -> HandoffDetail:
        """Have a dead delivery tried again. Raises `NotFound` for one of another handoff, `InvalidTransition` unless it is dead."""

        async def unit(work: UnitOfWork) -> HandoffDetail:
            handoff = await work.handoffs.get(handoff_id)
            handoff.require_readable(actor)
            delivery = await work.deliveries.get(delivery_id)
            retried = delivery.retried(handoff, by=actor, at=self.clock.now())
            handoff.require_version(request.if_match)
            await work.deliveries.save(retried)
            await work.due.add(Work(id=delivery_id, kind=RESENDING[delivery.channel], due_at=self.clock.now()))
            await self.units.record(work, retried.changed(handoff, by=actor), request)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)
