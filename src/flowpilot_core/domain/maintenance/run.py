"""A run: one occurrence of a schedule, with a session for each of its targets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import evolve, field, frozen

from flowpilot_core.domain.access.account import User, UserState
from flowpilot_core.domain.kernel.actor import Person, System
from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, InvalidValues, RoleForbidden
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import (
    AccountId,
    BranchId,
    MaintenanceNoticeId,
    MaintenanceRunId,
    MaintenanceScheduleId,
    SessionId,
    UserId,
)
from flowpilot_core.domain.kernel.permissions import OWNERS_AND_ADMINS, Permission, require_role
from flowpilot_core.domain.kernel.sending import DELIVERY, MOST_ATTEMPTS, DeliveryMove, DeliveryState
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.knowledge.content import Content
from flowpilot_core.domain.knowledge.parameter import Matches, Value
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.knowledge.walking import begun
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.domain.sessions.walk import Waiting, Walk
from flowpilot_core.domain.sessions.window import Window, client_key

from .schedule import Plan, Schedule, Target

_ENDED = frozenset({Status.RESOLVED, Status.ABANDONED})
CAUSE = "maintenance schedule"
"""Why the system starts a session."""


class RunState(StrEnum):
    """How far a run is."""

    STARTING = "starting"
    STARTED = "started"
    BLOCKED = "blocked"
    """Something that it needs is gone: `Run.problem` says what."""


@frozen(kw_only=True)
class RunTarget:
    """A target, and the session that was started for it."""

    target: Target
    session_id: SessionId | None = None
    """None: not yet, or never."""
    status: Status | None = None
    """Where that session stands."""
    steps: int = 0
    """That it has."""
    node: Waiting | None = None
    """That waits in its active branch; None where it follows no tree there, or is at an end."""
    parked_with: frozenset[UserId] = frozenset()
    """Who alone may know of it while it is parked, beside account owners and admins."""

    def with_session(
        self, session_id: SessionId, status: Status, steps: int, walk: Walk | None, branch_id: BranchId, parked_with: frozenset[UserId]
    ) -> "RunTarget":
        """With its session as that stands; `branch_id` is the branch that is worked in."""
        place = None if walk is None else walk.at(branch_id)
        node = place.waiting if place is not None and status not in _ENDED else None
        return evolve(self, session_id=session_id, status=status, steps=steps, node=node, parked_with=parked_with)

    def without_session(self) -> "RunTarget":
        """As whoever may not know of its session reads it."""
        return RunTarget(target=self.target)


@frozen(kw_only=True)
class Run:
    """One occurrence as it was when it came due: what happens to its schedule later is nothing to it."""

    id: MaintenanceRunId
    schedule_id: MaintenanceScheduleId
    occurrence_at: datetime
    """When it was due; of a schedule, one run each."""
    until: datetime
    """The end of its window."""
    plan: Plan
    targets: tuple[RunTarget, ...]
    state: RunState = RunState.STARTING
    problem: str | None = None
    is_open: bool = True
    """Whether its window is yet to be put away."""
    created_at: datetime

    @classmethod
    def of(cls, schedule: Schedule, run_id: MaintenanceRunId, occurrence_at: datetime, *, at: datetime) -> "Run":
        """A new one; the window of one that was missed is over."""
        until = occurrence_at + schedule.plan.duration
        return cls(
            id=run_id,
            schedule_id=schedule.id,
            occurrence_at=occurrence_at,
            until=until,
            is_open=at < until,
            plan=schedule.plan,
            targets=tuple(RunTarget(target=target) for target in schedule.plan.targets),
            created_at=at,
        )

    @property
    def window(self) -> Window:
        """What the sessions of its clients carry while it lasts."""
        clients = tuple(sorted({client_key(one.client_name) for one in self.plan.targets if one.client_name}))
        return Window(schedule_id=self.schedule_id, name=self.plan.name, until=self.until, quiet=self.plan.quiet, clients=clients)

    @property
    def waiting(self) -> int | None:
        """The number of the target that comes next; None where none is left."""
        return next((number for number, one in enumerate(self.targets) if one.session_id is None), None)

    @property
    def sessions_started(self) -> int:
        """How many targets have their session."""
        return sum(one.session_id is not None for one in self.targets)

    @property
    def sessions_ended(self) -> int:
        """How many of those nobody works on any more."""
        return sum(one.status in _ENDED for one in self.targets)

    def with_session(self, number: int, session_id: SessionId) -> "Run":
        """After a session was started for a target."""
        one = evolve(self.targets[number], session_id=session_id, status=Status.ACTIVE)
        return evolve(self, targets=(*self.targets[:number], one, *self.targets[number + 1 :]))

    def finished(self) -> "Run":
        """Every target has its session."""
        return evolve(self, state=RunState.STARTED)

    def blocked(self, problem: str) -> "Run":
        """No further session is started; where none was, there is no window either."""
        nobody = all(one.session_id is None for one in self.targets)
        return evolve(self, state=RunState.BLOCKED, problem=problem, is_open=self.is_open and not nobody)

    def closed(self) -> "Run":
        """Its window is over."""
        return evolve(self, is_open=False)


@frozen(kw_only=True)
class Footing:
    """What a run stands on: who does it, and the tree that they follow, as they are now."""

    account_id: AccountId
    assignee: User
    tree: Tree | None = None
    revision: int = 0
    content: Content | None = None
    tree_gone: bool = False
    parameters: Mapping[str, Value] = field(factory=dict)

    @property
    def person(self) -> Person | None:
        """Whoever does it; None where they are gone, or may not."""
        if self.assignee.state is not UserState.ACTIVE:
            return None
        acting = self.assignee.acting(self.account_id)
        try:
            require_role(acting, Permission.START)
        except RoleForbidden:
            return None
        return acting

    @property
    def gone(self) -> str | None:
        """What it needs and is gone; None where all is there."""
        if self.person is None:
            return f"{self.assignee.name} may start no sessions any more: give the schedule to somebody else"
        if self.tree_gone:
            return "its tree is not offered any more: choose another, or restore it"
        return None

    def problem(self, matches: Matches) -> str | None:
        """Why no session can be started; None where one can."""
        if self.gone is not None:
            return self.gone
        try:
            self.require_values(matches)
        except (InvalidValue, InvalidValues) as wrong:
            return f"what the schedule gives its tree is not what that asks for: {wrong}"
        return None

    def require_values(self, matches: Matches) -> None:
        """Raises `InvalidValue` or `InvalidValues` where no walk can begin with what is given."""
        if self.content is None and self.parameters:
            raise InvalidValue("parameters", "are a tree's: name one that is offered")
        # Whose branch it is makes no difference to what is asked for.
        self.walk(BranchId(self.assignee.id), matches)

    def walk(self, branch_id: BranchId, matches: Matches) -> Walk | None:
        """The tree at its first node; None without one. Raises as `walking.begun` does."""
        if self.tree is None or self.content is None:
            return None
        return begun(self.tree, self.revision, self.content, self.parameters, branch_id, matches)


def started(
    run: Run,
    number: int,
    footing: Footing,
    session_id: SessionId,
    branch_id: BranchId,
    *,
    matches: Matches,
    by: System,
    at: datetime,
) -> tuple[Session, tuple[Event, ...]]:
    """The session of one target, its assignee's, following the tree; `by` is on record as who started it."""
    person = footing.person
    if person is None:
        raise InvalidTransition("maintenance run", run.state, "start")
    target = run.targets[number].target
    session, event = Session.started(
        session_id,
        root_branch_id=branch_id,
        title=run.plan.title(target),
        problem=target.notes if target.notes and target.notes.strip() else f"Maintenance: {run.plan.name}",
        client_name=target.client_name,
        by=person,
        at=at,
    )
    events = [event]
    walk = footing.walk(branch_id, matches)
    if walk is not None:
        session, event = session.walking(walk, by=person, at=at)
        events.append(event)
    return session, tuple(evolve(one, by=None, cause=by.cause) for one in events)


