"""A post: one thing that is done on one ticket, a note most often, with its state and attempts."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import evolve, frozen

from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId, OutputId, PsaConnectionId, PsaPostId, SessionId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.sending import MOST_ATTEMPTS
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.session import Session, Status

from .connection import NoteKind, TicketAction


class PostState(StrEnum):
    """How far a post is; `failed` will be tried again, `dead` will not."""

    PENDING = "pending"
    SENDING = "sending"
    POSTED = "posted"
    FAILED = "failed"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


class PostMove(StrEnum):
    """What can happen to a post."""

    TAKE = "take"
    POST = "post"
    FAIL = "fail"
    GIVE_UP = "give_up"
    SUPPRESS = "suppress"
    RETRY = "retry"


POST: Mapping[tuple[PostState, PostMove], PostState] = MappingProxyType(
    {
        (PostState.PENDING, PostMove.TAKE): PostState.SENDING,
        (PostState.FAILED, PostMove.TAKE): PostState.SENDING,
        (PostState.SENDING, PostMove.TAKE): PostState.SENDING,
        (PostState.PENDING, PostMove.SUPPRESS): PostState.SUPPRESSED,
        (PostState.FAILED, PostMove.SUPPRESS): PostState.SUPPRESSED,
        (PostState.SENDING, PostMove.SUPPRESS): PostState.SUPPRESSED,
        (PostState.SENDING, PostMove.POST): PostState.POSTED,
        (PostState.SENDING, PostMove.FAIL): PostState.FAILED,
        (PostState.PENDING, PostMove.GIVE_UP): PostState.DEAD,
        (PostState.FAILED, PostMove.GIVE_UP): PostState.DEAD,
        (PostState.SENDING, PostMove.GIVE_UP): PostState.DEAD,
        (PostState.DEAD, PostMove.RETRY): PostState.PENDING,
    }
)

TO_POST = frozenset({PostState.PENDING, PostState.FAILED, PostState.SENDING})
"""The states in which there is still something to do."""


def has_moved_on(kind: NoteKind, session: Session, handoff: Handoff | None) -> bool:
    """Whether what an event of this kind meant for the ticket has been overtaken by what came later, so that it is better left alone."""
    match kind:
        case NoteKind.ESCALATED:
            return handoff is None or handoff.state is not HandoffState.OPEN
        case NoteKind.CLAIMED:
            return handoff is None or handoff.state is not HandoffState.CLAIMED or session.status in (Status.RESOLVED, Status.ABANDONED)
        case NoteKind.RESOLVED:
            return session.status is not Status.RESOLVED
        case _:
            return False


@frozen(kw_only=True)
class PsaPost:
    """One note on one ticket, or another thing that is done on it."""

    id: PsaPostId
    connection_id: PsaConnectionId
    session_id: SessionId
    handoff_id: HandoffId | None = None
    ticket_id: str
    kind: NoteKind
    output_id: OutputId | None = None
    """The resolution output that it is, where it is one, in this version."""
    output_version: int | None = None
    public: bool = False
    """Whether the client reads it, whatever the connection's other notes are."""
    action: TicketAction = TicketAction.NOTE
    by: UserId | None = None
    """Whose doing it tells; None: the system's."""
    state: PostState = PostState.PENDING
    reason: str | None = None
    """Why it was suppressed."""
    attempts: int = 0
    """Since it was last asked for."""
    maybe_posted: bool = False
    """Whether some of it may stand on the ticket, so that its markers are looked for first."""
    last_error: str | None = None
    minutes: int | None = None
    """Of work, that it enters; None: it enters none."""
    sent: str | None = None
    """What it says, without secrets; the same at every attempt."""
    vendor_id: str | None = None
    answer: str | None = None
    """What the vendor said to it."""
    created_at: datetime
    updated_at: datetime
    posted_at: datetime | None = None

    def taken(self, *, sent: str, minutes: int | None = None, at: datetime) -> "PsaPost":
        """About to be posted, once more. Where it was so already, a relay died in the middle of it."""
        maybe_posted = self.maybe_posted or self.state is PostState.SENDING
        return evolve(self._moved(PostMove.TAKE, at), attempts=self.attempts + 1, sent=sent, minutes=minutes, maybe_posted=maybe_posted)

    def posted(self, vendor_id: str, answer: str, *, at: datetime) -> "PsaPost":
        """It stands on the ticket."""
        moved = self._moved(PostMove.POST, at)
        return evolve(moved, vendor_id=vendor_id, answer=answer, last_error=None, maybe_posted=True, posted_at=moved.updated_at)

    def failed(self, problem: str, *, permanent: bool, maybe_posted: bool, counts: bool = True, at: datetime) -> "PsaPost":
        """Not posted, or not for sure: to be tried again, or dead where that is useless or it was tried often enough.

        One that does not count was asked for too soon, and failed for no fault of its own.
        """
        move = PostMove.GIVE_UP if permanent or (counts and self.attempts >= MOST_ATTEMPTS) else PostMove.FAIL
        attempts = self.attempts if counts else self.attempts - 1
        return evolve(self._moved(move, at), last_error=problem, attempts=attempts, maybe_posted=self.maybe_posted or maybe_posted)

    def given_up(self, problem: str, *, at: datetime) -> "PsaPost":
        """Dead, without having been tried this time."""
        return evolve(self._moved(PostMove.GIVE_UP, at), last_error=problem)

    def suppressed(self, reason: str, *, at: datetime) -> "PsaPost":
        """No longer wanted."""
        return evolve(self._moved(PostMove.SUPPRESS, at), reason=reason)

    def retried(self, *, by: Actor, at: datetime) -> "PsaPost":
        """A dead one, asked for again. Raises `RoleForbidden`, or `InvalidTransition` unless it is dead."""
        require_role(by, Permission.RETRY_POST)
        return evolve(self._moved(PostMove.RETRY, at), attempts=0)

    def event(self, *, by: Actor) -> Event:
        """That it is in another state now, for the timeline; of a park's note only its readers know."""
        return Event.of(
            EventKind.PSA_POST_CHANGED,
            by=by,
            at=self.updated_at,
            session_id=self.session_id,
            handoff_id=self.handoff_id,
            private=self.kind is NoteKind.PARKED,
            changed={"post_id": str(self.id), "action": self.action, "state": self.state, "problem": self.last_error},
        )

    def _moved(self, move: PostMove, at: datetime) -> "PsaPost":
        return evolve(self, state=advance(POST, self.state, move, thing="post"), updated_at=max(at, self.updated_at))
