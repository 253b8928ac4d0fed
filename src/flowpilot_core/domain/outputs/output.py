"""A resolution output: what a resolved session leaves behind for its ticket, for colleagues or for the client, and its states."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import InvalidTransition, NotFound, VersionConflict
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import OutputId, SessionId, UserId
from flowpilot_core.domain.kernel.name import printable
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import text
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.psa.post import TO_POST, PostState, PsaPost
from flowpilot_core.domain.sessions.session import SESSION, Session, SessionMove


class OutputKind(StrEnum):
    """Whom an output is for: the ticket, colleagues who meet the same again, or the client."""

    PSA_NOTE = "psa_note"
    KB_ARTICLE = "kb_article"
    CLIENT_SUMMARY = "client_summary"


class OutputState(StrEnum):
    """How far an output is, as it reads now; `failed` could not be posted, or not yet."""

    DRAFT = "draft"
    APPROVED = "approved"
    POSTING = "posting"
    POSTED = "posted"
    FAILED = "failed"


class OutputMove(StrEnum):
    """What can happen to an output."""

    EDIT = "edit"
    APPROVE = "approve"
    POST = "post"
    LAND = "land"
    FAIL = "fail"


OUTPUT: Mapping[tuple[OutputState, OutputMove], OutputState] = MappingProxyType(
    {
        (OutputState.DRAFT, OutputMove.EDIT): OutputState.DRAFT,
        (OutputState.DRAFT, OutputMove.APPROVE): OutputState.APPROVED,
        (OutputState.APPROVED, OutputMove.EDIT): OutputState.DRAFT,
        (OutputState.APPROVED, OutputMove.POST): OutputState.POSTING,
        (OutputState.POSTING, OutputMove.LAND): OutputState.POSTED,
        (OutputState.POSTING, OutputMove.FAIL): OutputState.FAILED,
        (OutputState.FAILED, OutputMove.LAND): OutputState.POSTED,
        (OutputState.FAILED, OutputMove.FAIL): OutputState.FAILED,
        (OutputState.FAILED, OutputMove.EDIT): OutputState.DRAFT,
        (OutputState.POSTED, OutputMove.EDIT): OutputState.DRAFT,
    }
)
"""A version is approved as it reads and posted once; whoever changes it starts over with the next version."""


class Author(StrEnum):
    """Who or what wrote a version."""

    RULES = "rules"
    MODEL = "model"
    PERSON = "person"


@frozen(kw_only=True)
class OutputVersion:
    """An output as it read once; it never changes."""

    number: int
    body: str
    made_by: Author
    model: str | None = None
    """Which one, where a model wrote it."""
    by: UserId | None = None
    """Who asked for it, or wrote it; None: it came later, from a model."""
    at: datetime


@frozen(kw_only=True)
class Output:
    """One output of one session, with all its versions, oldest first."""

    id: OutputId
    session_id: SessionId
    kind: OutputKind
    state: OutputState = OutputState.DRAFT
    versions: tuple[OutputVersion, ...]
    pending: bool = False
    """Whether a model is asked for a better one."""
    problem: str | None = None
    """Why the one of the rules was left as it is."""
    approved_by: UserId | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def version(self) -> int:
        """The number of the one that counts."""
        return self.versions[-1].number

    @property
    def body(self) -> str:
        """As it reads now."""
        return self.versions[-1].body

    @property
    def offers(self) -> frozenset[OutputMove]:
        """The moves that its state allows to whoever may document its session."""
        return frozenset(move for state, move in OUTPUT if state is self.state)

    @classmethod
    def made(
        cls, output_id: OutputId, session: Session, kind: OutputKind, body: str, *, pending: bool = False, by: Person, at: datetime
    ) -> "tuple[Output, Event]":
        """By rules, from a resolved session. Raises `RoleForbidden`, or `InvalidTransition` unless it is resolved."""
        _require_documented(session, by)
        first = OutputVersion(number=1, body=body, made_by=Author.RULES, by=by.user_id, at=at)
        output = cls(id=output_id, session_id=session.id, kind=kind, versions=(first,), pending=pending, created_at=at, updated_at=at)
        return output, output._event(EventKind.OUTPUT_MADE, by)

    def edited(self, session: Session, body: str, *, by: Person, at: datetime) -> "tuple[Output, Event]":
        """Another version, to be approved anew. Raises `RoleForbidden` or `InvalidTransition`."""
        _require_documented(session, by)
        state = self._moved(OutputMove.EDIT)
        at = self._not_before(at)
        new = OutputVersion(number=self.version + 1, body=body, made_by=Author.PERSON, by=by.user_id, at=at)
        output = evolve(self, state=state, versions=(*self.versions, new), pending=False, approved_by=None, updated_at=at)
        return output, output._event(EventKind.OUTPUT_EDITED, by)

    def bettered(self, body: str, model: str, *, by: Actor, at: datetime) -> "tuple[Output, Event]":
        """A model's version in the place of the rules'. Raises `InvalidTransition` once somebody has taken it up as it was."""
        self._require_pending()
        at = self._not_before(at)
        new = OutputVersion(number=self.version + 1, body=body, made_by=Author.MODEL, model=model, at=at)
        output = evolve(self, state=self._moved(OutputMove.EDIT), versions=(*self.versions, new), pending=False, updated_at=at)
        return output, output._event(EventKind.OUTPUT_EDITED, by)

    def left(self, problem: str) -> "Output":
        """As the rules made it, since no model bettered it."""
        return evolve(self, pending=False, problem=problem) if self.pending else self

    def approved(self, session: Session, *, by: Person, at: datetime) -> "tuple[Output, Event]":
        """Fit to leave, as it reads now. Raises `RoleForbidden` or `InvalidTransition`."""
        _require_documented(session, by)
        state = self._moved(OutputMove.APPROVE)
        output = evolve(self, state=state, approved_by=by.user_id, pending=False, updated_at=self._not_before(at))
        return output, output._event(EventKind.OUTPUT_APPROVED, by)

    def given_to_post(self, session: Session, *, by: Person, at: datetime) -> "tuple[Output, Event]":
        """On its way to the session's ticket. Raises `RoleForbidden`, or `InvalidTransition` unless it is approved and has a ticket."""
        _require_documented(session, by)
        state = self._moved(OutputMove.POST)
        if session.ticket is None:
            raise InvalidTransition("session", "without a ticket", OutputMove.POST)
        output = evolve(self, state=state, updated_at=self._not_before(at))
        return output, output._event(EventKind.OUTPUT_POSTED, by)

    def settled(self, post: PsaPost, *, at: datetime) -> "Output":
        """What came of its post, unless that is still on its way, or was of an earlier version."""
        if post.state in TO_POST or post.output_version != self.version:
            return self
        move = OutputMove.LAND if post.state is PostState.POSTED else OutputMove.FAIL
        return evolve(self, state=self._moved(move), updated_at=self._not_before(at))

    def require_of(self, session_id: SessionId) -> None:
        """Raises `NotFound` where it is another session's."""
        if self.session_id != session_id:
            raise NotFound("output")

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` where the caller acted on another version than this one."""
        if expected is not None and expected != self.version:
            raise VersionConflict("output", expected, self.version)

    def _require_pending(self) -> None:
        if not self.pending:
            raise InvalidTransition("output", self.state, "better")

    def _not_before(self, at: datetime) -> datetime:
        return max(at, self.updated_at)

    def _moved(self, move: OutputMove) -> OutputState:
        return advance(OUTPUT, self.state, move, thing="output")

    def _event(self, kind: EventKind, by: Actor) -> Event:
        return Event.of(
            kind,
            by=by,
            at=self.updated_at,
            session_id=self.session_id,
            changed={"output_id": str(self.id), "kind": self.kind, "version": self.version, "state": self.state},
        )


def written_by(output: Output) -> Sequence[UserId]:
    """Whose names stand beside it."""
    people = (*(one.by for one in output.versions), output.approved_by)
    return [one for one in people if one is not None]


def checked_body(body: str) -> str:
    """What somebody writes in an output, with nothing in it that does not show. Raises `InvalidValue`."""
    return text("body", printable(text("body", body)))


def _require_documented(session: Session, by: Person) -> None:
    require_role(by, Permission.DOCUMENT)
    advance(SESSION, session.status, SessionMove.DOCUMENT, thing="session")
