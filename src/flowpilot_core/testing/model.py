"""A plain model of what the product does: dicts and ifs, written from the contract and not from the code.

The state machine beside it makes the same moves on the real thing and on this, and compares all that anybody can see.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from attrs import Factory, define

from flowpilot_core.domain.kernel.errors import (
    AlreadyClaimed,
    FlowPilotError,
    InvalidTransition,
    InvalidValue,
    NotAssignee,
    NotFound,
    OwnHandoff,
    RoleForbidden,
    VersionConflict,
    WalkMovedOn,
)
from flowpilot_core.domain.kernel.identifiers import HandoffId, MaintenanceScheduleId, PictureId, SessionId, StepId, TeamId, UserId

from .model_library import ModelLibrary

BOSSES = ("owner", "admin")
RANKS = ("low", "normal", "high", "urgent")


@define(kw_only=True)
class ModelPerson:
    """Somebody of the account."""

    id: UserId
    name: str
    role: str
    teams: frozenset[TeamId]
    active: bool = True


@define(kw_only=True)
class ModelSession:
    """What is known of a session."""

    id: SessionId
    assignee: UserId
    updated_at: datetime
    status: str = "active"
    version: int = 1
    steps: int = 0
    branches: int = 1
    parked_with: frozenset[UserId] = frozenset()
    helpers: frozenset[UserId] = frozenset()
    handoffs: list[HandoffId] = Factory(list)
    pictures: list[tuple[StepId, PictureId]] = Factory(list)
    tree: UUID | None = None
    """What it follows."""
    waits: bool = False
    """Whether the one thing to do of its tree is still to be done."""


@define(kw_only=True)
class ModelHandoff:
    """What is known of a handoff."""

    id: HandoffId
    session: SessionId
    intent: str
    by: UserId
    at: datetime
    priority: str
    team: TeamId | None
    user: UserId | None
    state: str = "open"
    version: int = 1
    readers: frozenset[UserId] = frozenset()
    claim: tuple[UserId, datetime, int, int] | None = None
    """By whom, when, and how many steps and branches there were."""
    told: frozenset[UserId] = frozenset()


@define(kw_only=True)
class ModelEvent:
    """What is on record of something that happened."""

    kind: str
    by: UserId
    session: SessionId
    handoff: HandoffId | None
    private: bool


@define(kw_only=True)
class ModelAccount:
    """One account; it has never heard of another.

    Methods named after moves return the refusal that is due, or None, and then the move is made.
    """

    people: dict[UserId, ModelPerson]
    teams: frozenset[TeamId]
    sessions: dict[SessionId, ModelSession] = Factory(dict)
    handoffs: dict[HandoffId, ModelHandoff] = Factory(dict)
    events: list[ModelEvent] = Factory(list)
    display_name: str | None = None
    branding_version: int = 1
    library: ModelLibrary
    schedules: list[MaintenanceScheduleId] = Factory(list)
    weekly_digests: set[UserId] = Factory(set)
    """Who wants to be mailed figures."""

    # What can be seen

    def reads_session(self, reader: UserId, session: ModelSession) -> bool:
        """Whether it exists for the reader."""
        return session.status != "parked" or self._trusted(reader, session.parked_with)

    def reads_handoff(self, reader: UserId, handoff: ModelHandoff) -> bool:
        """Whether it exists for the reader."""
        return handoff.intent == "escalate" or self._trusted(reader, handoff.readers)

    def listed(self, reader: UserId) -> list[SessionId]:
        """What a list shows, in its order."""
        return sorted((one.id for one in self.sessions.values() if self.reads_session(reader, one)), reverse=True)

    def queue(self) -> list[HandoffId]:
        """What waits, in the order to take it in."""
        waiting = (one for one in self.handoffs.values() if one.intent == "escalate" and one.state == "open")
        return [one.id for one in sorted(waiting, key=lambda one: (-RANKS.index(one.priority), one.at, one.id))]

    def found(self, reader: UserId, status: str | None) -> set[SessionId | HandoffId]:
        """What search finds by what all of it says; of a status is what may be read of sessions that are, and may be read too."""
        sessions = {one.id for one in self.sessions.values() if self.reads_session(reader, one) and status in (None, one.status)}
        handoffs = (one for one in self.handoffs.values() if self.reads_handoff(reader, one))
        return {*sessions, *(one.id for one in handoffs if status is None or one.session in sessions)}

    def timeline(self, reader: UserId, session_id: SessionId, *, since: HandoffId | None = None) -> list[tuple[int, str]]:
        """Numbers and kinds of the events of a session that the reader may know of."""
        numbered = [(number, event) for number, event in enumerate(self.events, 1) if event.session == session_id]
        start = min((number for number, event in numbered if event.handoff == since), default=0) if since else 0
        return [(number, event.kind) for number, event in numbered if number > start and self._knows(reader, event)]

    def chain(self, reader: UserId, handoff: ModelHandoff) -> list[HandoffId]:
        """The earlier handoffs of its session that the reader may know of."""
        every = self.sessions[handoff.session].handoffs
        return [one for one in every[: every.index(handoff.id)] if self.reads_handoff(reader, self.handoffs[one])]

    def _knows(self, reader: UserId, event: ModelEvent) -> bool:
        return not event.private or (event.handoff is not None and self.reads_handoff(reader, self.handoffs[event.handoff]))

    def _trusted(self, reader: UserId, readers: Collection[UserId]) -> bool:
        return reader in readers or self.people[reader].role in BOSSES

    # What can be done

    def start(self, by: UserId, session_id: SessionId, *, at: datetime) -> FlowPilotError | None:
        """A new session."""
        if refusal := self._role(by, "start a session"):
            return refusal
        self.sessions[session_id] = ModelSession(id=session_id, assignee=by, updated_at=at)
        self._record("session.started", by, self.sessions[session_id])
        return None

    def work(
        self,
        by: UserId,
        session_id: SessionId,
        kind: str,
        *,
        at: datetime,
        if_match: int | None = None,
        steps: int = 0,
        branches: int = 0,
        step_by: UserId | None = None,
    ) -> FlowPilotError | None:
        """A step, a result or a fork; a helper adds steps, and sets results of those."""
        permission = {
            "step.added": "add a step",
            "step.changed": "set the result of a step",
            "picture.added": "add a picture to a step",
        }.get(kind, "work on a session")
        helpers = self.sessions[session_id].helpers if session_id in self.sessions else frozenset()
        also = {"step.added": helpers, "step.changed": helpers & {step_by}, "picture.added": helpers & {step_by}}.get(kind, frozenset())
        return self._of_assignee(
            by, session_id, "work", permission, {"active": "active"}, kind, at, if_match, steps=steps, branches=branches, also=also
        )

    def follow(self, by: UserId, session_id: SessionId, tree_id: UUID, *, at: datetime) -> FlowPilotError | None:
        """A tree, from here on."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        refusal = (
            self.library.follow(by, tree_id)
            or self._works(by, session)
            or (InvalidTransition("walk", "under_way", "begin") if session.tree else None)
        )
        if refusal is None:
            self._moved(session, at)
            session.tree, session.waits = tree_id, True
            self.library.walks.append(tree_id)
            self._record("walk.started", by, session)
        return refusal

    def do_node(self, by: UserId, session_id: SessionId, *, at: datetime) -> FlowPilotError | None:
        """What waits in its tree, after which there is nothing more."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        if session.tree is None:
            return NotFound("walk")
        refusal = self._works(by, session) or (None if session.waits else WalkMovedOn(None))
        if refusal is None:
            self._moved(session, at)
            session.waits = False
            session.steps += 1
            self._record("step.added", by, session)
        return refusal

    def _works(self, by: UserId, session: ModelSession) -> FlowPilotError | None:
        return self._role(by, "work on a session") or self._own(by, session) or self._status(session, "work", ("active",))

    def say(self, by: UserId, display_name: str) -> FlowPilotError | None:
        """How the account looks."""
        if (role := self.people[by].role) not in ("owner", "admin"):
            return RoleForbidden(role, "set how the account works")
        self.display_name, self.branding_version = display_name, self.branding_version + 1
        return None

    def schedule(self, by: UserId, schedule_id: MaintenanceScheduleId | None, assignee_id: UserId) -> FlowPilotError | None:
        """Machines are looked after."""
        if (role := self.people[by].role) not in ("owner", "admin"):
            return RoleForbidden(role, "manage maintenance")
        if schedule_id is None or assignee_id not in self.people:
            return NotFound("user")
        self.schedules.append(schedule_id)
        return None

    def want_weekly_digest(self, by: UserId, wanted: bool) -> FlowPilotError | None:
        """Figures by mail, or none."""
        if (role := self.people[by].role) not in BOSSES:
            return RoleForbidden(role, "have the weekly digest")
        self.weekly_digests = self.weekly_digests | {by} if wanted else self.weekly_digests - {by}
        return None

    def join(self, by: UserId, session_id: SessionId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """A second pair of hands."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        there = by == session.assignee or by in session.helpers
        refusal = (
            self._role(by, "join a session")
            or self._status(session, "join", ("active",))
            or (InvalidTransition("session", session.status, "join") if there else None)
            or self._version("session", session.version, if_match)
        )
        if refusal is None:
            helpers = session.helpers | {by}
            self._moved(session, at)
            session.helpers = helpers
            self._record("session.joined", by, session)
        return refusal

    def leave(self, by: UserId, session_id: SessionId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """One pair of hands less."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        refusal = (
            self._role(by, "leave a session")
            or (None if by in session.helpers else NotAssignee(session.id))
            or self._version("session", session.version, if_match)
        )
        if refusal is None:
            helpers = session.helpers - {by}
            self._moved(session, at)
            session.helpers = helpers
            self._record("session.left", by, session)
        return refusal

    def resolve(self, by: UserId, session_id: SessionId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Done."""
        table = {"active": "resolved"}
        return self._of_assignee(by, session_id, "resolve", "resolve a session", table, "session.resolved", at, if_match)

    def abandon(self, by: UserId, session_id: SessionId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Abandon a session."""
        table = {"active": "abandoned"}
        return self._of_assignee(by, session_id, "abandon", "abandon a session", table, "session.abandoned", at, if_match)

    def resume(self, by: UserId, session_id: SessionId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Parked no longer."""
        table = {"parked": "active"}
        refusal = self._of_assignee(by, session_id, "resume", "resume a session", table, "session.resumed", at, if_match, private=True)
        if refusal is None:
            session = self.sessions[session_id]
            session.parked_with = frozenset()
            park = self.handoffs[session.handoffs[-1]]
            park.state, park.version = "resumed", park.version + 1
        return refusal

    def reopen(self, by: UserId, session_id: SessionId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Active again, with who reopens it."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        refusal = (
            self._role(by, "reopen a session")
            or self._status(session, "reopen", ("resolved", "abandoned"))
            or self._version("session", session.version, if_match)
        )
        if refusal is None:
            self._moved(session, at, status="active", assignee=by)
            self._record("session.reopened", by, session)
        return refusal

    def reassign(
        self, by: UserId, session_id: SessionId, to: UserId, *, at: datetime, if_match: int | None = None
    ) -> FlowPilotError | None:
        """With somebody else."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        if to not in self.people:
            return NotFound("user")
        if not self.people[to].active or self.people[to].role == "viewer":
            return InvalidValue("user_id", "must be somebody who may work on a session")
        refusal = (
            self._role(by, "reassign a session")
            or self._own(by, session, also=BOSSES)
            or self._status(session, "reassign", ("active", "parked"))
            or self._version("session", session.version, if_match)
        )
        if refusal is None:
            parked = session.status == "parked"
            self._moved(session, at, assignee=to)
            if parked:
                session.parked_with |= {to}
                park = self.handoffs[session.handoffs[-1]]
                park.readers, park.version = park.readers | {to}, park.version + 1
            self._record("session.reassigned", by, session, session.handoffs[-1] if parked else None, private=parked)
        return refusal

    def hand_off(
        self,
        by: UserId,
        session_id: SessionId,
        intent: str,
        *,
        priority: str,
        team: TeamId | None,
        user: UserId | None,
        at: datetime,
        if_match: int | None = None,
    ) -> FlowPilotError | ModelHandoff:
        """Parked or escalated; gives the handoff without its id, for `handed_off`."""
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        if team is not None and team not in self.teams:
            return NotFound("team")
        if user is not None and user not in self.people:
            return NotFound("user")
        refusal = (
            self._role(by, "hand a session off")
            or self._own(by, session)
            or self._status(session, intent, ("active",))
            or self._version("session", session.version, if_match)
        )
        if refusal is not None:
            return refusal
        return ModelHandoff(
            id=HandoffId(session_id),
            session=session_id,
            intent=intent,
            by=by,
            at=max(at, session.updated_at),
            priority=priority,
            team=team,
            user=user,
            readers=frozenset({session.assignee}) if intent == "park" else frozenset(),
            told=self._meant(by, team, user) if intent == "escalate" else frozenset(),
        )

    def _meant(self, by: UserId, team: TeamId | None, user: UserId | None) -> frozenset[UserId]:
        """Who is told: everybody who may claim but the escalator, narrowed to whom it is meant for, if that leaves anybody."""
        everyone = [one for one in self.people.values() if one.active and one.role != "viewer" and one.id != by]
        named = [one for one in everyone if one.id == user] or [one for one in everyone if team in one.teams] or everyone
        return frozenset(one.id for one in named)

    def handed_off(self, handoff: ModelHandoff) -> None:
        """Keep what `hand_off` gave, once it has its id."""
        session = self.sessions[handoff.session]
        self.handoffs[handoff.id] = handoff
        session.handoffs.append(handoff.id)
        session.parked_with = handoff.readers
        parked = handoff.intent == "park"
        self._moved(session, handoff.at, status="parked" if parked else "escalated")
        self._record("session.parked" if parked else "handoff.escalated", handoff.by, session, handoff.id, private=parked)

    def claim(self, by: UserId, handoff_id: HandoffId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Taken from the queue."""
        handoff = self._handoff(by, handoff_id)
        if handoff is None:
            return NotFound("handoff")
        if refusal := self._role(by, "claim an escalation"):
            return refusal
        if handoff.intent == "escalate" and handoff.by == by:
            return OwnHandoff(handoff_id)
        if handoff.claim is not None:
            return AlreadyClaimed(handoff_id, handoff.claim[0], handoff.claim[1], self.people[handoff.claim[0]].name)
        if handoff.intent == "park" or handoff.state != "open":
            return InvalidTransition("handoff", handoff.state, "claim")
        if refusal := self._version("handoff", handoff.version, if_match):
            return refusal
        session = self.sessions[handoff.session]
        handoff.claim = (by, max(at, handoff.at), session.steps, session.branches)
        handoff.state, handoff.version = "claimed", handoff.version + 1
        self._moved(session, at, status="active", assignee=by)
        self._record("handoff.claimed", by, session, handoff_id)
        return None

    def unclaim(self, by: UserId, handoff_id: HandoffId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Given back by its claimer."""
        handoff = self._handoff(by, handoff_id)
        if handoff is None:
            return NotFound("handoff")
        session = self.sessions[handoff.session]
        if refusal := self._role(by, "give a claim back"):
            return refusal
        if handoff.claim is not None and handoff.claim[0] != by:
            return NotAssignee(session.id)
        untouched = handoff.claim is not None and handoff.claim[2:] == (session.steps, session.branches)
        if handoff.claim is None or session.handoffs[-1] != handoff_id or not untouched:
            return InvalidTransition("handoff", handoff.state, "unclaim")
        if session.assignee != by:
            return NotAssignee(session.id)
        refusal = self._status(session, "give_back", ("active",)) or self._version("handoff", handoff.version, if_match)
        if refusal is None:
            handoff.claim, handoff.state, handoff.version = None, "open", handoff.version + 1
            self._moved(session, at, status="escalated", assignee=handoff.by)
            self._record("handoff.unclaimed", by, session, handoff_id)
        return refusal

    def withdraw(self, by: UserId, handoff_id: HandoffId, *, at: datetime, if_match: int | None = None) -> FlowPilotError | None:
        """Out of the queue."""
        handoff = self._handoff(by, handoff_id)
        if handoff is None:
            return NotFound("handoff")
        session = self.sessions[handoff.session]
        if refusal := self._role(by, "withdraw an escalation"):
            return refusal
        if by != handoff.by and self.people[by].role not in BOSSES:
            return NotAssignee(session.id)
        if handoff.intent == "park" or handoff.state != "open":
            return InvalidTransition("handoff", handoff.state, "withdraw")
        if refusal := self._version("handoff", handoff.version, if_match):
            return refusal
        handoff.state, handoff.version = "withdrawn", handoff.version + 1
        self._moved(session, at, status="active")
        self._record("handoff.withdrawn", by, session, handoff_id)
        return None

    def reroute(
        self,
        by: UserId,
        handoff_id: HandoffId,
        *,
        team: TeamId | None,
        user: UserId | None,
        priority: str | None,
        if_match: int | None = None,
    ) -> FlowPilotError | None:
        """Meant for somebody else."""
        handoff = self._handoff(by, handoff_id)
        if handoff is None:
            return NotFound("handoff")
        if team is not None and team not in self.teams:
            return NotFound("team")
        if user is not None and user not in self.people:
            return NotFound("user")
        if refusal := self._role(by, "reroute an escalation"):
            return refusal
        if handoff.intent == "park" or handoff.state != "open":
            return InvalidTransition("handoff", handoff.state, "reroute")
        if refusal := self._version("handoff", handoff.version, if_match):
            return refusal
        if (team is not None or user is not None) and (team, user) != (handoff.team, handoff.user):
            handoff.team, handoff.user = team, user
            handoff.told |= self._meant(handoff.by, team, user)
        handoff.priority, handoff.version = priority or handoff.priority, handoff.version + 1
        self._record("handoff.rerouted", by, self.sessions[handoff.session], handoff_id)
        return None

    def _of_assignee(
        self,
        by: UserId,
        session_id: SessionId,
        move: str,
        permission: str,
        table: dict[str, str],
        kind: str,
        at: datetime,
        if_match: int | None,
        *,
        steps: int = 0,
        branches: int = 0,
        private: bool = False,
        also: Collection[UserId] = (),
    ) -> FlowPilotError | None:
        session = self._session(by, session_id)
        if session is None:
            return NotFound("session")
        refusal = (
            self._role(by, permission)
            or (None if by in also else self._own(by, session))
            or self._status(session, move, tuple(table))
            or self._version("session", session.version, if_match)
        )
        if refusal is None:
            self._moved(session, at, status=table[session.status])
            session.steps += steps
            session.branches += branches
            self._record(kind, by, session, session.handoffs[-1] if private else None, private=private)
        return refusal

    def _session(self, reader: UserId, session_id: SessionId) -> ModelSession | None:
        session = self.sessions.get(session_id)
        return session if session and self.reads_session(reader, session) else None

    def _handoff(self, reader: UserId, handoff_id: HandoffId) -> ModelHandoff | None:
        handoff = self.handoffs.get(handoff_id)
        return handoff if handoff and self.reads_handoff(reader, handoff) else None

    def _role(self, by: UserId, permission: str) -> FlowPilotError | None:
        return RoleForbidden("viewer", permission) if self.people[by].role == "viewer" else None

    def _own(self, by: UserId, session: ModelSession, *, also: Collection[str] = ()) -> FlowPilotError | None:
        return None if by == session.assignee or self.people[by].role in also else NotAssignee(session.id)

    def _status(self, session: ModelSession, move: str, statuses: Collection[str]) -> FlowPilotError | None:
        return None if session.status in statuses else InvalidTransition("session", session.status, move)

    def _version(self, thing: str, version: int, if_match: int | None) -> FlowPilotError | None:
        return None if if_match in (None, version) else VersionConflict(thing, if_match or 0, version)

    def _moved(self, session: ModelSession, at: datetime, *, status: str | None = None, assignee: UserId | None = None) -> None:
        session.status, session.assignee = status or session.status, assignee or session.assignee
        session.updated_at, session.version = max(at, session.updated_at), session.version + 1
        session.helpers = session.helpers - {session.assignee} if session.status == "active" else frozenset()

    def _record(self, kind: str, by: UserId, session: ModelSession, handoff: HandoffId | None = None, *, private: bool = False) -> None:
        self.events.append(ModelEvent(kind=kind, by=by, session=session.id, handoff=handoff, private=private))
