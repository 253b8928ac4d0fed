"""Use cases of walks: follow a tree in a session, leave it, and find trees that fit."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.assistant.suggestions import Doing
from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.application.sessions.sessions import Sessions, readable
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId, TeamId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, person
from flowpilot_core.domain.knowledge import walking
from flowpilot_core.domain.knowledge.fitting import Fitting, asked, fitting
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Matches, Value
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.session import Priority, Session, Ticket
from flowpilot_core.domain.sessions.step import Step, StepResult
from flowpilot_core.domain.sessions.walk import Walk
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId, ViewOf
from flowpilot_core.ports.knowledge import KnowledgeView, KnowledgeWork
from flowpilot_core.ports.relay import RelayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionView, SessionWork

from .uses import note_use

NONE_GIVEN: Mapping[str, Value] = MappingProxyType({})


class WalksNeeds(KnowledgeWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


class WalksSees(KnowledgeView, SessionView, Protocol):
    """What is done here asks this of a view."""


@frozen(kw_only=True)
class Walked:
    """A step that was taken at a node, and the session as it goes on."""

    step: Step
    detail: SessionDetail


@frozen(kw_only=True)
class Walks:
    """Walks in sessions of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units[WalksNeeds]
    view: ViewOf[WalksSees]
    sessions: Sessions[WalksNeeds]
    clock: Clock
    new_id: NewId
    matches: Matches

    async def start_session(
        self,
        actor: Actor,
        *,
        title: str,
        problem: str,
        tree_id: TreeId | None = None,
        parameters: Mapping[str, Value] = NONE_GIVEN,
        client_name: str | None = None,
        ticket: Ticket | None = None,
        priority: Priority = Priority.NORMAL,
        team_id: TeamId | None = None,
        request: Request = PLAIN,
    ) -> SessionDetail:
        """A new session, which follows the newest revision of a tree where one is named.

        Raises `InvalidValue`, and `InvalidTransition` for a tree that is not published.
        """
        by = person(actor, Permission.START)
        if tree_id is None and parameters:
            raise InvalidValue("parameters", "are a tree's: name one")

        async def follow(work: WalksNeeds, session: Session) -> tuple[Session, Event]:
            if tree_id is None:
                raise ValueError("there is nothing to follow")
            walk = await self._begun(work, actor, session, tree_id, parameters)
            return session.walking(walk, by=by, at=self.clock.now())

        return await self.sessions.start(
            actor,
            title=title,
            problem=problem,
            client_name=client_name,
            ticket=ticket,
            priority=priority,
            team_id=team_id,
            follow=None if tree_id is None else follow,
            request=request,
        )

    async def get(self, actor: Actor, session_id: SessionId) -> SessionDetail:
        """The session, which has a walk. Raises `NotFound` where it has none."""
        detail = readable(await self.view(actor.account_id).session(session_id), actor)
        if detail.session.walk is None:
            raise NotFound("walk")
        return detail

    async def begin(
        self, actor: Actor, session_id: SessionId, *, tree_id: TreeId, parameters: Mapping[str, Value], request: Request = PLAIN
    ) -> SessionDetail:
        """Follow the newest revision of a tree, from the active branch on."""
        by = person(actor, Permission.WORK)

        async def unit(work: WalksNeeds) -> SessionDetail:
            before = await _load(work, session_id, actor)
            walk = await self._begun(work, actor, before, tree_id, parameters)
            session, event = before.walking(walk, by=by, at=self.clock.now())
            before.require_version(request.if_match)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            return readable(await work.sessions.detail(session_id), actor)

        return await self.units.run(actor, unit, request)

    async def step(
        self,
        actor: Actor,
        session_id: SessionId,
        *,
        node_id: str,
        answers: Sequence[str] = (),
        result: StepResult | None = None,
        evidence: str | None = None,
        branch_id: BranchId | None = None,
        request: Request = PLAIN,
    ) -> Walked:
        """The node that waits is done: a step is added, and the walk moves on. Raises as `walking.taken` says."""
        by = person(actor, Permission.WORK)

        async def unit(work: WalksNeeds) -> Walked:
            before = await _load(work, session_id, actor)
            doing = Doing(answers=tuple(answers), result=result, evidence=evidence)
            session, step, events = await self.take_node(work, before, node_id, branch_id, doing, by)
            before.require_version(request.if_match)
            # The step first: a fork is at it.
            await work.sessions.add_step(step)
            await work.sessions.save(session)
            for event in events:
                await self.units.record(work, event, request)
            return Walked(step=step, detail=readable(await work.sessions.detail(session_id), actor))

        return await self.units.run(actor, unit, request)

    async def take_node(
        self, work: WalksNeeds, session: Session, node_id: str, branch_id: BranchId | None, doing: Doing, by: Person
    ) -> tuple[Session, Step, Sequence[Event]]:
        """The session as it goes on once that node is done, and the step that says so; none of it is kept. Raises as `step` does."""
        if session.walk is None:
            raise NotFound("walk")
        revision = await work.trees.revision(session.walk.tree_id, session.walk.revision)
        took = walking.taken(
            session,
            revision.content,
            node_id,
            answers=doing.answers,
            result=doing.result,
            evidence=doing.evidence,
            branch_id=branch_id,
            new_id=self.new_id,
            by=by,
            at=self.clock.now(),
            bounds=self.sessions.bounds,
        )
        return took.session, took.step, took.events

    async def leave(
        self, actor: Actor, session_id: SessionId, *, reason: str = "", branch_id: BranchId | None = None, request: Request = PLAIN
    ) -> SessionDetail:
        """Go on without the tree in a branch: the one named, or where its node waits for whoever works in the active one."""
        by = person(actor, Permission.WORK)

        async def unit(work: WalksNeeds) -> SessionDetail:
            before = await _load(work, session_id, actor)
            place = walking.current(before, branch_id)
            if place is None:
                raise NotFound("walk")
            session, event = before.walk_left(place.branch_id, reason, by=by, at=self.clock.now())
            before.require_version(request.if_match)
            await work.sessions.save(session)
            await self.units.record(work, event, request)
            return readable(await work.sessions.detail(session_id), actor)

        return await self.units.run(actor, unit, request)

    async def fitting(self, actor: Actor, session_id: SessionId) -> Sequence[tuple[Tree, Fitting]]:
        """Published trees that fit what a session is about, best first: those that people think well of before others that fit as well."""
        view = self.view(actor.account_id)
        return await fitting_trees(view, readable(await view.session(session_id), actor).session)

    async def _begun(self, work: WalksNeeds, actor: Actor, session: Session, tree_id: TreeId, parameters: Mapping[str, Value]) -> Walk:
        tree = await work.trees.get(tree_id)
        tree.require_readable(actor)
        number = tree.require_usable()
        content = (await work.trees.revision(tree_id, number)).content
        await note_use(work, Ref(id=tree_id, owner=tree.owner), new_id=self.new_id, at=self.clock.now())
        return walking.begun(tree, number, content, parameters, session.branches.active_id, self.matches)


async def fitting_trees(view: KnowledgeView, session: Session) -> Sequence[tuple[Tree, Fitting]]:
    """Published trees that fit what a session is about, best first: those that people think well of before others that fit as well."""
    words = asked(session.title, session.problem)
    if not words:
        return ()
    found = await view.trees_about(words)
    worth = {tree.id: stars.worth for tree, stars in found}
    trees = [tree for tree, _ in found]
    return fitting(session.title, (session.problem,), trees, lambda tree: worth[tree.id], client_name=session.client_name)


async def _load(work: SessionWork, session_id: SessionId, actor: Actor) -> Session:
    session = await work.sessions.get(session_id)
    session.require_readable(actor)
    return session
