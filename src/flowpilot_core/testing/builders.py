"""People and cases to test with: `a_session(by=ANNA).step("rebooted it").escalated().claimed_by(BEN)`.

A case is a value: every move returns another one, as the domain itself does. `kept` then stores it through the ports, one unit
of work a move, as the use cases do.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from attrs import evolve, field, frozen

from flowpilot_core.domain.access.account import Account, Team, User
from flowpilot_core.domain.handoffs.handing_off import hand_off
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.handoffs.snapshot import Snapshot
from flowpilot_core.domain.kernel.actor import Actor, Person, Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import AccountId, BranchId, EventId, ForkPointId, HandoffId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.knowledge import walking
from flowpilot_core.domain.knowledge.content import Content
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.branch import Option, Outcome
from flowpilot_core.domain.sessions.session import Priority, Session, Ticket
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When things happen where nothing else is said: in the past, so that what is due then is due now."""

MINUTE = timedelta(minutes=1)

_RUN = int.from_bytes(os.urandom(7))
_COUNT = count(int(NOON.timestamp() * 1000))


def new_id() -> UUID:
    """An id as the product makes them: a UUID of version 7 that sorts after those before it, and that no other run makes."""
    return UUID(int=next(_COUNT) << 80 | 7 << 76 | 2 << 62 | _RUN)


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def jump(self, by: timedelta) -> None:
        """Move it, back too."""
        self.at += by


@frozen(kw_only=True)
class Staff:
    """An account with somebody of every role: Olga owns it, Adam is an admin, Anna and Ben are engineers, Vera only looks."""

    account: Account
    olga: Person
    adam: Person
    anna: Person
    ben: Person
    vera: Person
    network: Team
    """Ben's team."""
    bench: Team
    """Nobody's team."""

    @property
    def account_id(self) -> AccountId:
        return self.account.id

    @property
    def people(self) -> tuple[Person, ...]:
        return self.olga, self.adam, self.anna, self.ben, self.vera

    @property
    def users(self) -> tuple[User, ...]:
        """Them as they are kept, oldest first."""
        return tuple(
            User(
                id=person.user_id,
                email=f"{person.name.partition(' ')[0].lower()}@{self.account.name.lower().replace(' ', '-')}.example",
                name=person.name,
                role=person.role,
                team_ids=frozenset({self.network.id}) if person is self.ben else frozenset(),
                created_at=NOON,
            )
            for person in self.people
        )

    def user(self, person: Person) -> User:
        """One of `users`."""
        return next(user for user in self.users if user.id == person.user_id)

    async def kept(self, begin: BeginWork[UnitOfWork]) -> "Staff":
        """They themselves, stored."""
        async with begin(self.account_id) as work:
            await work.people.add_account(self.account)
            for team in (self.network, self.bench):
                await work.people.add_team(team)
            for user in self.users:
                await work.people.add_user(user)
            await work.commit()
        return self


def a_staff(name: str = "Acme IT") -> Staff:
    """People of an account of their own."""
    account_id = AccountId(new_id())

    def person(name: str, role: Role) -> Person:
        return Person(account_id=account_id, user_id=UserId(new_id()), role=role, name=name)

    return Staff(
        account=Account(id=account_id, name=name, created_at=NOON),
        olga=person("Olga Owner", Role.OWNER),
        adam=person("Adam Admin", Role.ADMIN),
        anna=person("Anna Engineer", Role.ENGINEER),
        ben=person("Ben Engineer", Role.ENGINEER),
        vera=person("Vera Viewer", Role.VIEWER),
        network=Team(id=TeamId(new_id()), name="Network"),
        bench=Team(id=TeamId(new_id()), name="Bench"),
    )


STAFF = a_staff()
OLGA, ADAM, ANNA, BEN, VERA = STAFF.people


def recorded(event: Event) -> Event:
    """The event with an id, which it has once it is on record."""
    return event if event.id else evolve(event, id=EventId(new_id()))


