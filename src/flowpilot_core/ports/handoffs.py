"""Where handoffs and their snapshots are kept, and the queue of those that wait."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from attrs import field, frozen

from flowpilot_core.domain.assistant.assessment import Assessment
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.handoffs.quiet_claim import ClaimWatch
from flowpilot_core.domain.handoffs.snapshot import Snapshot
from flowpilot_core.domain.kernel.actor import Actor, Person, Role
from flowpilot_core.domain.kernel.identifiers import BranchId, ClaimWatchId, EventId, HandoffId, SessionId, TeamId, UserId
from flowpilot_core.domain.notifications.delivery import Colleague, Delivery, Reach
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy
from flowpilot_core.domain.sessions.session import Priority, Session, Ticket
from flowpilot_core.domain.sessions.window import Window

from .kernel import Entry, KernelWork
from .sessions import SessionDetail


@frozen(kw_only=True)
class HandoffDetail:
    """A handoff with all that stands around it."""

    handoff: Handoff
    chain: tuple[Handoff, ...]
    """The earlier handoffs of its session, parks too, oldest first."""
    told: Reach = field(factory=Reach)
    names: Mapping[UserId, str]
    assessment: Assessment | None = None
    """The newest that did not fail, or else the newest; None where nobody assesses."""


@frozen(kw_only=True)
class WholeHandoff:
    """A handoff with all that there is to read of it, as of one moment."""

    detail: HandoffDetail
    snapshot: bytes
    """As it was stored."""
    changes: Sequence[Entry]
    """Of its session, since the snapshot was frozen."""
    deliveries: Sequence[Delivery]
    seen_by: frozenset[UserId]
    session: Session
    """As it is by now; its steps are not read."""


class QueueItem(NamedTuple):
    """What a senior decides by: one open escalation as the queue shows it. A tuple, since a page makes up to two hundred of them."""

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
    window: Window | None = None


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
class StoredSnapshot:
    """A snapshot's bytes as they were stored."""

    handoff: Handoff
    body: bytes


@frozen(kw_only=True)
class Basis:
    """All that a handoff of a session is made from."""

    detail: SessionDetail
    colleagues: tuple[Colleague, ...]
    """Active people with the roles that were asked for."""
    policy: EscalationPolicy
    """The account's."""


class Handoffs(Protocol):
    """The handoffs of one account, inside one unit of work."""

    async def get(self, handoff_id: HandoffId) -> Handoff:
        """Raises `NotFound`."""

    async def detail(self, handoff_id: HandoffId) -> HandoffDetail:
        """The handoff with its surroundings, as this unit of work has left it so far. Raises `NotFound`."""

    async def basis(self, session_id: SessionId, roles: frozenset[Role]) -> Basis:
        """All that a handoff of this session is made from, with the active people who have one of `roles`. Raises `NotFound`."""

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
        branch_id: BranchId | None = None,
    ) -> HandoffDetail:
        """Take an open escalation: as `Handoff.claimed`, with session, handoff and event kept; of any number at once, one succeeds.

        `branch_id` is where `by` chose to go on, if they did. `expected` is the version the caller acted on, if it said one;
        `event_id` and `request_id` go on record with the event. With `commit` the unit of work is committed in the same trip.
        Returns the handoff as claimed.
        Raises `NotFound` (also for a park that `by` may not read) or whatever `Handoff.claimed` and `Handoff.require_version`
        raise, in this order; then nothing has changed. `AlreadyClaimed` says by what name.
        """


class ClaimWatches(Protocol):
    """The watched claims of one account, inside one unit of work."""

    async def begin(self, watch_id: ClaimWatchId, *, caused_by: EventId) -> None:
        """Where the account lets quiet claims lapse, watch the claim that is recorded here as that event.

        The work of looking at it is due once its claimer would have to be warned. Nothing happens where that event is not recorded.
        """

    async def get(self, watch_id: ClaimWatchId) -> ClaimWatch:
        """Raises `NotFound`."""

    async def keep(self, watch: ClaimWatch) -> None:
        """Keep what is known of a watched claim."""


class Wishes(Protocol):
    """How soon an account wants escalations taken, and when a claim counts as quiet."""

    def due_at(self, priority: Priority, since: datetime) -> datetime | None:
        """When an escalation of that priority is due that has waited since then; None where it never is."""

    @property
    def claim_quiet_minutes(self) -> int | None:
        """How long a claim may be quiet; None: for ever."""


class WishesOf(Protocol):
    """Where an account's wishes are found, inside one unit of work."""

    async def policy(self) -> Wishes:
        """The account's."""


class HandoffWork(KernelWork, Protocol):
    """A unit of work over handoffs."""

    @property
    def claim_watches(self) -> ClaimWatches:
        """The claims that may go quiet."""

    @property
    def escalation(self) -> WishesOf:
        """What the account wants."""

    @property
    def handoffs(self) -> Handoffs:
        """The handoffs."""


class HandoffView(Protocol):
    """What there is to see of handoffs in one account."""

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """Raises `NotFound`."""

    async def whole_handoff(self, handoff_id: HandoffId, reader: Actor, *, changes: int, told: int) -> WholeHandoff:
        """As `handoff`, `snapshot`, `changes`, `seen_by` and `NotificationView.deliveries` show it. Raises `NotFound`."""

    async def snapshot(self, handoff_id: HandoffId) -> StoredSnapshot:
        """Raises `NotFound`."""

    async def changes(self, handoff_id: HandoffId, reader: Actor, *, after: int, limit: int) -> tuple[Handoff, Sequence[Entry]]:
        """Events of its session since a handoff was made, as `SessionView.timeline` shows them, with the handoff. Raises `NotFound`."""

    async def queue(self, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[QueueItem]:
        """Open escalations: highest priority first, then the longest waiting, then by id."""

    async def priorities(self, handoff_ids: Collection[HandoffId]) -> Mapping[HandoffId, Priority]:
        """How urgent each of these is; one that is not there is left out."""

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """Who has looked at an escalation."""

    async def waiting(self) -> int:
        """How many open escalations there are."""

    async def last_claimed_at(self) -> datetime | None:
        """When an escalation was last taken that is still with whoever took it."""
