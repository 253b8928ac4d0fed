"""The repositories of one unit of work."""

import asyncio
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.domain.account import Account, Team, User
from flowpilot_core.domain.actor import Person, Role
from flowpilot_core.domain.delivery import ON_ITS_WAY, Channel, Colleague, Delivery
from flowpilot_core.domain.errors import AlreadyClaimed, NotFound
from flowpilot_core.domain.escalation_policy import EscalationPolicy
from flowpilot_core.domain.events import Plain
from flowpilot_core.domain.handoff import Handoff
from flowpilot_core.domain.identifiers import DeliveryId, EventId, HandoffId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.session import Session
from flowpilot_core.domain.snapshot import Snapshot
from flowpilot_core.domain.step import Step
from flowpilot_core.ports.invitations import Member, TeamDetail
from flowpilot_core.ports.outbox import SENDING, Lease, Work
from flowpilot_core.ports.persistence import HandoffDetail, Mails, SessionDetail

from . import reading
from .presence import MemoryPresence
from .tables import DueWork, KnownTicket
from .transaction import Transaction, due_key


async def _others() -> None:
    """Whoever else is ready to run has a turn, as at every call of a store that is somewhere else."""
    await asyncio.sleep(0)


@frozen
class MemorySessions:
    """The sessions of one account and their steps."""

    _work: Transaction

    async def get(self, session_id: SessionId) -> Session:
        """As `Sessions.get` says."""
        await _others()
        return reading.session(self._work.rows, session_id)

    async def detail(self, session_id: SessionId) -> SessionDetail:
        """As `Sessions.detail` says."""
        await _others()
        return reading.session_detail(self._work.rows, session_id)

    async def step(self, session_id: SessionId, step_id: StepId) -> Step:
        """As `Sessions.step` says."""
        await _others()
        step = self._work.rows.steps.get(step_id)
        if step is None or step.session_id != session_id:
            raise NotFound("step")
        return step

    async def add(self, session: Session) -> None:
        """As `Sessions.add` says."""
        self._work.sessions.added(session.id)
        self._work.rows.sessions.put(session.id, session)

    async def save(self, session: Session) -> Session:
        """As `Sessions.save` says."""
        saved = evolve(session, version=self._work.sessions.next(session.id, session.version))
        self._work.rows.sessions.put(session.id, saved)
        return saved

    async def know_ticket(self, session_id: SessionId, facts: Mapping[str, Plain], *, client_name: str | None) -> None:
        """As `Sessions.know_ticket` says."""
        if self._work.rows.sessions.get(session_id) is not None:
            self._work.rows.known_tickets.put(session_id, KnownTicket(facts=facts, client_name=client_name))

    async def add_step(self, step: Step) -> None:
        """As `Sessions.add_step` says."""
        self._work.rows.steps.put(step.id, step)

    async def save_step(self, step: Step) -> None:
        """As `Sessions.save_step` says."""
        self._work.rows.steps.put(step.id, step)