@frozen(kw_only=True)
class Notice:
    """A mail to one person about one run; nobody gets a second one about it."""

    id: MaintenanceNoticeId
    run_id: MaintenanceRunId
    user_id: UserId
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    last_error: str | None = None

    def taken(self) -> "Notice":
        """About to be sent, once more."""
        return evolve(self, state=self._moved(DeliveryMove.TAKE), attempts=self.attempts + 1)

    def sent(self) -> "Notice":
        """Accepted by the mail server."""
        return evolve(self, state=self._moved(DeliveryMove.SEND), last_error=None)

    def failed(self, problem: str, *, permanent: bool) -> "Notice":
        """Not accepted: to be tried again, or dead."""
        move = DeliveryMove.GIVE_UP if permanent or self.attempts >= MOST_ATTEMPTS else DeliveryMove.FAIL
        return evolve(self, state=self._moved(move), last_error=problem)

    def suppressed(self, reason: str) -> "Notice":
        """No longer worth sending."""
        return evolve(self, state=self._moved(DeliveryMove.SUPPRESS), last_error=reason)

    def _moved(self, move: DeliveryMove) -> DeliveryState:
        return advance(DELIVERY, self.state, move, thing="notice")


def told(run: Run, people: Sequence[User]) -> tuple[UserId, ...]:
    """Who is told of a run: whoever does it; of one that is blocked, account owners and admins."""
    if run.state is not RunState.BLOCKED:
        return (run.plan.assignee_id,)
    return tuple(one.id for one in people if one.role in OWNERS_AND_ADMINS and one.state is UserState.ACTIVE)
