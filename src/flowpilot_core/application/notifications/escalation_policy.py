"""Use cases of who is told when: the escalation policy, how people want to be told, and what would happen if."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.access.require_named import require_named
from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.handoffs.preflight import Question, questions
from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId, TeamId, UserId
from flowpilot_core.domain.kernel.moment import checked_moment
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.notifications.delivery import DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.preview import Outlook, foretell
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.notifications import NotificationWork
from flowpilot_core.ports.sessions import SessionWork

from .mail_text import ESSENTIAL


class EscalationPolicyNeeds(NotificationWork, SessionWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Foreseen:
    """What an escalation would lead to, what everybody in it is called, and what a senior would ask first."""

    outlook: Outlook
    names: Mapping[UserId, str]
    questions: tuple[Question, ...] = ()


@frozen(kw_only=True)
class Escalation:
    """Who is told when, in the actor's account."""

    units: Units[EscalationPolicyNeeds]
    clock: Clock

    async def policy(self, actor: Actor) -> EscalationPolicy:
        """The account's escalation policy. Raises `RoleForbidden`."""
        require_role(actor, Permission.SET_POLICY)
        async with self.units.begin(actor.account_id) as work:
            return await work.escalation.policy()

    async def set_policy(self, actor: Actor, policy: EscalationPolicy, *, request: Request = PLAIN) -> EscalationPolicy:
        """Another policy, for what is escalated from now on and for the steps still to come of what waits.

        Raises `NotFound` for a team or person it names who is not here, or `RoleForbidden`.
        """

        async def unit(work: EscalationPolicyNeeds) -> EscalationPolicy:
            await _require_targets(work, policy)
            require_role(actor, Permission.SET_POLICY)
            await work.escalation.set_policy(policy)
            await work.escalation.look_again(at=self.clock.now())
            deed = Deed.of(DeedKind.POLICY_SET, by=actor, at=self.clock.now(), changed=_told(policy), request_id=request.id)
            await work.audit.add(deed)
            return policy

        return await self.units.run(actor, unit, request)

    async def preferences(self, actor: Actor) -> Preferences:
        """How the actor wants to be told."""
        by = person(actor, Permission.PREFER)
        async with self.units.begin(actor.account_id) as work:
            return await work.escalation.preferences(by.user_id)

    async def prefer(self, actor: Actor, preferences: Preferences, *, request: Request = PLAIN) -> Preferences:
        """Be told in another way from now on; `preferences` are the actor's own."""
        person(actor, Permission.PREFER)

        async def unit(work: EscalationPolicyNeeds) -> Preferences:
            await work.escalation.prefer(preferences)
            return preferences

        return await self.units.run(actor, unit, request)

    async def no_more_mails(self, account_id: AccountId, user_id: UserId) -> None:
        """Send somebody no mails that they can do without, until they say otherwise: whoever holds the link out of one may ask for it."""

        async def unit(work: EscalationPolicyNeeds) -> None:
            said = await work.escalation.preferences(user_id)
            await work.escalation.prefer(said.without_mails(kind for kind in DeliveryKind if kind not in ESSENTIAL))

        await self.units.run(System(account_id=account_id, cause="the link out of a mail"), unit)

    async def preview(
        self,
        actor: Actor,
        session_id: SessionId,
        *,
        priority: Priority | None = None,
        team_id: TeamId | None = None,
        user_id: UserId | None = None,
    ) -> Foreseen:
        """Who would be told if the session were escalated now, who not and why, and what a senior would ask. Raises `NotFound`."""
        async with self.units.begin(actor.account_id) as work:
            detail = await work.sessions.detail(session_id)
            detail.session.require_readable(actor)
            await require_named(work, team_id, user_id)
            require_role(actor, Permission.PREVIEW)
            members = await work.escalation.members()
            policy = await work.escalation.policy()
            online = await work.presence.online()
        outlook = await asyncio.to_thread(
            foretell,
            policy,
            members,
            escalated_by=detail.session.assignee_id,
            priority=priority or detail.session.priority,
            team_id=team_id,
            user_id=user_id,
            online=online,
            window=detail.session.window,
            at=self.clock.now(),
        )
        names = {member.user_id: member.name for member in members}
        return Foreseen(outlook=outlook, names=names, questions=questions(detail.session, detail.steps))

    async def preview_policy(
        self,
        actor: Actor,
        policy: EscalationPolicy,
        *,
        priority: Priority = Priority.NORMAL,
        team_id: TeamId | None = None,
        at: datetime | None = None,
    ) -> Foreseen:
        """What a policy that is not kept yet would do with an escalation of the actor's, now or at another time."""
        by = person(actor, Permission.SET_POLICY)
        at = self.clock.now() if at is None else checked_moment("at", at)
        async with self.units.begin(actor.account_id) as work:
            await _require_targets(work, policy)
            await require_named(work, team_id, None)
            require_role(actor, Permission.SET_POLICY)
            members = await work.escalation.members()
        # Of thousands of firings each says when it would reach everybody: meanwhile others are served.
        outlook = await asyncio.to_thread(foretell, policy, members, escalated_by=by.user_id, priority=priority, team_id=team_id, at=at)
        return Foreseen(outlook=outlook, names={member.user_id: member.name for member in members})


def _told(policy: EscalationPolicy) -> dict[str, Plain]:
    """What a policy comes to, for the audit log."""
    return {
        "steps": len(policy.steps),
        "teams": [*sorted(str(team.team_id) for team in policy.teams)],
        "due_seconds": {priority.value: within // timedelta(seconds=1) for priority, within in policy.due.items()},
        "claim_quiet_minutes": policy.claim_quiet_minutes,
    }


async def _require_targets(work: EscalationPolicyNeeds, policy: EscalationPolicy) -> None:
    for team in policy.teams:
        await work.people.require_team(team.team_id)
    for target in policy.targets:
        await require_named(work, target.team_id, target.user_id)
