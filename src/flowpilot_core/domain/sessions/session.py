"""A session: one troubleshooting effort on one ticket, and the moves it allows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor, Person, System
from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, NotFound, VersionConflict
from flowpilot_core.domain.kernel.events import Event, EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import BranchId, ForkPointId, HandoffId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.kernel.name import optional_name
from flowpilot_core.domain.kernel.permissions import Permission, permits, require, require_role
from flowpilot_core.domain.kernel.text import TITLE, optional_text, text
from flowpilot_core.domain.kernel.text import evidence as checked_evidence
from flowpilot_core.domain.kernel.transitions import advance

from .bounds import BOUNDS, Bounds, size
from .branch import Branches, ForkPoint, Option, Outcome
from .picture import Picture
from .step import NodeTaken, Step, StepKind, StepResult, StepScript
from .walk import Place, Walk
from .window import Window, lasting


class Status(StrEnum):
    """Where a session stands."""

    ACTIVE = "active"
    PARKED = "parked"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    ABANDONED = "abandoned"


class SessionMove(StrEnum):
    """What can be done to a session."""

    WORK = "work"
    PARK = "park"
    ESCALATE = "escalate"
    RESUME = "resume"
    CLAIM = "claim"
    WITHDRAW = "withdraw"
    GIVE_BACK = "give_back"
    REASSIGN = "reassign"
    JOIN = "join"
    LEAVE = "leave"
    RESOLVE = "resolve"
    ABANDON = "abandon"
    REOPEN = "reopen"
    DOCUMENT = "document"


SESSION: Mapping[tuple[Status, SessionMove], Status] = MappingProxyType(
    {
        (Status.ACTIVE, SessionMove.WORK): Status.ACTIVE,
        (Status.ACTIVE, SessionMove.PARK): Status.PARKED,
        (Status.ACTIVE, SessionMove.ESCALATE): Status.ESCALATED,
        (Status.ACTIVE, SessionMove.GIVE_BACK): Status.ESCALATED,
        (Status.ACTIVE, SessionMove.REASSIGN): Status.ACTIVE,
        (Status.ACTIVE, SessionMove.JOIN): Status.ACTIVE,
        (Status.ACTIVE, SessionMove.LEAVE): Status.ACTIVE,
        (Status.ACTIVE, SessionMove.RESOLVE): Status.RESOLVED,
        (Status.ACTIVE, SessionMove.ABANDON): Status.ABANDONED,
        (Status.PARKED, SessionMove.RESUME): Status.ACTIVE,
        (Status.PARKED, SessionMove.REASSIGN): Status.PARKED,
        (Status.ESCALATED, SessionMove.CLAIM): Status.ACTIVE,
        (Status.ESCALATED, SessionMove.WITHDRAW): Status.ACTIVE,
        (Status.RESOLVED, SessionMove.DOCUMENT): Status.RESOLVED,
        (Status.RESOLVED, SessionMove.REOPEN): Status.ACTIVE,
        (Status.ABANDONED, SessionMove.REOPEN): Status.ACTIVE,
    }
)


class Priority(StrEnum):
    """How urgent it is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """For sorting: a higher rank is taken first."""
        return list(Priority).index(self)


SYSTEMS: Mapping[str, str] = MappingProxyType({"halopsa": "HaloPSA", "connectwise": "ConnectWise", "autotask": "Autotask"})
"""What PSAs are called by people; any other goes by its own name."""


@frozen(kw_only=True)
class Ticket:
    """The PSA ticket a session works on: `id` is the ticket's number in the API of the vendor `system`."""

    system: str
    id: str

    def __attrs_post_init__(self) -> None:
        text("ticket.system", self.system, most=TITLE)
        text("ticket.id", self.id, most=TITLE)

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{SYSTEMS.get(self.system, self.system)} {self.id}"


MANY_STEPS = 100
MUCH_TEXT = 512 * 1024


@frozen(kw_only=True)
class Resolution:
    """What solved it."""

    summary: str
    root_cause: str | None = None


