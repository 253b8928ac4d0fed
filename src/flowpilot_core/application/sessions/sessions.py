"""Use cases of a session: start it, work on it, resume, reassign, resolve, abandon and reopen it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Joined, Request, Units
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import InvalidValue, RoleForbidden, Unauthenticated
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds
from flowpilot_core.domain.sessions.branch import Branch, ForkPoint, Option, Outcome
from flowpilot_core.domain.sessions.feedback import Thumb, rated
from flowpilot_core.domain.sessions.fitting import other_branch
from flowpilot_core.domain.sessions.session import Priority, Session, Ticket
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult, StepScript
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, Entry, NewId, ViewOf
from flowpilot_core.ports.sessions import SessionDetail, SessionFilter, SessionView, SessionWork

from .following import SessionFollower


class SessionsNeeds(SessionWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


W = TypeVar("W", bound=SessionsNeeds)


Move = Callable[[Session, W], Awaitable[tuple[Session, Event]]]
Follow = Callable[[W, Session], Awaitable[tuple[Session, Event]]]


@frozen(kw_only=True)
class Forked:
    """A fork point with the branches it made."""

    fork_point: ForkPoint
    branches: tuple[Branch, ...]


@frozen(kw_only=True)
class Added:
    """A step that was added."""

    step: Step
    other_branch: Branch | None
    """Where it seems to belong, if nobody said where and it does not fit the hypothesis of the branch that it went to."""


def readable(detail: SessionDetail, reader: Actor) -> SessionDetail:
    """A session as `reader` may know it: without others' parks. Raises `NotFound` where it is parked and private to others."""
    detail.session.require_readable(reader)
    handoffs = tuple(handoff for handoff in detail.handoffs if handoff.readable_by(reader))
    return detail if len(handoffs) == len(detail.handoffs) else evolve(detail, handoffs=handoffs)


