"""Who is told of a handoff and of what became of it: the messages, and the escalation policy, begun and stopped with it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.handoffs.following import HandoffFollower
from flowpilot_core.application.sessions.following import SessionFollower
from flowpilot_core.domain.handoffs.debrief import debrief
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import DeliveryId, UserId
from flowpilot_core.domain.notifications.delivery import TOLD_ROLES, Delivery, DeliveryKind, Reach, channels, recipients
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.ports.handoffs import Basis, HandoffDetail, HandoffWork
from flowpilot_core.ports.kernel import NewId
from flowpilot_core.ports.notifications import NotificationWork
from flowpilot_core.ports.relay import RelayWork
from flowpilot_core.ports.sessions import SessionWork

from .policy_steps import begin_policy, restart_policy, resume_policy


class TellingNeeds(NotificationWork, HandoffWork, SessionWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Telling(HandoffFollower[TellingNeeds], SessionFollower[TellingNeeds]):
    """Writes down who is told, with what they are told of; telling them comes after the commit."""

    new_id: NewId
    roles = TOLD_ROLES

    async def made(self, work: TellingNeeds, basis: Basis, detail: HandoffDetail) -> HandoffDetail:
        """Teammates are told of an escalation and its policy begins; who parked with a date is reminded then."""
        handoff = detail.handoff
        if handoff.intent is Intent.ESCALATE:
            told = recipients(basis.colleagues, escalated_by=handoff.escalated_by, team_id=handoff.team_id, user_id=handoff.user_id)
            online = {colleague.user_id for colleague in basis.colleagues if colleague.online}
            if told:
                await work.deliveries.add(self._messages(handoff, told, online, at=handoff.escalated_at))
            await begin_policy(work, basis.policy, handoff, new_id=self.new_id)
            return evolve(detail, told=Reach(people=len(told)))
        if handoff.wake_at is not None:
            wake_up = self._message(handoff, handoff.escalated_by, DeliveryKind.WAKE_UP, at=handoff.escalated_at)
            await work.deliveries.add([wake_up], not_before=handoff.wake_at)
        return detail

    async def moved(self, work: TellingNeeds, before: Handoff, after: Handoff, event: Event) -> None:
        """The policy goes on where the escalation waits again; whoever it is meant for now is told."""
        if event.kind is EventKind.HANDOFF_UNCLAIMED:
            await resume_policy(work, after, at=event.at, new_id=self.new_id)
        elif event.kind is EventKind.HANDOFF_LAPSED:
            await restart_policy(work, await work.escalation.policy(), after, since=event.at, new_id=self.new_id)
        elif event.kind is EventKind.HANDOFF_REROUTED and (after.team_id, after.user_id) != (before.team_id, before.user_id):
            await restart_policy(work, await work.escalation.policy(), after, since=event.at, new_id=self.new_id)
            await self._tell_target(work, after, at=event.at)

    async def may_lapse(self, work: TellingNeeds, handoff: Handoff, *, warned_of: datetime, at: datetime) -> None:
        """Its claimer is warned."""
        if handoff.claim is not None:
            number = (warned_of - handoff.escalated_at) // timedelta(seconds=1)
            await work.deliveries.add([self._message(handoff, handoff.claim.by, DeliveryKind.LAPSE_WARNING, number=number, at=at)])

    async def resolved(self, work: TellingNeeds, session: Session) -> None:
        """Whoever had escalated it is told what solved it."""
        detail = await work.sessions.detail(session.id)
        found = debrief(session, detail.steps, detail.handoffs)
        if found is not None:
            handoff = next(one for one in detail.handoffs if one.id == found.handoff_id)
            told = self._message(handoff, found.escalated_by, DeliveryKind.DEBRIEF, number=session.version, at=session.updated_at)
            await work.deliveries.add([told])

    async def _tell_target(self, work: TellingNeeds, handoff: Handoff, *, at: datetime) -> None:
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

    def _message(self, handoff: Handoff, to: UserId, kind: DeliveryKind, *, number: int = 0, at: datetime) -> Delivery:
        return Delivery.of(handoff, DeliveryId(self.new_id()), to, kind=kind, number=number, at=at)
