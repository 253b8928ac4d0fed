"""Where things are kept: units of work that change them, and views that show them, each bound to one account.

No method here takes an account: a unit of work or a view is opened for one, and what belongs to another does not exist in it.
Wherever a method says it raises `NotFound`, an id of another account raises it just as an unknown one does.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.account import Account, ApiToken, Team, User
from flowpilot_core.domain.actor import Actor, Permission, Person, Role, permits
from flowpilot_core.domain.assessment import Assessment
from flowpilot_core.domain.delivery import Colleague, Delivery, DeliveryState, Told
from flowpilot_core.domain.escalation_policy import EscalationPolicy
from flowpilot_core.domain.events import Event, LoggedEvent, Plain
from flowpilot_core.domain.handoff import Handoff
from flowpilot_core.domain.identifiers import (
    AccountId,
    AssessmentId,
    DeliveryId,
    EventId,
    HandoffId,
    PsaPostId,
    SessionId,
    StepId,
    TeamId,
    UserId,
)
from flowpilot_core.domain.psa_connection import PsaConnection
from flowpilot_core.domain.psa_post import PsaPost
from flowpilot_core.domain.session import Priority, Session, Status, Ticket
from flowpilot_core.domain.similar import ResolvedSession
from flowpilot_core.domain.snapshot import Snapshot
from flowpilot_core.domain.step import Step
from flowpilot_core.domain.suggestion import Suggestion

from .api_tokens import ApiTokens
from .assessments import Assessments, JudgedAssessment
from .audit import AuditLog
from .escalation import Escalation
from .identity import Identities
from .imports import Figures, ImportedCase, Imports
from .invitations import Invitations, Member, TeamDetail
from .opinions import Opinions
from .outbox import Lease, Work
from .outputs import Outputs
from .presence import Presence
from .psa_ledger import PostFilter, PsaLedger
from .psa_members import PsaMembers
from .psa_webhooks import PsaWebhooks
from .secrets import Secrets
from .sign_in_codes import SignInCodes
from .sign_ins import SignIns
from .suggestions import Suggestions
from .token_use import TokenUse
from .webhooks import Webhooks


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


@frozen(kw_only=True)
class HandoffDetail:
    """A handoff with all that stands around it."""

    handoff: Handoff
    chain: tuple[Handoff, ...]
    """The earlier handoffs of its session, parks too, oldest first."""
    told: Told
    names: Mapping[UserId, str]
    assessment: Assessment | None = None
    """The newest that did not fail, or else the newest; None where nobody assesses."""


@frozen(kw_only=True)
class QueueItem:
    """What a senior decides by: one open escalation as the queue shows it."""

    handoff_id: HandoffId
    session_id: SessionId
    title: str
    client_name: str | None
    ticket: Ticket | None
    reason: str
    priority: Priority
    escalated_by: UserId
    escalated_by_name: str
    team_id: TeamId | None
    user_id: UserId | None
    escalated_at: datetime
    due_at: datetime | None
    headline: str
    branch_count: int
    step_count: int


@frozen(kw_only=True)
class QueueFilter:
    """Which open escalations to show; None: all."""

    team_id: TeamId | None = None
    user_id: UserId | None = None
    priority: Priority | None = None


@frozen(kw_only=True)
class QueuePosition:
    """Where in the queue a page ended."""

    rank: int
    escalated_at: datetime
    handoff_id: HandoffId


@frozen(kw_only=True)
class SessionFilter:
    """Which sessions to list; None: all."""

    status: Status | None = None
    assignee_id: UserId | None = None


@frozen(kw_only=True)
class Entry:
    """An event as a timeline shows it, with what its person is called (None: the system)."""

    logged: LoggedEvent
    name: str | None


@frozen(kw_only=True)
class News:
    """An event as open streams tell of it."""

    entry: Entry
    readers: frozenset[UserId] | None
    """Of a private one, whoever was the session's assignee while it was parked; None: it is private to nobody."""

    def readable_by(self, actor: Actor) -> bool:
        """Whether the actor may know of it."""
        return self.readers is None or permits(actor, Permission.READ_PARKED, self.readers)


@frozen(kw_only=True)
class StoredSnapshot:
    """A snapshot's bytes as they were stored."""

    handoff: Handoff
    body: bytes