@frozen(kw_only=True)
class Taken:
    """The claim by which a session came to its assignee, until it is handed off again or ends."""

    handoff_id: HandoffId
    by: UserId
    worked_at: datetime | None = None
    """When the claimer did something in it for the first time; the wait for that is what a good handoff makes short."""

    def worked(self, by: UserId, at: datetime) -> "Taken":
        """After somebody has done something in its session."""
        return evolve(self, worked_at=at) if by == self.by and self.worked_at is None else self


@frozen(kw_only=True)
class Session:
    """One troubleshooting effort with its branches; its steps are apart, so that adding one loads no others.

    Every move checks, in this order, who acts and then what the status allows; it raises `RoleForbidden`, `NotAssignee` or
    `InvalidTransition`, and returns the session as it is afterwards with the event that says so. `version` is the repository's.
    """

    id: SessionId
    version: int = 1
    status: Status = Status.ACTIVE
    title: str
    problem: str
    client_name: str | None = None
    ticket: Ticket | None = None
    ticket_facts: Mapping[str, Plain] | None = None
    """What its ticket said in the PSA when the session began, without secrets; None where nobody has read it."""
    priority: Priority = Priority.NORMAL
    team_id: TeamId | None = None
    assignee_id: UserId
    parked_with: frozenset[UserId] = frozenset()
    """Whoever has been the assignee since it was parked; empty unless it is."""
    helper_ids: frozenset[UserId] = frozenset()
    """Who joined to add steps; empty unless it is active: whatever ends the work ends the help."""
    branches: Branches
    walk: Walk | None = None
    """The tree that it follows, if it does."""
    window: Window | None = None
    """In which maintenance window its client is; who keeps a session keeps none, and whoever reads it may find it over."""
    step_count: int = 0
    text_bytes: int = 0
    """Bytes of UTF-8 in its steps and branches."""
    picture_count: int = 0
    resolution: Resolution | None = None
    escalation_package: Mapping[str, Plain] | None = None
    """The older readers' copy of the last escalation."""
    latest_handoff_id: HandoffId | None = None
    taken: Taken | None = None
    escalations: int = 0
    """How often it was escalated."""
    reopenings: int = 0
    resolved_at: datetime | None = None
    """When it was resolved for the last time, if it ever was."""
    helped: bool = False
    """Whether anybody ever joined to help."""
    created_by: UserId
    created_at: datetime
    updated_at: datetime

    @property
    def escalation_id(self) -> HandoffId | None:
        """The escalation that waits, or that its assignee claimed: while there is one, its priority counts."""
        if self.status is Status.ESCALATED:
            return self.latest_handoff_id
        return self.taken.handoff_id if self.taken else None

    @classmethod
    def started(
        cls,
        session_id: SessionId,
        *,
        root_branch_id: BranchId,
        title: str,
        problem: str,
        client_name: str | None = None,
        ticket: Ticket | None = None,
        priority: Priority = Priority.NORMAL,
        team_id: TeamId | None = None,
        by: Person,
        at: datetime,
    ) -> "tuple[Session, Event]":
        """A new session with its root branch, assigned to who starts it. Raises `RoleForbidden` or `InvalidValue`."""
        session = cls(
            id=session_id,
            title=text("title", title, most=TITLE),
            problem=text("problem", problem),
            client_name=optional_name(client_name, "client_name"),
            ticket=ticket,
            priority=priority,
            team_id=team_id,
            assignee_id=by.user_id,
            branches=Branches.rooted(root_branch_id, at=at),
            created_by=by.user_id,
            created_at=at,
            updated_at=at,
        )
        require_role(by, Permission.START)
        return session, Event.of(
            EventKind.SESSION_STARTED, by=by, at=at, session_id=session_id, changed={"title": session.title, "priority": priority}
        )

    def ticket_read(self, *, by: System, at: datetime) -> Event:
        """That what its ticket says in the PSA stands with it now."""
        return self._event(EventKind.TICKET_READ, by, at, ticket_id=self.ticket.id if self.ticket else None)

    def as_of(self, at: datetime) -> "Session":
        """Without a maintenance window that is over by then."""
        return self if self.window is lasting(self.window, at) else evolve(self, window=None)

    @property
    def is_large(self) -> bool:
        """Whether writing all of it down takes long enough for others to notice."""
        return self.step_count > MANY_STEPS or self.text_bytes > MUCH_TEXT

    def require_readable(self, actor: Actor) -> None:
        """Raises `NotFound` for whom a parked session does not exist."""
        if self.status is Status.PARKED and not permits(actor, Permission.READ_PARKED, self.parked_with):
            raise NotFound("session")

    def offers(self, actor: Actor) -> frozenset[SessionMove]:
        """The moves to show the actor: those that its status and the actor's role and part in it allow."""
        at_work = isinstance(actor, Person) and (actor.user_id == self.assignee_id or actor.user_id in self.helper_ids)
        return frozenset(
            move
            for move, (permission, related) in OFFERED.items()
            if not (at_work and move is SessionMove.JOIN) and (self.status, move) in SESSION and permits(actor, permission, related(self))
        )

    def may_add_step(self, actor: Actor) -> bool:
        """Whether the actor can add a step now: a helper can, too."""
        return (self.status, SessionMove.WORK) in SESSION and permits(actor, Permission.ADD_STEP, {self.assignee_id, *self.helper_ids})

    def may_set_result(self, actor: Actor, added_by: UserId) -> bool:
        """Whether the actor can say what came of a step that somebody added: a helper of their own alone."""
        return (self.status, SessionMove.WORK) in SESSION and permits(
            actor, Permission.SET_RESULT, {self.assignee_id, *(self.helper_ids & {added_by})}
        )

    def may_add_picture(self, actor: Actor, added_by: UserId) -> bool:
        """Whether the actor can add a picture to a step that somebody added: a helper to their own alone."""
        return (self.status, SessionMove.WORK) in SESSION and permits(
            actor, Permission.ADD_PICTURE, {self.assignee_id, *(self.helper_ids & {added_by})}
        )

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` where the caller acted on another version than this one."""
        if expected is not None and expected != self.version:
            raise VersionConflict("session", expected, self.version)

    def with_step(
        self,
        step_id: StepId,
        *,
        kind: StepKind,
        content: str,
        branch_id: BranchId | None = None,
        result: StepResult | None = None,
        evidence: str | None = None,
        script: StepScript | None = None,
        node: NodeTaken | None = None,
        by: Person,
        at: datetime,
        bounds: Bounds = BOUNDS,
    ) -> "tuple[Session, Step, Event]":
        """With one more step, in the branch named or else the active one. A tree whose node waits there is left, unless it is `node`'s.

        Raises also `NotFound` for a branch of no session of this kind, `InvalidValue`, and `SessionFull`.
        """
        branch = self.branches.get(branch_id or self.branches.active_id)
        content = text("content", content)
        evidence = checked_evidence("evidence", evidence)
        self._require_work(by, Permission.ADD_STEP, *self.helper_ids)
        branch.require_open()
        text_bytes = self.text_bytes + size(content, evidence, *map(str, script.parameters.values() if script else ()))
        bounds.require_room(self.id, steps=self.step_count + 1, bytes=text_bytes)
        at = self._not_before(at)
        step = Step(
            id=step_id,
            session_id=self.id,
            branch_id=branch.id,
            number=self.step_count + 1,
            kind=kind,
            content=content,
            result=result,
            evidence=evidence,
            script=script,
            node=node,
            created_by=by.user_id,
            created_at=at,
            updated_at=at,
        )
        walk = self.walk if self.walk is None or node else self.walk.left_at(branch.id, reason=None, at=at)
        session = evolve(self._worked(by, at), walk=walk, step_count=step.number, text_bytes=text_bytes)
        event = session._event(
            EventKind.STEP_ADDED, by, at, step_id=str(step.id), branch_id=str(branch.id), number=step.number, step_kind=kind, result=result
        )
        return session, step, event

    def with_result(
        self,
        step: Step,
        result: StepResult | None,
        evidence: str | None,
        *,
        branch_id: BranchId | None = None,
        by: Person,
        at: datetime,
        bounds: Bounds = BOUNDS,
    ) -> "tuple[Session, Step, Event]":
        """With another result of one of its steps; of a helper's own, where a helper asks. Raises also `InvalidValue`, and `SessionFull`
        for more evidence than there is room for.

        With another branch, where one is named: that is the assignee's to say. Raises then also `NotFound`, and `InvalidValue` for a
        step at which the work was split.
        """
        at = self._not_before(at)
        changed = step.with_result(result, evidence, at=at)
        if branch_id in (None, step.branch_id):
            self._require_work(by, Permission.SET_RESULT, *(self.helper_ids & {step.created_by}))
            told: dict[str, Plain] = {}
        else:
            self.branches.get(branch_id)
            if any(fork.at_step_id == step.id for fork in self.branches.fork_points):
                raise InvalidValue("branch_id", "must be the step's own: the work was split at this step")
            self._require_work(by)
            changed = changed.in_branch(self.branches.for_steps(branch_id).id)
            told = {"branch_id": str(changed.branch_id)}
        text_bytes = self.text_bytes + size(changed.evidence) - size(step.evidence)
        if text_bytes > self.text_bytes:
            bounds.require_room(self.id, bytes=text_bytes)
        told = {"step_id": str(step.id), "result": result, "evidence": evidence is not None, **told}
        event = Event.of(EventKind.STEP_CHANGED, by=by, at=at, session_id=self.id, changed=told)
        return evolve(self._worked(by, at), text_bytes=text_bytes), changed, event

    def with_picture(
        self, step: Step, picture: Picture, *, by: Person, at: datetime, bounds: Bounds = BOUNDS
    ) -> "tuple[Session, Step, Event]":
        """With one more picture of one of its steps; of a helper's own, where a helper adds it. Raises also `PictureLimit`."""
        self._require_work(by, Permission.ADD_PICTURE, *(self.helper_ids & {step.created_by}))
        bounds.require_room_for_picture(self.id, self.picture_count + 1)
        at = self._not_before(at)
        session = evolve(self._worked(by, at), picture_count=self.picture_count + 1)
        event = self._event(EventKind.PICTURE_ADDED, by, at, step_id=str(step.id), number=step.number, picture_id=str(picture.id))
        return session, step.with_picture(picture, at=at), event

    def forked(
        self,
        fork_point_id: ForkPointId,
        *,
        at_step: Step,
        reason: str,
        options: Sequence[tuple[BranchId, Option]],
        by: Person,
        at: datetime,
        bounds: Bounds = BOUNDS,
    ) -> "tuple[Session, ForkPoint, Event]":
        """With a fork point at one of its steps, and one branch per option (2 to 8). Raises also `InvalidValue` and `SessionFull`."""
        at = self._not_before(at)
        for index, (_, option) in enumerate(options):
            text(f"options.{index}.label", option.label, most=TITLE)
            text(f"options.{index}.hypothesis", option.hypothesis)
        text("reason", reason)
        self._require_work(by)
        branches = self.branches.forked(fork_point_id, at_step=at_step, reason=reason, options=options, by=by.user_id, at=at)
        text_bytes = self.text_bytes + size(reason, *(said for _, option in options for said in (option.label, option.hypothesis)))
        bounds.require_room(
            self.id, branches=len(branches.all), levels=sum(1 for _ in branches.ancestors(branches.active_id)), bytes=text_bytes
        )
        fork_point = branches.fork_points[-1]
        event = self._event(
            EventKind.BRANCH_FORKED,
            by,
            at,
            fork_point_id=str(fork_point.id),
            branch_id=str(fork_point.branch_id),
            at_step_id=str(at_step.id),
            branch_ids=[str(branch_id) for branch_id in fork_point.branch_ids],
        )
        return evolve(self._worked(by, at), branches=branches, text_bytes=text_bytes), fork_point, event

    def require_work(self, by: Person) -> None:
        """Raises `RoleForbidden`, `NotAssignee` or `InvalidTransition` for who cannot work on it now."""
        self._require_work(by)

    def walking(self, walk: Walk, *, by: Person, at: datetime) -> "tuple[Session, Event]":
        """Following a tree. Raises also `InvalidTransition` where it does already."""
        self._require_work(by)
        if self.walk is not None:
            raise InvalidTransition("walk", "under_way", "begin")
        at = self._not_before(at)
        event = self._event(EventKind.WALK_STARTED, by, at, tree_id=str(walk.tree_id), revision=walk.revision, name=walk.name)
        return evolve(self, walk=walk, updated_at=at), event

    def at_places(self, *places: Place) -> "Session":
        """With the walk at these places; whoever walks it checks who may."""
        return evolve(self, walk=self.walk.placed(*places)) if self.walk else self

    def walk_left(self, branch_id: BranchId, reason: str, *, by: Person, at: datetime) -> "tuple[Session, Event]":
        """Going on without the tree in a branch. Raises also `NotFound` without a walk there, and `InvalidTransition` where none waits."""
        place = None if self.walk is None else self.walk.at(branch_id)
        if self.walk is None or place is None:
            raise NotFound("walk")
        self._require_work(by)
        if place.waiting is None:
            raise InvalidTransition("walk", "left" if place.left else "ended", "leave")
        at = self._not_before(at)
        event = self._event(EventKind.WALK_LEFT, by, at, branch_id=str(branch_id), node_id=place.waiting.node_id, reason=reason)
        return evolve(self, walk=self.walk.left_at(branch_id, reason=reason, at=at), updated_at=at), event

    def activated(self, branch_id: BranchId, *, by: Person, at: datetime) -> "tuple[Session, Event]":
        """Going on in another branch. Raises also `NotFound`."""
        self.branches.get(branch_id)
        self._require_work(by)
        at = self._not_before(at)
        session = evolve(self._worked(by, at), branches=self.branches.activated(branch_id))
        return session, self._event(EventKind.BRANCH_ACTIVATED, by, at, branch_id=str(branch_id))

    def branch_closed(
        self, branch_id: BranchId, outcome: Outcome, reason: str, *, prefer: Sequence[BranchId] = (), by: Person, at: datetime
    ) -> "tuple[Session, Event]":
        """With one branch closed; of `prefer` the first is where work goes on, if any is. Raises also `NotFound` and `InvalidValue`."""
        self.branches.get(branch_id)
        text("reason", reason)
        self._require_work(by)
        at = self._not_before(at)
        branches = self.branches.closed(branch_id, outcome, reason, prefer=prefer, at=at)
        event = self._event(
            EventKind.BRANCH_CLOSED, by, at, branch_id=str(branch_id), outcome=outcome, active_branch_id=str(branches.active_id)
        )
        return evolve(self._worked(by, at), branches=branches, text_bytes=self.text_bytes + size(reason)), event

    def resumed(self, *, by: Actor, at: datetime) -> "tuple[Session, Event]":
        """Parked no longer."""
        require(by, Permission.RESUME, self.id, self.assignee_id)
        status = advance(SESSION, self.status, SessionMove.RESUME, thing="session")
        at = self._not_before(at)
        session = evolve(self, status=status, parked_with=frozenset(), updated_at=at)
        return session, self._event(EventKind.SESSION_RESUMED, by, at, handoff_id=self.latest_handoff_id, private=True, status=status)

    def reassigned(self, to: UserId, *, by: Actor, at: datetime) -> "tuple[Session, Event]":
        """With somebody else. Of a parked session this stays between who may read it, the new assignee included."""
        require(by, Permission.REASSIGN, self.id, self.assignee_id)
        status = advance(SESSION, self.status, SessionMove.REASSIGN, thing="session")
        at = self._not_before(at)
        parked = status is Status.PARKED
        session = evolve(
            self,
            assignee_id=to,
            helper_ids=self.helper_ids - {to},
            parked_with=self.parked_with | {to} if parked else frozenset(),
            updated_at=at,
        )
        return session, self._event(
            EventKind.SESSION_REASSIGNED,
            by,
            at,
            handoff_id=self.latest_handoff_id if parked else None,
            private=parked,
            assignee_id=str(to),
            previous_assignee_id=str(self.assignee_id),
        )

    def joined(self, *, by: Person, at: datetime) -> "tuple[Session, Event]":
        """With a second pair of hands: `by` may add steps, and it stays its assignee's. Whoever works on it already cannot join."""
        require(by, Permission.JOIN, self.id)
        advance(SESSION, self.status, SessionMove.JOIN, thing="session")
        if by.user_id == self.assignee_id or by.user_id in self.helper_ids:
            raise InvalidTransition("session", self.status, SessionMove.JOIN)
        return self._helped(self.helper_ids | {by.user_id}, EventKind.SESSION_JOINED, by, at)

    def left(self, *, by: Person, at: datetime) -> "tuple[Session, Event]":
        """Without the helper `by`, whose steps stay."""
        require(by, Permission.LEAVE, self.id, *self.helper_ids)
        advance(SESSION, self.status, SessionMove.LEAVE, thing="session")
        return self._helped(self.helper_ids - {by.user_id}, EventKind.SESSION_LEFT, by, at)

    def resolved(self, summary: str, root_cause: str | None, *, by: Actor, at: datetime) -> "tuple[Session, Event]":
        """Done, with what solved it. Raises also `InvalidValue`."""
        resolution = Resolution(summary=text("summary", summary), root_cause=optional_text("root_cause", root_cause))
        require(by, Permission.RESOLVE, self.id, self.assignee_id)
        status = advance(SESSION, self.status, SessionMove.RESOLVE, thing="session")
        at = self._not_before(at)
        session = evolve(self, status=status, resolution=resolution, helper_ids=frozenset(), taken=None, resolved_at=at, updated_at=at)
        return session, self._event(EventKind.SESSION_RESOLVED, by, at, status=status, summary=resolution.summary)

    def abandoned(self, reason: str, *, by: Actor, at: datetime) -> "tuple[Session, Event]":
        """Given up. Raises also `InvalidValue`."""
        text("reason", reason)
        require(by, Permission.ABANDON, self.id, self.assignee_id)
        status = advance(SESSION, self.status, SessionMove.ABANDON, thing="session")
        at = self._not_before(at)
        session = evolve(self, status=status, helper_ids=frozenset(), taken=None, updated_at=at)
        return session, self._event(EventKind.SESSION_ABANDONED, by, at, status=status, reason=reason)

    def reopened(self, reason: str, *, by: Person, at: datetime) -> "tuple[Session, Event]":
        """Active again, with who reopens it. Raises also `InvalidValue`."""
        text("reason", reason)
        require(by, Permission.REOPEN, self.id)
        status = advance(SESSION, self.status, SessionMove.REOPEN, thing="session")
        at = self._not_before(at)
        session = evolve(self, status=status, assignee_id=by.user_id, resolution=None, reopenings=self.reopenings + 1, updated_at=at)
        return session, self._event(EventKind.SESSION_REOPENED, by, at, status=status, reason=reason, assignee_id=str(by.user_id))

    def parked(self, handoff_id: HandoffId, *, at: datetime) -> "Session":
        """Resting, and private to its assignee; the handoff checks who may."""
        return self._handed_off(SessionMove.PARK, handoff_id, at=at, parked_with=frozenset({self.assignee_id}))

    def escalated(self, handoff_id: HandoffId, package: Mapping[str, Plain], *, at: datetime) -> "Session":
        """Waiting in the queue, still with its escalator; the handoff checks who may."""
        escalated = self._handed_off(SessionMove.ESCALATE, handoff_id, at=at)
        return evolve(escalated, escalation_package=package, escalations=self.escalations + 1, taken=None)

    def claimed(self, by: UserId, *, branch_id: BranchId | None = None, at: datetime) -> "Session":
        """Active again, with who claimed it, who goes on in the branch named or else where work stopped; the handoff checks who may.

        Raises also `NotFound`.
        """
        claimed = self._moved(SessionMove.CLAIM, at=at, assignee_id=by)
        if self.latest_handoff_id is not None:
            claimed = evolve(claimed, taken=Taken(handoff_id=self.latest_handoff_id, by=by))
        return claimed if branch_id is None else evolve(claimed, branches=self.branches.activated(branch_id))

    def withdrawn(self, *, at: datetime) -> "Session":
        """Active again, with the assignee it had; the handoff checks who may."""
        return self._moved(SessionMove.WITHDRAW, at=at)

    def given_back(self, escalator: UserId, *, at: datetime) -> "Session":
        """Back in the queue after a claim, with its escalator; the handoff checks who may."""
        return evolve(self._moved(SessionMove.GIVE_BACK, at=at, assignee_id=escalator), taken=None)

    def _handed_off(
        self, move: SessionMove, handoff_id: HandoffId, *, at: datetime, parked_with: frozenset[UserId] = frozenset()
    ) -> "Session":
        return evolve(self._moved(move, at=at), latest_handoff_id=handoff_id, parked_with=parked_with)

    def _moved(self, move: SessionMove, *, at: datetime, assignee_id: UserId | None = None) -> "Session":
        status = advance(SESSION, self.status, move, thing="session")
        return evolve(
            self, status=status, assignee_id=assignee_id or self.assignee_id, helper_ids=frozenset(), updated_at=self._not_before(at)
        )

    def _helped(self, helper_ids: frozenset[UserId], kind: EventKind, by: Person, at: datetime) -> "tuple[Session, Event]":
        at = self._not_before(at)
        helpers: list[Plain] = [str(helper) for helper in sorted(helper_ids)]
        helped = self.helped or bool(helper_ids)
        return evolve(self, helper_ids=helper_ids, helped=helped, updated_at=at), self._event(kind, by, at, helper_ids=helpers)

    def _worked(self, by: Person, at: datetime) -> "Session":
        """After somebody has done something in it."""
        return evolve(self, taken=self.taken and self.taken.worked(by.user_id, at), updated_at=at)

    def _require_work(self, by: Person, permission: Permission = Permission.WORK, *helpers: UserId) -> None:
        require(by, permission, self.id, self.assignee_id, *helpers)
        advance(SESSION, self.status, SessionMove.WORK, thing="session")

    def _not_before(self, at: datetime) -> datetime:
        """A clock that jumps back never puts a session before its own past."""
        return max(at, self.updated_at)

    def _event(
        self, kind: EventKind, by: Actor, at: datetime, *, handoff_id: HandoffId | None = None, private: bool = False, **changed: Plain
    ) -> Event:
        return Event.of(kind, by=by, at=at, session_id=self.id, handoff_id=handoff_id, private=private, changed=changed)


def _assignee(session: Session) -> frozenset[UserId]:
    return frozenset({session.assignee_id})


def _helpers(session: Session) -> frozenset[UserId]:
    return session.helper_ids


def _anybody(_: Session) -> frozenset[UserId]:
    return frozenset()


OFFERED: Mapping[SessionMove, tuple[Permission, Callable[[Session], frozenset[UserId]]]] = MappingProxyType(
    {
        SessionMove.WORK: (Permission.WORK, _assignee),
        SessionMove.PARK: (Permission.HAND_OFF, _assignee),
        SessionMove.ESCALATE: (Permission.HAND_OFF, _assignee),
        SessionMove.RESUME: (Permission.RESUME, _assignee),
        SessionMove.REASSIGN: (Permission.REASSIGN, _assignee),
        SessionMove.JOIN: (Permission.JOIN, _anybody),
        SessionMove.LEAVE: (Permission.LEAVE, _helpers),
        SessionMove.RESOLVE: (Permission.RESOLVE, _assignee),
        SessionMove.ABANDON: (Permission.ABANDON, _assignee),
        SessionMove.REOPEN: (Permission.REOPEN, _anybody),
        SessionMove.DOCUMENT: (Permission.DOCUMENT, _anybody),
    }
)
"""The moves that people choose to make, each with what it takes and who stands in its relation to the session."""