@frozen
class MemoryHandoffs:
    """The handoffs of one account."""

    _work: Transaction

    async def get(self, handoff_id: HandoffId) -> Handoff:
        """As `Handoffs.get` says."""
        await _others()
        return reading.handoff(self._work.rows, handoff_id)

    async def detail(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `Handoffs.detail` says."""
        await _others()
        return reading.handoff_detail(self._work.rows, handoff_id)

    async def basis(self, session_id: SessionId, roles: frozenset[Role]) -> tuple[SessionDetail, tuple[Colleague, ...], EscalationPolicy]:
        """As `Handoffs.basis` says."""
        await _others()
        detail = reading.session_detail(self._work.rows, session_id)
        online = await MemoryPresence(self._work).online()
        colleagues = (
            Colleague(user_id=user.id, team_ids=user.team_ids, online=user.id in online)
            for user in self._work.rows.users.values()
            if user.role in roles and user.deactivated_at is None
        )
        policy = self._work.rows.policies.get(self._work.account_id) or EscalationPolicy()
        return detail, tuple(colleagues), policy

    async def add(self, handoff: Handoff, snapshot: Snapshot) -> None:
        """As `Handoffs.add` says."""
        self._work.handoffs.added(handoff.id)
        self._work.rows.handoffs.put(handoff.id, handoff)
        self._work.rows.snapshots.put(handoff.id, snapshot.body)

    async def save(self, handoff: Handoff) -> Handoff:
        """As `Handoffs.save` says."""
        saved = evolve(handoff, version=self._work.handoffs.next(handoff.id, handoff.version))
        self._work.rows.handoffs.put(handoff.id, saved)
        return saved

    async def claim(
        self,
        handoff_id: HandoffId,
        *,
        by: Person,
        at: datetime,
        event_id: EventId,
        request_id: str | None,
        expected: int | None,
        commit: bool,
    ) -> HandoffDetail:
        """As `Handoffs.claim` says. Claims of one handoff wait for one another; nothing else runs between the look and the commit."""
        await _others()
        await self._work.lock("handoff", handoff_id)
        rows = self._work.rows
        handoff = reading.handoff(rows, handoff_id)
        handoff.require_readable(by)
        session = reading.session(rows, handoff.session_id)
        try:
            claimed, session, event = handoff.claimed(session, by=by, at=at)
        except AlreadyClaimed as lost:
            raise AlreadyClaimed(lost.handoff_id, lost.by, lost.at, reading.names(rows, (lost.by,)).get(lost.by)) from None
        handoff.require_version(expected)
        await self.save(claimed)
        saved = evolve(session, version=self._work.sessions.next(session.id, session.version))
        rows.sessions.put(saved.id, saved)
        rows.events.append(evolve(event, id=event_id, request_id=request_id))
        detail = reading.handoff_detail(rows, handoff_id)
        if commit:
            self._work.commit()
        return detail


@frozen
class MemoryPeople:
    """The account itself, its teams, people and tokens."""

    _work: Transaction

    async def add_account(self, account: Account) -> None:
        """As `People.add_account` says."""
        self._work.rows.accounts.put(account.id, account)

    async def add_user(self, user: User) -> None:
        """As `People.add_user` says; two at once are told apart at the commit."""
        self._work.rows.users.put(user.id, user)
        self._work.require_unique()

    async def save_user(self, user: User) -> None:
        """As `People.save_user` says."""
        self._work.rows.users.put(user.id, user)

    async def hold(self, *user_ids: UserId) -> Mapping[UserId, User]:
        """As `People.hold` says: all of the account's people at once."""
        await self._work.lock("people")
        held = {user.id: user for user in self._work.rows.users.values() if user.id in user_ids or _owns(user)}
        if not held.keys() >= set(user_ids):
            raise NotFound("user")
        return held

    async def member(self, user_id: UserId) -> Member:
        """As `People.member` says."""
        await _others()
        return reading.member(self._work.rows, user_id)

    async def add_team(self, team: Team) -> None:
        """As `People.add_team` says; two at once are told apart at the commit."""
        self._work.rows.teams.put(team.id, team)
        self._work.require_unique()

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `People.team` says."""
        await _others()
        return reading.team(self._work.rows, team_id)

    async def save_team(self, team: Team) -> None:
        """As `People.save_team` says; two at once are told apart at the commit."""
        self._work.rows.teams.put(team.id, team)
        self._work.require_unique()

    async def set_members(self, team_id: TeamId, user_ids: Collection[UserId]) -> None:
        """As `People.set_members` says."""
        await self.team(team_id)
        for user_id in user_ids:
            await self.user(user_id)
        for user in [*self._work.rows.users.values()]:
            teams = user.team_ids | {team_id} if user.id in user_ids else user.team_ids - {team_id}
            if teams != user.team_ids:
                self._work.rows.users.put(user.id, evolve(user, team_ids=teams))

    async def save_account(self, account: Account) -> None:
        """As `People.save_account` says."""
        kept = await self.account()
        self._work.rows.accounts.put(
            kept.id, kept.changed(redacts_personal=account.redacts_personal, mails_a_minute=account.mails_a_minute)
        )

    async def set_closed(self, closed_at: datetime | None) -> None:
        """As `People.set_closed` says."""
        kept = await self.account()
        self._work.rows.accounts.put(kept.id, evolve(kept, closed_at=closed_at))

    async def account(self) -> Account:
        """As `People.account` says."""
        await _others()
        account = self._work.rows.accounts.get(self._work.account_id)
        if account is None:
            raise NotFound("account")
        return account

    async def user(self, user_id: UserId) -> User:
        """As `People.user` says."""
        await _others()
        user = self._work.rows.users.get(user_id)
        if user is None:
            raise NotFound("user")
        return user

    async def users(self) -> tuple[User, ...]:
        """As `People.users` says."""
        await _others()
        return tuple(self._work.rows.users.values())

    async def teams(self) -> tuple[Team, ...]:
        """As `People.teams` says."""
        await _others()
        return tuple(self._work.rows.teams.values())

    async def require_team(self, team_id: TeamId) -> None:
        """As `People.require_team` says."""
        await _others()
        if reading.team(self._work.rows, team_id).team.archived_at is not None:
            raise NotFound("team")


def _owns(user: User) -> bool:
    return user.role is Role.OWNER and user.deactivated_at is None


@frozen
class MemoryDeliveries:
    """The delivery ledger of one account."""

    _work: Transaction

    async def add(self, deliveries: Sequence[Delivery], *, not_before: datetime | None = None) -> None:
        """As `Deliveries.add` says."""
        now = self._work.clock.now()
        said = {_about(one) for one in self._work.rows.deliveries.values()}
        for delivery in deliveries:
            if _about(delivery) in said or not (delivery.user_id is None or self._work.active(delivery.user_id)):
                continue
            self._work.rows.deliveries.put(delivery.id, delivery)
            if kind := SENDING.get(delivery.channel):
                self._work.rows.due.put(delivery.id, DueWork(id=delivery.id, kind=kind, due_at=max(not_before or now, now)))

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """As `Deliveries.get` says."""
        await _others()
        delivery = self._work.rows.deliveries.get(delivery_id)
        if delivery is None:
            raise NotFound("delivery")
        return delivery

    async def save(self, delivery: Delivery) -> None:
        """As `Deliveries.save` says."""
        self._work.rows.deliveries.put(delivery.id, delivery)

    async def mails_of(self, user_id: UserId, *, since: datetime) -> Mails:
        """As `Deliveries.mails_of` says."""
        await _others()
        await self._work.lock("mails", user_id)
        theirs = sorted(
            (one for one in self._work.rows.deliveries.values() if one.user_id == user_id and one.channel is Channel.EMAIL),
            key=lambda one: one.id,
        )
        return Mails(
            sent=tuple(one for one in theirs if one.state in ON_ITS_WAY and one.carried_by is None and one.updated_at > since),
            waiting=tuple(one for one in theirs if one.waits_until is not None),
        )

    async def carried(self, delivery_id: DeliveryId) -> Sequence[Delivery]:
        """As `Deliveries.carried` says."""
        await _others()
        return sorted((one for one in self._work.rows.deliveries.values() if one.carried_by == delivery_id), key=lambda one: one.id)


def _about(one: Delivery) -> Hashable:
    """Of what there is one; what is for all of the account is told apart by its id."""
    return one.handoff_id, one.user_id or one.id, one.channel, one.kind, one.number


@frozen
class MemoryWorkLedger:
    """The due work of one account."""

    _work: Transaction

    async def add(self, work: Work, *, caused_by: EventId | None = None) -> None:
        """As `WorkLedger.add` says."""
        self._work.react(caused_by, lambda: self._work.rows.due.put(work.id, DueWork(id=work.id, kind=work.kind, due_at=work.due_at)))

    async def finish(self, lease: Lease) -> bool:
        """As `WorkLedger.finish` says."""
        held = await self._held(lease)
        if held:
            self._work.rows.due.drop(lease.work_id)
        return held is not None

    async def postpone(self, lease: Lease, *, seconds: float) -> bool:
        """As `WorkLedger.postpone` says."""
        held = await self._held(lease)
        if held:
            due_at = self._work.clock.now() + timedelta(seconds=seconds)
            self._work.rows.due.put(held.id, evolve(held, due_at=due_at, lease_token=None, lease_until=None))
        return held is not None

    async def withdraw(self, work_ids: Sequence[UUID]) -> None:
        """As `WorkLedger.withdraw` says."""
        for work_id in work_ids:
            await self._work.lock(*due_key(work_id))
            self._work.rows.due.drop(work_id)

    async def holds(self, lease: Lease) -> bool:
        """As `WorkLedger.holds` says."""
        return await self._held(lease) is not None

    async def _held(self, lease: Lease) -> DueWork | None:
        """The work, which nobody can take from now on, unless somebody has already. Its token tells, not the time."""
        await self._work.lock(*due_key(lease.work_id))
        row = self._work.rows.due.get(lease.work_id)
        return row if row and row.lease_token == lease.token else None