@frozen(kw_only=True)
class Once:
    """That a request is to be done once, however often it comes."""

    user_id: UserId
    key: str
    fingerprint: bytes
    """Digest of method, path and body."""
    at: datetime
    expired: datetime
    """Keys kept before this time count as unknown."""


@frozen(kw_only=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: bytes


class AlreadyAnswered(Exception):
    """The request with this key was done before: here is the first answer again. Nothing was done now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


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
        """Keep a step's result and evidence."""


class Handoffs(Protocol):
    """The handoffs of one account, inside one unit of work."""

    async def get(self, handoff_id: HandoffId) -> Handoff:
        """Raises `NotFound`."""

    async def detail(self, handoff_id: HandoffId) -> HandoffDetail:
        """The handoff with its surroundings, as this unit of work has left it so far. Raises `NotFound`."""

    async def basis(self, session_id: SessionId, roles: frozenset[Role]) -> tuple[SessionDetail, tuple[Colleague, ...], EscalationPolicy]:
        """All that a handoff of this session is made from: it in detail, the active people with one of `roles`, the account's policy.

        Raises `NotFound`.
        """

    async def add(self, handoff: Handoff, snapshot: Snapshot) -> None:
        """Keep a new handoff and its snapshot."""

    async def save(self, handoff: Handoff) -> Handoff:
        """Keep a changed handoff; returns it with the next `version`. Raises `Stale` as `Sessions.save` does."""

    async def claim(
        self,
        handoff_id: HandoffId,
        *,
        by: Person,
        at: datetime,
        event_id: EventId,
        request_id: str | None,
        expected: int | None,
        commit: bool,
    ) -> HandoffDetail:
        """Take an open escalation: as `Handoff.claimed`, with session, handoff and event kept; of any number at once, one succeeds.

        `expected` is the version the caller acted on, if it said one; `event_id` and `request_id` go on record with the event.
        With `commit` the unit of work is committed in the same trip. Returns the handoff as claimed.
        Raises `NotFound` (also for a park that `by` may not read) or whatever `Handoff.claimed` and `Handoff.require_version`
        raise, in this order; then nothing has changed. `AlreadyClaimed` says by what name.
        """


class People(Protocol):
    """The account itself, its teams, people and tokens, inside one unit of work."""

    async def add_account(self, account: Account) -> None:
        """Keep the account this unit of work was opened for."""

    async def add_user(self, user: User) -> None:
        """Keep a new person. Raises `InvalidValue` for an e-mail address that somebody of the account has, whatever its case."""

    async def save_user(self, user: User) -> None:
        """Keep a changed person; who was held before loses nobody's change."""

    async def hold(self, *user_ids: UserId) -> Mapping[UserId, User]:
        """These people and every active account owner, as they are now; whoever else would hold one of them waits until this ends.

        Raises `NotFound` where one of `user_ids` is nobody's here.
        """

    async def member(self, user_id: UserId) -> Member:
        """Somebody with the invitation they have, as this unit of work has left them so far. Raises `NotFound`."""

    async def add_team(self, team: Team) -> None:
        """Keep a new team. Raises `InvalidValue` for a name that a team of the account has."""

    async def team(self, team_id: TeamId) -> TeamDetail:
        """Archived or not. Raises `NotFound`."""

    async def save_team(self, team: Team) -> None:
        """Keep a changed team. Raises `InvalidValue` as `add_team` does."""

    async def set_members(self, team_id: TeamId, user_ids: Collection[UserId]) -> None:
        """These people are in the team, and nobody else. Raises `NotFound` (now or at the commit) for who or what is not here."""

    async def save_account(self, account: Account) -> None:
        """Keep how the account works from now on; its name, its age and whether it is closed stay."""

    async def set_closed(self, closed_at: datetime | None) -> None:
        """The account is closed since then, or open where that is None: else nobody of it is signed in, and nobody acts or is told."""

    async def account(self) -> Account:
        """Raises `NotFound` where the account does not exist."""

    async def user(self, user_id: UserId) -> User:
        """Active or not. Raises `NotFound`."""

    async def users(self) -> tuple[User, ...]:
        """Everybody, active or not, oldest first."""

    async def teams(self) -> tuple[Team, ...]:
        """All teams, oldest first."""

    async def require_team(self, team_id: TeamId) -> None:
        """Raises `NotFound`, also for a team that is archived."""


@frozen(kw_only=True)
class Mails:
    """The mails of one person."""

    sent: tuple[Delivery, ...]
    """Accepted, or on their way, since the time asked for; of those that were joined only the one that carries the others."""
    waiting: tuple[Delivery, ...]
    """Held back so far, by id."""


class Deliveries(Protocol):
    """The delivery ledger of one account, inside one unit of work."""

    async def add(self, deliveries: Sequence[Delivery], *, not_before: datetime | None = None) -> None:
        """Keep new deliveries, each with the work of sending it due at once, or `not_before` a time, where its channel is in `SENDING`.

        Left out are those for people who are not active any more, and any that is there already: for the same person about the
        same handoff over the same channel, of the same kind and number.
        """

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """Raises `NotFound`."""

    async def save(self, delivery: Delivery) -> None:
        """Keep a changed delivery."""

    async def mails_of(self, user_id: UserId, *, since: datetime) -> Mails:
        """What a person was mailed and is to be; whoever else asks for the same person waits until this unit of work ends."""

    async def carried(self, delivery_id: DeliveryId) -> Sequence[Delivery]:
        """Those that go in the mail of this one, by id."""


class WorkLedger(Protocol):
    """The due work of one account, inside one unit of work: how a relay gives back what it took."""

    async def add(self, work: Work, *, caused_by: EventId | None = None) -> None:
        """Have something done after the commit, not before `work.due_at`; with `caused_by`, only if that event is recorded here."""

    async def finish(self, lease: Lease) -> bool:
        """The work is done, or never will be. False, and nothing changes, where the lease is no longer held."""

    async def postpone(self, lease: Lease, *, seconds: float) -> bool:
        """The work is due again that much later by the database's clock. False as above."""

    async def withdraw(self, work_ids: Sequence[UUID]) -> None:
        """The work is somebody else's now: whoever holds a lease on it has lost it."""

    async def holds(self, lease: Lease) -> bool:
        """Whether the lease is still held, and keeps it so until this unit of work ends."""


class UnitOfWork(Protocol):
    """All or nothing, in one account. Leaving it without `commit` discards everything."""

    @property
    def sessions(self) -> Sessions:
        """The sessions."""

    @property
    def handoffs(self) -> Handoffs:
        """The handoffs."""

    @property
    def people(self) -> People:
        """The people."""

    @property
    def invitations(self) -> Invitations:
        """Who is invited."""

    @property
    def deliveries(self) -> Deliveries:
        """The delivery ledger."""

    @property
    def due(self) -> WorkLedger:
        """The due work."""

    @property
    def escalation(self) -> Escalation:
        """The escalation policy, and how people want to be told."""

    @property
    def presence(self) -> Presence:
        """Who is online."""

    @property
    def opinions(self) -> Opinions:
        """Who has seen what, and what they think of it."""

    @property
    def outputs(self) -> Outputs:
        """What resolved sessions leave behind."""

    @property
    def suggestions(self) -> Suggestions:
        """Next steps that were proposed."""

    @property
    def token_use(self) -> TokenUse:
        """What models used up."""

    @property
    def assessments(self) -> Assessments:
        """The assessments."""

    @property
    def audit(self) -> AuditLog:
        """The audit log."""

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks."""

    @property
    def secrets(self) -> Secrets:
        """The sealed secrets."""

    @property
    def identities(self) -> Identities:
        """The identity providers."""

    @property
    def tokens(self) -> ApiTokens:
        """API tokens."""

    @property
    def sign_ins(self) -> SignIns:
        """The browsers that people are signed in with."""

    @property
    def sign_in_codes(self) -> SignInCodes:
        """The codes that browsers asked for."""

    @property
    def imports(self) -> Imports:
        """The import's ledger."""

    @property
    def psa(self) -> PsaLedger:
        """The PSAs and what was posted there."""

    @property
    def psa_members(self) -> PsaMembers:
        """Who is who in the PSAs."""

    @property
    def psa_webhooks(self) -> PsaWebhooks:
        """The addresses that PSAs call, and the tickets that they told of."""

    async def record(self, event: Event) -> None:
        """Write an event, which has its id; at the commit it gets the next number of the account.

        Raises `Unauthenticated` (now or at the commit) where its person has been deactivated: what they do cannot happen.
        """

    async def keep(self, answer: Answer) -> None:
        """Keep the answer of the request this unit of work was begun `once` for; it commits with the effect."""

    async def commit(self) -> None:
        """Make it all happen; once, a second call does nothing.

        Raises `Stale` where somebody else saved first, `Unavailable` where nothing happened for a reason outside,
        `OutcomeUnknown` where the answer to the commit was lost.
        """


class BeginWork(Protocol):
    """Opens units of work."""

    def __call__(self, account_id: AccountId, once: Once | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        """A unit of work in one account.

        With `once`, entering it or its first method raises `AlreadyAnswered` where the request was answered before,
        `KeyReused` where the key came with another fingerprint, `KeyInProgress` where the first request is still running
        (or waits for it to end). Where the account does not exist everything is empty.
        """


class View(Protocol):
    """What there is to see in one account. Each call stands alone and sees one state of the database; nothing changes."""

    async def session(self, session_id: SessionId) -> SessionDetail:
        """Raises `NotFound`."""

    async def sessions(
        self, where: SessionFilter, reader: Actor, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """Sessions that `reader` may read, newest (greatest id) first, and the names of who is on record in them."""

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """Raises `NotFound`."""

    async def snapshot(self, handoff_id: HandoffId) -> StoredSnapshot:
        """Raises `NotFound`."""

    async def queue(self, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[QueueItem]:
        """Open escalations: highest priority first, then the longest waiting, then by id."""

    async def deliveries(self, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """By id. Raises `NotFound` for a handoff that does not exist."""

    async def assessments(self, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
        """Newest (greatest id) first. Raises `NotFound` for a handoff that does not exist."""

    async def ledger(self, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """The deliveries of the account in one of `states`, newest (greatest id) first."""

    async def suggestions(self, session_id: SessionId) -> Sequence[Suggestion]:
        """All of a session, newest first; empty where there is no such session."""

    async def similar(self, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
        """Resolved sessions that have some of the words, or a title like this one, those most like it first.

        Only the account's latest sessions need be looked through. `words` are letters and digits.
        """

    async def timeline(self, session_id: SessionId, reader: Actor, *, since: HandoffId | None, after: int, limit: int) -> Sequence[Entry]:
        """Events of a session with a number above `after`, by number, without the private ones that `reader` may not read.

        With `since`, only what came after that handoff was made. Raises `NotFound` for a session that does not exist and, without
        `since`, for one that is parked and private to others.
        """

    async def events(self, *, after: int, limit: int) -> Sequence[LoggedEvent]:
        """What was logged after number `after`, in order, private events too, for who reads on from where they stopped.

        Nothing that is committed later ever has a number at or below one returned.
        """

    async def news(self, *, after: int, limit: int) -> Sequence[News]:
        """As `events`, each with what its person is called and who may know of it."""

    async def online(self) -> frozenset[UserId]:
        """Who has a stream of events open, at any node."""

    async def last_number(self) -> int:
        """The number of the last event there is, 0 before the first."""

    async def imported(self, log: str) -> Mapping[str, ImportedCase]:
        """How far each case of a log has been replayed, by the case's name; empty for a log that never was."""

    async def figures(self, log: str) -> Figures:
        """What became of the sessions of a log."""

    async def psa_connections(self) -> Sequence[PsaConnection]:
        """The account's ways into its PSAs, oldest first."""

    async def psa_posts(self, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """What was posted or is to be, the newest (greatest id) first."""

    async def members(self, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """Everybody, active or not, by id."""

    async def member(self, user_id: UserId) -> Member:
        """Raises `NotFound`."""

    async def teams(self, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """All teams, archived or not, by id."""

    async def team(self, team_id: TeamId) -> TeamDetail:
        """Raises `NotFound`."""

    async def authenticate(self, digest: bytes, *, at: datetime) -> tuple[Person, ApiToken]:
        """Who a token's digest stands for, with the token.

        Raises `Unauthenticated` for an unknown one, one that is revoked or over by `at`, and for a deactivated person.
        """

    async def signed_in(self, digest: bytes, *, at: datetime) -> Person:
        """Who is signed in with the browser of that digest. Raises `Unauthenticated` as above, and once the sign-in is over by `at`."""


ViewOf = Callable[[AccountId], View]
"""Opens the view of one account."""
