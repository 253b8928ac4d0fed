"""Where sessions are kept, and what people think of their steps."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId, PictureId, SessionId, StepId, UserId
from flowpilot_core.domain.sessions.feedback import Judgement, Rating, Seen, Thumbs
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Priority, Session, Status, Ticket
from flowpilot_core.domain.sessions.step import Step

from .kernel import Entry, KernelWork


class Feedback(Protocol):
    """Who has seen what, and what they think of it, in one account, inside one unit of work.

    Keeping something raises `NotFound` (now or at the commit) where what it is about, or whose it is, is not of this account.
    """

    async def see(self, seen: Seen) -> None:
        """Keep that somebody looked at a handoff; whoever did before has done so since then."""

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """Who has looked at a handoff."""

    async def judge(self, judgement: Judgement) -> None:
        """Keep a verdict, in place of an earlier one of the same person on the same handoff."""

    async def rate(self, rating: Rating) -> None:
        """Keep a rating, in place of an earlier one of the same person of the same step."""

    async def judgements(self, handoff_id: HandoffId) -> tuple[Judgement, ...]:
        """The verdicts on a handoff, the oldest first."""

    async def ratings(self, session_id: SessionId, step_id: StepId) -> tuple[Rating, ...]:
        """The ratings of a step, the oldest first."""


@frozen(kw_only=True)
class SessionDetail:
    """A session with all that stands around it."""

    session: Session
    steps: tuple[Step, ...]
    """All of them, by number."""
    handoffs: tuple[Handoff, ...]
    """All of them, parks too, oldest first: whoever shows them leaves out what the reader may not know of."""
    names: Mapping[UserId, str]
    """What everybody on record here is called."""
    thumbs: Mapping[StepId, Thumbs] = field(factory=dict)
    """Of the steps that anybody rated."""

    @property
    def priority(self) -> Priority:
        """How urgent it is: its escalation says so while there is one."""
        asked = (one.priority for one in self.handoffs if one.id == self.session.escalation_id)
        return next(asked, self.session.priority)


@frozen(kw_only=True)
class StoredPicture:
    """A picture of a step of a session, with the bytes that were kept."""

    session: Session
    picture: Picture
    content: bytes


@frozen(kw_only=True)
class SessionFilter:
    """Which sessions to list; None: all."""

    status: Status | None = None
    assignee_id: UserId | None = None
    ticket: Ticket | None = None


class Sessions(Protocol):
    """The sessions of one account and their steps, inside one unit of work."""

    async def get(self, session_id: SessionId) -> Session:
        """The session with its branches, without its steps. Raises `NotFound`."""

    async def detail(self, session_id: SessionId) -> SessionDetail:
        """The session with all its steps, as this unit of work has left it so far. Raises `NotFound`."""

    async def step(self, session_id: SessionId, step_id: StepId) -> Step:
        """Raises `NotFound`, also for a step of another session."""

    async def add(self, session: Session) -> None:
        """Keep a new session."""

    async def save(self, session: Session) -> Session:
        """Keep a changed session; returns it with the next `version`.

        Raises `Stale` (now, or at the latest at the commit) where the stored version is no longer that of `session`.
        """

    async def know_ticket(self, session_id: SessionId, facts: Mapping[str, Plain], *, client_name: str | None) -> None:
        """Keep what a session's ticket says, and the client's name where nobody gave one.

        The session has no other version for that, so that nobody who works on it is refused, and whoever saves it takes nothing back.
        """

    async def add_step(self, step: Step) -> None:
        """Keep a new step; its session is saved beside it."""

    async def save_step(self, step: Step) -> None:
        """Keep a step's branch, result, evidence, and what it says of its pictures."""

    async def add_picture(self, step: Step, picture_id: PictureId, content: bytes) -> None:
        """Keep the bytes of a new picture of a step that is saved beside it."""


class SessionWork(KernelWork, Protocol):
    """A unit of work over sessions."""

    @property
    def sessions(self) -> Sessions:
        """The sessions."""

    @property
    def feedback(self) -> Feedback:
        """Who has seen what, and what they think of it."""


class SessionView(Protocol):
    """What there is to see of sessions in one account."""

    async def session(self, session_id: SessionId) -> SessionDetail:
        """Raises `NotFound`."""

    async def picture(self, session_id: SessionId, step_id: StepId, picture_id: PictureId) -> StoredPicture:
        """A picture of that step. Raises `NotFound`."""

    async def details(self, session_ids: Sequence[SessionId]) -> Sequence[SessionDetail]:
        """These sessions, in this order, all read at once. Raises `NotFound` where one of them is not there."""

    async def sessions(
        self, where: SessionFilter, reader: Actor, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """Sessions that `reader` may read, newest (greatest id) first, and the names of who is on record in them."""

    async def timeline(self, session_id: SessionId, reader: Actor, *, after: int, limit: int) -> Sequence[Entry]:
        """Events of a session with a number above `after`, by number, without the private ones that `reader` may not read.

        Raises `NotFound` for a session that does not exist, or is parked and private to others.
        """
