"""A handoff: one transfer of a session, and the moves it allows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import Attribute, evolve, field, frozen

from flowpilot_core.domain.kernel.actor import Actor, Person, acts
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, InvalidTransition, NotAssignee, NotFound, OwnHandoff, VersionConflict
from flowpilot_core.domain.kernel.events import Event, EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import BranchId, HandoffId, SessionId, TeamId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, permits, require, require_role
from flowpilot_core.domain.kernel.text import counted, optional_text
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.feedback import Judgement, Seen, Verdict
from flowpilot_core.domain.sessions.session import Priority, Session, Status, Ticket
from flowpilot_core.domain.sessions.window import Window, lasting


class Intent(StrEnum):
    """What a handoff is for: to rest and be resumed, or to be taken by somebody else."""

    PARK = "park"
    ESCALATE = "escalate"


class HandoffState(StrEnum):
    """Where a handoff stands."""

    OPEN = "open"
    RESUMED = "resumed"
    CLAIMED = "claimed"
    WITHDRAWN = "withdrawn"


class HandoffMove(StrEnum):
    """What can be done to a handoff."""

    RESUME = "resume"
    CLAIM = "claim"
    UNCLAIM = "unclaim"
    LAPSE = "lapse"
    REROUTE = "reroute"
    WITHDRAW = "withdraw"
    JUDGE = "judge"


Due = Callable[[Priority, datetime], datetime | None]
"""When something of an urgency that waits since then should have been taken."""


def never_due(priority: Priority, since: datetime) -> None:
    """Where the account has not said."""


Moves = Mapping[tuple[HandoffState, HandoffMove], HandoffState]

PARK: Moves = MappingProxyType({(HandoffState.OPEN, HandoffMove.RESUME): HandoffState.RESUMED})
ESCALATION: Moves = MappingProxyType(
    {
        (HandoffState.OPEN, HandoffMove.CLAIM): HandoffState.CLAIMED,
        (HandoffState.OPEN, HandoffMove.REROUTE): HandoffState.OPEN,
        (HandoffState.OPEN, HandoffMove.WITHDRAW): HandoffState.WITHDRAWN,
        (HandoffState.CLAIMED, HandoffMove.UNCLAIM): HandoffState.OPEN,
        (HandoffState.CLAIMED, HandoffMove.LAPSE): HandoffState.OPEN,
        (HandoffState.CLAIMED, HandoffMove.JUDGE): HandoffState.CLAIMED,
    }
)
HANDOFF: Mapping[Intent, Moves] = MappingProxyType({Intent.PARK: PARK, Intent.ESCALATE: ESCALATION})


@frozen(kw_only=True)
class Claim:
    """Who took an escalation, and how far the session was then."""

    by: UserId
    at: datetime
    step_count: int
    branch_count: int


@frozen(kw_only=True)
class Brief:
    """What a senior decides by in the queue, frozen with the snapshot."""

    title: str
    client_name: str | None
    ticket: Ticket | None
    headline: str
    branch_count: int
    step_count: int

    @property
    def so_far(self) -> str:
        """What was done so far, in one line."""
        return f"{self.headline} ({counted(self.step_count, 'step', 'steps')} in {counted(self.branch_count, 'branch', 'branches')})"


@frozen(kw_only=True)
class Handoff:
    """One transfer of a session: a park, which is private, or an escalation, which waits in the queue to be claimed.

    Every move raises `RoleForbidden`, `NotAssignee` or `InvalidTransition`, and returns the handoff as it is afterwards with
    the event that says so. `version` is the repository's.
    """

    id: HandoffId
    version: int = 1
    session_id: SessionId
    intent: Intent
    state: HandoffState = HandoffState.OPEN
    reason: str
    note: str | None = None
    priority: Priority
    team_id: TeamId | None = None
    user_id: UserId | None = None
    escalated_by: UserId
    """Of a park: who parked."""
    escalated_at: datetime
    claim: Claim | None = field(default=None)
    readers: frozenset[UserId] = frozenset()
    """Of a park: whoever was the session's assignee while it was parked, and so may read of it later."""
    wake_at: datetime | None = None
    """Of a park: when its parker wants to be reminded of it."""
    due_at: datetime | None = None
    """Of an escalation: when somebody should have taken it."""
    reroutes: int = 0
    """How often it was rerouted."""
    lapses: int = 0
    """How many claims of it lapsed."""
    unclaims: int = 0
    """How many claims of it were given back."""
    snapshot_digest: str
    """SHA-256 of the frozen snapshot, in hex."""
    brief: Brief
    window: Window | None = None
    """In which maintenance window its client is, as a session's."""

    @claim.validator
    def _claimed_by_somebody(self, _: "Attribute[Claim | None]", claim: Claim | None) -> None:
        if (self.state is HandoffState.CLAIMED) is not (claim is not None):
            raise ValueError(f"a handoff that is {self.state} has {'no' if claim is None else 'a'} claim")

    def as_of(self, at: datetime) -> "Handoff":
        """Without a maintenance window that is over by then."""
        return self if self.window is lasting(self.window, at) else evolve(self, window=None)

    def readable_by(self, actor: Actor) -> bool:
        """Whether the actor may know of it: of an escalation all of the account, of a park its readers, account owners and admins."""
        return self.intent is Intent.ESCALATE or permits(actor, Permission.READ_PARKED, self.readers)

    def require_readable(self, actor: Actor) -> None:
        """Raises `NotFound` for whom it does not exist."""
        if not self.readable_by(actor):
            raise NotFound("handoff")

    def offers(self, actor: Actor, session: Session | None = None) -> frozenset[HandoffMove]:
        """The moves to show the actor: those that its state and the actor's role allow; giving it back only where its session does."""
        kept = session is None or session.status is not Status.ACTIVE or not self._can_be_given_back(session)
        return frozenset(
            move
            for move, (permission, related) in OFFERED.items()
            if (move is not HandoffMove.CLAIM or may_claim(actor, self.escalated_by))
            and not (kept and move is HandoffMove.UNCLAIM)
            and (self.state, move) in HANDOFF[self.intent]
            and permits(actor, permission, related(self))
        )

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` where the caller acted on another version than this one."""
        if expected is not None and expected != self.version:
            raise VersionConflict("handoff", expected, self.version)

    def require_claimable(self, *, by: Person) -> HandoffState:
        """The state that a claim by `by` leads to. Raises as `claimed` does, whatever its session says."""
        require_role(by, Permission.CLAIM)
        if self.intent is Intent.ESCALATE and by.user_id == self.escalated_by:
            raise OwnHandoff(self.id)
        if self.claim:
            raise AlreadyClaimed(self.id, self.claim.by, self.claim.at)
        return self._advance(HandoffMove.CLAIM)

    def claimed(self, session: Session, *, branch_id: BranchId | None = None, by: Person, at: datetime) -> "tuple[Handoff, Session, Event]":
        """Taken by `by`, who is the session's assignee from now on, and goes on in the branch named or else where work stopped.

        Raises also `NotFound` for a branch that its session does not have, `OwnHandoff` for its escalator, and `AlreadyClaimed` where
        somebody was first.
        """
        if branch_id is not None:
            session.branches.get(branch_id)
        state = self.require_claimable(by=by)
        at = max(at, self.escalated_at)
        claim = Claim(by=by.user_id, at=at, step_count=session.step_count, branch_count=len(session.branches.all))
        return (
            evolve(self, state=state, claim=claim),
            session.claimed(by.user_id, branch_id=branch_id, at=at),
            self._event(EventKind.HANDOFF_CLAIMED, by, at, **claim_told(by.user_id, branch_id)),
        )

    def unclaimed(self, session: Session, *, by: Person, at: datetime) -> "tuple[Handoff, Session, Event]":
        """Given back by its claimer, who has added nothing; the wait goes on as if it had never been claimed."""
        require(by, Permission.UNCLAIM, self.session_id, *((self.claim.by,) if self.claim else (by.user_id,)))
        state = self._advance(HandoffMove.UNCLAIM)
        if not self._can_be_given_back(session):
            raise InvalidTransition("handoff", self.state, HandoffMove.UNCLAIM)
        if session.assignee_id != by.user_id:
            raise NotAssignee(self.session_id)
        return evolve(self, unclaims=self.unclaims + 1)._reopened(state, session, EventKind.HANDOFF_UNCLAIMED, by, at)

    def lapsed(self, session: Session, *, by: Actor, at: datetime) -> "tuple[Handoff, Session, Event]":
        """Given back by time, because the claim went quiet; steps added since stay."""
        require(by, Permission.LAPSE, self.session_id)
        state = self._advance(HandoffMove.LAPSE)
        if session.latest_handoff_id != self.id:
            raise InvalidTransition("handoff", self.state, HandoffMove.LAPSE)
        return evolve(self, lapses=self.lapses + 1)._reopened(state, session, EventKind.HANDOFF_LAPSED, by, at)

    def rerouted(
        self,
        *,
        team_id: TeamId | None = None,
        user_id: UserId | None = None,
        priority: Priority | None = None,
        due: Due = never_due,
        by: Person,
        at: datetime,
    ) -> "tuple[Handoff, Event]":
        """Meant for another team or person, or of another urgency, with the wait it has.

        A team or person that is named replaces both; where neither is, both stay. Another urgency has its own due time, as `due`
        says, counted from the escalation.
        """
        require(by, Permission.REROUTE, self.session_id)
        state = self._advance(HandoffMove.REROUTE)
        if team_id is None and user_id is None:
            team_id, user_id = self.team_id, self.user_id
        reroutes = self.reroutes + 1
        rerouted = evolve(self, state=state, team_id=team_id, user_id=user_id, priority=priority or self.priority, reroutes=reroutes)
        if priority not in (None, self.priority):
            rerouted = evolve(rerouted, due_at=due(rerouted.priority, self.escalated_at))
        return rerouted, self._event(
            EventKind.HANDOFF_REROUTED,
            by,
            max(at, self.escalated_at),
            team_id=str(team_id) if team_id else None,
            user_id=str(user_id) if user_id else None,
            priority=rerouted.priority,
        )

    def withdrawn(self, session: Session, *, by: Actor, at: datetime) -> "tuple[Handoff, Session, Event]":
        """Taken out of the queue; its session is active again with the assignee it had."""
        require(by, Permission.WITHDRAW, self.session_id, self.escalated_by)
        state = self._advance(HandoffMove.WITHDRAW)
        session = session.withdrawn(at=at)
        return evolve(self, state=state), session, self._event(EventKind.HANDOFF_WITHDRAWN, by, session.updated_at, state=state)

    def reminded(self, number: int, people: int, channels: Sequence[str], *, by: Actor, at: datetime) -> Event:
        """That so many people were told again that it waits, and over which channels."""
        require(by, Permission.REMIND, self.session_id)
        return self._event(EventKind.HANDOFF_REMINDED, by, max(at, self.escalated_at), number=number, people=people, channels=[*channels])

    def seen(self, *, by: Person, at: datetime) -> "tuple[Seen, Event | None]":
        """That somebody has looked at it; of a park nobody else hears."""
        seen = Seen(handoff_id=self.id, user_id=by.user_id, seen_at=at)
        told = self.intent is Intent.ESCALATE
        return seen, self._event(EventKind.HANDOFF_SEEN, by, max(at, self.escalated_at)) if told else None

    def judged(self, verdict: Verdict, comment: str | None, *, by: Person, at: datetime) -> "tuple[Judgement, Event]":
        """What its claimer thinks of its having been escalated. Raises also `InvalidValue`."""
        comment = optional_text("comment", comment)
        require(by, Permission.JUDGE, self.session_id, *((self.claim.by,) if self.claim else (by.user_id,)))
        self._advance(HandoffMove.JUDGE)
        judgement = Judgement(handoff_id=self.id, user_id=by.user_id, verdict=verdict, comment=comment, given_at=max(at, self.escalated_at))
        return judgement, self._event(EventKind.HANDOFF_JUDGED, by, judgement.given_at, verdict=verdict)

    def resumed(self) -> "Handoff":
        """The park that ends as its session is resumed; who may is the session's to check."""
        return evolve(self, state=self._advance(HandoffMove.RESUME))

    def _reopened(
        self, state: HandoffState, session: Session, kind: EventKind, by: Actor, at: datetime
    ) -> "tuple[Handoff, Session, Event]":
        session = session.given_back(self.escalated_by, at=at)
        event = self._event(kind, by, session.updated_at, state=state, assignee_id=str(self.escalated_by))
        return evolve(self, state=state, claim=None), session, event

    def _can_be_given_back(self, session: Session) -> bool:
        """Whether nothing was added since it was claimed, and it was not handed off again."""
        claim = self.claim
        untouched = claim is not None and (claim.step_count, claim.branch_count) == (session.step_count, len(session.branches.all))
        return untouched and session.latest_handoff_id == self.id

    def _advance(self, move: HandoffMove) -> HandoffState:
        return advance(HANDOFF[self.intent], self.state, move, thing="handoff")

    def _event(self, kind: EventKind, by: Actor, at: datetime, **changed: Plain) -> Event:
        return Event.of(kind, by=by, at=at, session_id=self.session_id, handoff_id=self.id, changed=changed)


def may_claim(actor: Actor, escalated_by: UserId) -> bool:
    """Whether the actor may take what somebody escalated, while it is open."""
    return permits(actor, Permission.CLAIM, ()) and acts(actor) != escalated_by


def claim_told(by: UserId, branch_id: BranchId | None) -> dict[str, Plain]:
    """What the event of a claim says: who has it now, and where they chose to go on."""
    chosen: dict[str, Plain] = {} if branch_id is None else {"branch_id": str(branch_id)}
    return {"state": HandoffState.CLAIMED, "assignee_id": str(by), **chosen}


def _anybody(_: Handoff) -> tuple[UserId, ...]:
    return ()


def _claimer(handoff: Handoff) -> tuple[UserId, ...]:
    return (handoff.claim.by,) if handoff.claim else ()


def _escalator(handoff: Handoff) -> tuple[UserId, ...]:
    return (handoff.escalated_by,)


OFFERED: Mapping[HandoffMove, tuple[Permission, Callable[[Handoff], tuple[UserId, ...]]]] = MappingProxyType(
    {
        HandoffMove.CLAIM: (Permission.CLAIM, _anybody),
        HandoffMove.UNCLAIM: (Permission.UNCLAIM, _claimer),
        HandoffMove.REROUTE: (Permission.REROUTE, _anybody),
        HandoffMove.WITHDRAW: (Permission.WITHDRAW, _escalator),
        HandoffMove.JUDGE: (Permission.JUDGE, _claimer),
    }
)
"""The moves that people choose to make, each with what it takes and who stands in its relation to the handoff."""