@frozen(kw_only=True)
class Sessions(Generic[W]):
    """Sessions of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units[W] | Joined[W]
    view: ViewOf[SessionView]
    clock: Clock
    new_id: NewId
    followers: tuple[SessionFollower[W], ...] = ()
    """Whoever else has something to do when one moves."""
    bounds: Bounds = BOUNDS
    """How much one may hold."""

    async def start(
        self,
        actor: Actor,
        *,
        title: str,
        problem: str,
        client_name: str | None = None,
        ticket: Ticket | None = None,
        priority: Priority = Priority.NORMAL,
        team_id: TeamId | None = None,
        follow: Follow[W] | None = None,
        request: Request = PLAIN,
    ) -> SessionDetail:
        """A new session with its root branch, assigned to the actor; `follow` says what it follows from its first moment on."""
        by = person(actor, Permission.START)

        async def unit(work: W) -> SessionDetail:
            if team_id is not None:
                await work.people.require_team(team_id)
            session, event = Session.started(
                SessionId(self.new_id()),
                root_branch_id=BranchId(self.new_id()),
                title=title,
                problem=problem,
                client_name=client_name,
                ticket=ticket,
                priority=priority,
                team_id=team_id,
                by=by,
                at=self.clock.now(),
            )
            events = [event]
            if follow is not None:
                session, event = await follow(work, session)
                events.append(event)
            await work.sessions.add(session)
            for event in events:
                await self.units.record(work, event, request)
            return SessionDetail(session=session, steps=(), handoffs=(), names={by.user_id: by.name})

        return await self.units.run(actor, unit, request)

    async def get(self, actor: Actor, session_id: SessionId) -> SessionDetail:
        """One session with its branches, steps and handoffs."""
        detail = readable(await self.view(actor.account_id).session(session_id), actor)
        return detail if detail.session.window is None else evolve(detail, session=detail.session.as_of(self.clock.now()))

    async def list(
        self, actor: Actor, where: SessionFilter, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """Sessions that the actor may read, newest first, with what their people are called."""
        found, names = await self.view(actor.account_id).sessions(where, actor, after=after, limit=limit)
        return [one.as_of(self.clock.now()) for one in found], names

    async def timeline(self, actor: Actor, session_id: SessionId, *, after: int, limit: int) -> Sequence[Entry]:
        """What happened in a session after event number `after`, in order, without others' parks."""
        return await self.view(actor.account_id).timeline(session_id, actor, after=after, limit=limit)

    async def add_step(
        self,
        actor: Actor,
        session_id: SessionId,
        *,
        kind: StepKind,
        content: str,
        branch_id: BranchId | None = None,
        result: StepResult | None = None,
        evidence: str | None = None,
        script: StepScript | None = None,
        beside: Callable[[W], Awaitable[None]] | None = None,
        request: Request = PLAIN,
    ) -> Added:
        """A new step, in the branch named or else the active one; loads no other step. `beside` is done in the same unit of work."""
        by = person(actor, Permission.ADD_STEP)

        async def unit(work: W) -> Added:
            before = await _load(work, session_id, actor)
            session, step, event = before.with_step(
                StepId(self.new_id()),
                kind=kind,
                content=content,
                branch_id=branch_id,
                result=result,
                evidence=evidence,
                script=script,
                by=by,
                at=self.clock.now(),
                bounds=self.bounds,
            )
            before.require_version(request.if_match)
            await work.sessions.save(session)
            await work.sessions.add_step(step)
            if beside is not None:
                await beside(work)
            await self.units.record(work, event, request)
            return Added(step=step, other_branch=other_branch(session, step) if branch_id is None else None)

        return await self.units.run(actor, unit, request)

    async def set_result(
        self,
        actor: Actor,
        session_id: SessionId,
        step_id: StepId,
        *,
        result: StepResult | None,
        evidence: str | None = None,
        branch_id: BranchId | None = None,
        request: Request = PLAIN,
    ) -> tuple[Step, Mapping[UserId, str]]:
        """The step with another result, and what its author is called; evidence and branch stay where they are left out."""
        by = person(actor, Permission.SET_RESULT)

        async def unit(work: W) -> tuple[Step, Mapping[UserId, str]]:
            before = await _load(work, session_id, actor)
            step = await work.sessions.step(session_id, step_id)
            session, step, event = before.with_result(
                step, result, evidence, branch_id=branch_id, by=by, at=self.clock.now(), bounds=self.bounds
            )
            before.require_version(request.if_match)
            author = await work.people.user(step.created_by)
            await work.sessions.save(session)
            await work.sessions.save_step(step)
            await self.units.record(work, event, request)
            return step, {author.id: author.name}

        return await self.units.run(actor, unit, request)

    async def fork(
        self,
        actor: Actor,
        session_id: SessionId,
        *,
        at_step_id: StepId,
        reason: str,
        options: Sequence[Option],
        request: Request = PLAIN,
    ) -> Forked:
        """A fork point at a step, with one new branch per option (2 to 8); the first becomes the active one."""
        by = person(actor, Permission.WORK)

        async def unit(work: W) -> Forked:
            before = await _load(work, session_id, actor)
            session, fork_point, event = before.forked(
                ForkPointId(self.new_id()),
                at_step=await work.sessions.step(session_id, at_step_id),
                reason=reason,
                options=[(BranchId(self.new_id()), option) for option in options],
                by=by,
                at=self.clock.now(),
                bounds=self.bounds,
            )
            before.require_version(request.if_match)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            return Forked(fork_point=fork_point, branches=session.branches.all[-len(options) :])

        return await self.units.run(actor, unit, request)

    async def activate_branch(self, actor: Actor, session_id: SessionId, branch_id: BranchId, *, request: Request = PLAIN) -> SessionDetail:
        """Continue in another branch."""
        by = person(actor, Permission.WORK)

        async def move(session: Session, _: W) -> tuple[Session, Event]:
            return session.activated(branch_id, by=by, at=self.clock.now())

        return await self._move(actor, session_id, move, request)

    async def close_branch(
        self, actor: Actor, session_id: SessionId, branch_id: BranchId, *, outcome: Outcome, reason: str, request: Request = PLAIN
    ) -> SessionDetail:
        """Close a branch as solved, dead end or abandoned."""
        by = person(actor, Permission.WORK)

        async def move(session: Session, _: W) -> tuple[Session, Event]:
            return session.branch_closed(branch_id, outcome, reason, by=by, at=self.clock.now())

        return await self._move(actor, session_id, move, request)

    async def resume(self, actor: Actor, session_id: SessionId, *, request: Request = PLAIN) -> SessionDetail:
        """Go on with a parked session; its park ends."""

        async def move(session: Session, work: W) -> tuple[Session, Event]:
            resumed, event = session.resumed(by=actor, at=self.clock.now())
            for follower in self.followers:
                await follower.resumed(work, session)
            return resumed, event

        return await self._move(actor, session_id, move, request)

    async def reassign(self, actor: Actor, session_id: SessionId, *, user_id: UserId, request: Request = PLAIN) -> SessionDetail:
        """Give an active or parked session to somebody else who may work on it."""

        async def move(session: Session, work: W) -> tuple[Session, Event]:
            assignee = await work.people.user(user_id)
            _require_able(assignee.acting, actor)
            reassigned, event = session.reassigned(user_id, by=actor, at=self.clock.now())
            for follower in self.followers:
                await follower.reassigned(work, session, user_id)
            return reassigned, event

        return await self._move(actor, session_id, move, request)

    async def join(self, actor: Actor, session_id: SessionId, *, request: Request = PLAIN) -> SessionDetail:
        """Help with an active session without taking it: add steps, and set the results of those."""
        by = person(actor, Permission.JOIN)

        async def move(session: Session, _: W) -> tuple[Session, Event]:
            return session.joined(by=by, at=self.clock.now())

        return await self._move(actor, session_id, move, request)

    async def leave(self, actor: Actor, session_id: SessionId, *, request: Request = PLAIN) -> SessionDetail:
        """Help no longer; the steps that were added stay."""
        by = person(actor, Permission.LEAVE)

        async def move(session: Session, _: W) -> tuple[Session, Event]:
            return session.left(by=by, at=self.clock.now())

        return await self._move(actor, session_id, move, request)

    async def rate_step(
        self, actor: Actor, session_id: SessionId, step_id: StepId, *, thumb: Thumb, comment: str | None = None, request: Request = PLAIN
    ) -> SessionDetail:
        """Say whether a step is any good; once for each person and step, the last time counts."""
        by = person(actor, Permission.RATE_STEP)

        async def unit(work: W) -> SessionDetail:
            session = await _load(work, session_id, actor)
            rating, event = rated(await work.sessions.step(session_id, step_id), thumb, comment, by=by, at=self.clock.now())
            session.require_version(request.if_match)
            await work.feedback.rate(rating)
            await self.units.record(work, event, request)
            return readable(await work.sessions.detail(session_id), actor)

        return await self.units.run(actor, unit, request)

    async def resolve(
        self, actor: Actor, session_id: SessionId, *, summary: str, root_cause: str | None = None, request: Request = PLAIN
    ) -> SessionDetail:
        """Done, with what solved it, which whoever had escalated it is told."""

        async def move(session: Session, work: W) -> tuple[Session, Event]:
            resolved, event = session.resolved(summary, root_cause, by=actor, at=self.clock.now())
            for follower in self.followers:
                await follower.resolved(work, resolved)
            return resolved, event

        return await self._move(actor, session_id, move, request)

    async def abandon(self, actor: Actor, session_id: SessionId, *, reason: str, request: Request = PLAIN) -> SessionDetail:
        """Abandon a session."""

        async def move(session: Session, _: W) -> tuple[Session, Event]:
            return session.abandoned(reason, by=actor, at=self.clock.now())

        return await self._move(actor, session_id, move, request)

    async def reopen(self, actor: Actor, session_id: SessionId, *, reason: str, request: Request = PLAIN) -> SessionDetail:
        """Active again, with who reopens it."""
        by = person(actor, Permission.REOPEN)

        async def move(session: Session, _: W) -> tuple[Session, Event]:
            return session.reopened(reason, by=by, at=self.clock.now())

        return await self._move(actor, session_id, move, request)

    async def _move(self, actor: Actor, session_id: SessionId, move: Move[W], request: Request) -> SessionDetail:
        async def unit(work: W) -> SessionDetail:
            before = await _load(work, session_id, actor)
            session, event = await move(before, work)
            before.require_version(request.if_match)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            detail = await work.sessions.detail(session_id)
            return evolve(detail, handoffs=tuple(handoff for handoff in detail.handoffs if handoff.readable_by(actor)))

        return await self.units.run(actor, unit, request)


async def _load(work: SessionWork, session_id: SessionId, actor: Actor) -> Session:
    session = await work.sessions.get(session_id)
    session.require_readable(actor)
    return session


def _require_able(acting: Callable[..., Person], actor: Actor) -> None:
    try:
        require_role(acting(actor.account_id), Permission.WORK)
    except (Unauthenticated, RoleForbidden) as exc:
        raise InvalidValue("user_id", "must be somebody who may work on a session") from exc