@frozen(kw_only=True)
class Moved:
    """What one move left behind; all of it is stored together."""

    session: Session
    event: Event = field(converter=recorded)
    handoff: Handoff | None = None
    step: Step | None = None
    new_step: bool = False
    snapshot: Snapshot | None = None
    """With it the handoff is a new one."""


@frozen(kw_only=True)
class Case:
    """A session with all that happened to it; every move is made by the assignee, a minute after the last, unless it says otherwise."""

    moves: tuple[Moved, ...]
    names: Mapping[UserId, str] = field(factory=dict)
    people: Mapping[UserId, Person] = field(factory=dict)

    @property
    def session(self) -> Session:
        return self.moves[-1].session

    @property
    def id(self) -> SessionId:
        return self.session.id

    @property
    def assignee(self) -> Person:
        return self.people[self.session.assignee_id]

    @property
    def at(self) -> datetime:
        """When the next move happens."""
        return self.session.updated_at + MINUTE

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(move.event for move in self.moves)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps as they are now, by number."""
        return tuple({move.step.number: move.step for move in self.moves if move.step}.values())

    @property
    def handoffs(self) -> tuple[Handoff, ...]:
        """All handoffs as they are now, oldest first."""
        return tuple({move.handoff.id: move.handoff for move in self.moves if move.handoff}.values())

    @property
    def handoff(self) -> Handoff:
        """The latest."""
        return self.handoffs[-1]

    @property
    def snapshot(self) -> Snapshot:
        """The latest."""
        return [move.snapshot for move in self.moves if move.snapshot][-1]

    def step(
        self,
        content: str = "rebooted it",
        *,
        kind: StepKind = StepKind.ACTION,
        result: StepResult | None = StepResult.FAILED,
        evidence: str | None = None,
        branch_id: BranchId | None = None,
        by: Person | None = None,
        at: datetime | None = None,
    ) -> "Case":
        """With one more step."""
        session, step, event = self.session.with_step(
            StepId(new_id()),
            kind=kind,
            content=content,
            branch_id=branch_id,
            result=result,
            evidence=evidence,
            by=by or self.assignee,
            at=at or self.at,
        )
        return self._moved(Moved(session=session, step=step, new_step=True, event=event))

    def walking(self, tree: Tree, content: Content) -> "Case":
        """Following the first revision of a tree that asks for nothing, in the branch that is active."""
        walk = walking.begun(tree, 1, content, {}, self.session.branches.active_id, lambda _, __: True)
        session, event = self.session.walking(walk, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def at_node(self, content: Content, *answers: str, result: StepResult | None = None) -> "Case":
        """With the node of its tree done that waits: several answers would split the work, and are not told here."""
        place = walking.current(self.session)
        if place is None or place.waiting is None:
            raise NotFound("walk")
        took = walking.taken(
            self.session, content, place.waiting.node_id, answers=answers, result=result, new_id=new_id, by=self.assignee, at=self.at
        )
        first, *others = took.events
        case = self._moved(Moved(session=took.session, step=took.step, new_step=True, event=first))
        for event in others:
            case = case._moved(Moved(session=took.session, event=event))
        return case

    def walk_left(self, reason: str = "it leads nowhere") -> "Case":
        """Going on without the tree."""
        session, event = self.session.walk_left(self.session.branches.active_id, reason, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def result(
        self, result: StepResult, *, of: int = -1, evidence: str | None = None, branch_id: BranchId | None = None, by: Person | None = None
    ) -> "Case":
        """With another result of a step, the last one if not said which, and in another branch if one is named."""
        session, step, event = self.session.with_result(
            self.steps[of], result, evidence, branch_id=branch_id, by=by or self.assignee, at=self.at
        )
        return self._moved(Moved(session=session, step=step, event=event))

    def fork(self, *labels: str, at_step: int = -1, hypotheses: Mapping[str, str] | None = None) -> "Case":
        """Split at a step (the last one) into one branch per label, or per hypothesis by its label."""
        named = hypotheses or {label: f"it is the {label}" for label in labels or ("cable", "switch")}
        options = [(BranchId(new_id()), Option(label=label, hypothesis=hypothesis)) for label, hypothesis in named.items()]
        session, _, event = self.session.forked(
            ForkPointId(new_id()),
            at_step=self.steps[at_step],
            reason="two ways to look at it",
            options=options,
            by=self.assignee,
            at=self.at,
        )
        return self._moved(Moved(session=session, event=event))

    def branch(self, label: str) -> BranchId:
        """The id of the branch with this label."""
        return next(branch.id for branch in self.session.branches.all if branch.label == label)

    def in_branch(self, label: str) -> "Case":
        """Going on in another branch."""
        session, event = self.session.activated(self.branch(label), by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def closed(self, label: str, outcome: Outcome = Outcome.DEAD_END, reason: str = "ruled out") -> "Case":
        """With a branch closed."""
        session, event = self.session.branch_closed(self.branch(label), outcome, reason, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def escalated(
        self,
        reason: str = "I am stuck",
        *,
        note: str | None = None,
        priority: Priority | None = None,
        team_id: TeamId | None = None,
        user_id: UserId | None = None,
        at: datetime | None = None,
    ) -> "Case":
        """Waiting in the queue."""
        return self._handed_off(Intent.ESCALATE, reason, note=note, priority=priority, team_id=team_id, user_id=user_id, at=at)

    def parked(self, reason: str = "waiting for a part", *, wake_at: datetime | None = None, at: datetime | None = None) -> "Case":
        """Resting, and private."""
        return self._handed_off(Intent.PARK, reason, wake_at=wake_at, at=at)

    def _handed_off(
        self,
        intent: Intent,
        reason: str,
        *,
        note: str | None = None,
        priority: Priority | None = None,
        team_id: TeamId | None = None,
        user_id: UserId | None = None,
        wake_at: datetime | None = None,
        at: datetime | None,
    ) -> "Case":
        handed = hand_off(
            self.session,
            handoff_id=HandoffId(new_id()),
            intent=intent,
            reason=reason,
            note=note,
            priority=priority,
            team_id=team_id,
            user_id=user_id,
            wake_at=wake_at,
            steps=self.steps,
            earlier=self.handoffs,
            names=self.names,
            by=self.assignee,
            at=at or self.at,
        )
        return self._moved(Moved(session=handed.session, handoff=handed.handoff, snapshot=handed.snapshot, event=handed.event))

    def claimed_by(self, by: Person, *, branch: str | None = None, at: datetime | None = None) -> "Case":
        """Taken from the queue, to go on in the branch with this label or else where work stopped."""
        branch_id = None if branch is None else self.branch(branch)
        handoff, session, event = self.handoff.claimed(self.session, branch_id=branch_id, by=by, at=at or self.at)
        return self._moved(Moved(session=session, handoff=handoff, event=event), by)

    def unclaimed(self) -> "Case":
        """Given back by its claimer."""
        handoff, session, event = self.handoff.unclaimed(self.session, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, handoff=handoff, event=event))

    def lapsed(self, by: Actor) -> "Case":
        """Given back by time."""
        handoff, session, event = self.handoff.lapsed(self.session, by=by, at=self.at)
        return self._moved(Moved(session=session, handoff=handoff, event=event))

    def rerouted(self, *, team_id: TeamId | None = None, user_id: UserId | None = None, priority: Priority | None = None) -> "Case":
        """Meant for somebody else."""
        handoff, event = self.handoff.rerouted(team_id=team_id, user_id=user_id, priority=priority, by=self.assignee, at=self.at)
        return self._moved(Moved(session=self.session, handoff=handoff, event=event))

    def withdrawn(self) -> "Case":
        """Out of the queue again."""
        handoff, session, event = self.handoff.withdrawn(self.session, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, handoff=handoff, event=event))

    def resumed(self) -> "Case":
        """Parked no longer."""
        session, event = self.session.resumed(by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, handoff=self.handoff.resumed(), event=event))

    def reassigned_to(self, to: Person, *, by: Person | None = None) -> "Case":
        """With somebody else; a park's reader from then on."""
        session, event = self.session.reassigned(to.user_id, by=by or self.assignee, at=self.at)
        handoff = evolve(self.handoff, readers=session.parked_with) if session.parked_with else None
        return self._moved(Moved(session=session, handoff=handoff, event=event), to, *((by,) if by else ()))

    def joined_by(self, by: Person) -> "Case":
        """With a helper."""
        session, event = self.session.joined(by=by, at=self.at)
        return self._moved(Moved(session=session, event=event), by)

    def left_by(self, by: Person) -> "Case":
        """Without that helper."""
        session, event = self.session.left(by=by, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def resolved(self, summary: str = "replaced the cable", root_cause: str | None = "a broken cable") -> "Case":
        """Done."""
        session, event = self.session.resolved(summary, root_cause, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def abandoned(self, reason: str = "the client left") -> "Case":
        """Abandon a session."""
        session, event = self.session.abandoned(reason, by=self.assignee, at=self.at)
        return self._moved(Moved(session=session, event=event))

    def reopened_by(self, by: Person, reason: str = "it is back") -> "Case":
        """Active again."""
        session, event = self.session.reopened(reason, by=by, at=self.at)
        return self._moved(Moved(session=session, event=event), by)

    def _moved(self, move: Moved, *people: Person) -> "Case":
        return evolve(
            self,
            moves=(*self.moves, move),
            people={**self.people, **{person.user_id: person for person in people}},
            names={**self.names, **{person.user_id: person.name for person in people}},
        )

    async def kept(self, begin: BeginWork[UnitOfWork]) -> "Case":
        """The case as it is once stored, one unit of work a move: with the versions that its session and handoffs got."""
        account_id = self.people[self.session.created_by].account_id
        moves: list[Moved] = []
        versions: dict[UUID, int] = {}
        for before, move in zip((None, *self.moves), self.moves, strict=False):
            async with begin(account_id) as work:
                session, handoff = evolve(move.session, version=versions.get(move.session.id, 1)), move.handoff
                if before is None:
                    await work.sessions.add(session)
                elif move.session is not before.session:
                    session = await work.sessions.save(session)
                if move.step and move.new_step:
                    await work.sessions.add_step(move.step)
                elif move.step:
                    await work.sessions.save_step(move.step)
                if handoff and move.snapshot:
                    await work.handoffs.add(handoff, move.snapshot)
                elif handoff:
                    handoff = await work.handoffs.save(evolve(handoff, version=versions[handoff.id]))
                await work.record(move.event)
                await work.commit()
            versions[session.id] = session.version
            if handoff:
                versions[handoff.id] = handoff.version
            moves.append(evolve(move, session=session, handoff=handoff))
        return evolve(self, moves=tuple(moves))


def a_session(
    *,
    by: Person = ANNA,
    title: str = "Printer offline",
    problem: str = "The printer on floor 2 prints nothing.",
    client_name: str | None = "Contoso",
    ticket: Ticket | None = None,
    priority: Priority = Priority.NORMAL,
    team_id: TeamId | None = None,
    at: datetime = NOON,
) -> Case:
    """A session that has just been started."""
    session, event = Session.started(
        SessionId(new_id()),
        root_branch_id=BranchId(new_id()),
        title=title,
        problem=problem,
        client_name=client_name,
        ticket=ticket,
        priority=priority,
        team_id=team_id,
        by=by,
        at=at,
    )
    return Case(moves=(Moved(session=session, event=event),), people={by.user_id: by}, names={by.user_id: by.name})


def an_escalation(*, by: Person = ANNA, reason: str = "I am stuck", at: datetime | None = None) -> Case:
    """A session that waits in the queue, with something tried."""
    return a_session(by=by).step().escalated(reason, at=at)
