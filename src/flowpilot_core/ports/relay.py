"""Work recorded in the transaction of the change that caused it and done after the commit, by whoever holds its lease."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import AccountId, EventId

from .kernel import KernelWork


@frozen(kw_only=True)
class Whereabouts:
    """Which database it is, and where it was found."""

    database: str
    """The same for every copy of one database, wherever it was restored, and for no other."""
    store: str
    """The server's own identity, and the name in it."""
    address: str
    """How it is reached."""


class Marks(Protocol):
    """A number in the database that only ever grows, and whether relays rest."""

    async def whereabouts(self) -> Whereabouts:
        """Which database this is, and where. Raises `Unavailable`."""

    async def advance(self, known: int) -> int | None:
        """The next number; None, and nothing changes, where relays rest or the number is below `known`. Raises `Unavailable`."""

    async def pause(self, reason: str) -> None:
        """Relays rest from now on, for the first reason given, whatever process they are in. Raises `Unavailable`."""

    async def why_paused(self) -> str | None:
        """Why relays rest; None where they do not. Raises `Unavailable`."""

    async def resume(self, above: int) -> int:
        """Relays work again; returns the number, which is far above `above` and all it was before. Raises `Unavailable`."""


class Memory(Protocol):
    """The greatest number that was seen in each database, kept somewhere that restoring one does not touch.

    It may be shared by whoever relays for a database and whoever relays for a copy of it: what is kept of one place never counts for
    another of which something is kept itself.
    """

    def read(self, at: Whereabouts) -> int:
        """It: of this very place; or else of the same store, by whatever address; or else of this database anywhere; or else 0."""

    def write(self, at: Whereabouts, number: int) -> None:
        """Keep it for this place, unless a greater one is kept for it."""


class WorkKind(StrEnum):
    """What is to be done; each kind has a lane of its own, so that none delays another."""

    POLICY_STEP = "policy_step"
    """The next step of an escalation policy, for one escalation."""
    QUIET_CLAIM = "quiet_claim"
    """A look at a claim that may have gone quiet."""
    DELIVERY = "delivery"
    """A mail to one person."""
    PUSH = "push"
    """Noting whether somebody who is told by push had a stream of events open."""
    ASSESSMENT = "assessment"
    """An assessment of one escalation."""
    WEBHOOKS = "webhooks"
    """Finding out which webhooks are told of one event."""
    WEBHOOK = "webhook"
    """A message to one webhook."""
    SUGGESTION = "suggestion"
    """A next step that a model is asked for."""
    PSA_POST = "psa_post"
    """A note on a ticket."""
    TICKET_FACTS = "ticket_facts"
    """Reading the ticket of a session that began."""
    OUTPUT = "output"
    """A better resolution output, which a model is asked for."""
    INVITATION = "invitation"
    """A mail to somebody who is invited."""
    SIGN_IN_CODE = "sign_in_code"
    """A mail with the code that somebody signs in by."""
    PSA_TICKET = "psa_ticket"
    """A look at a ticket that its PSA told of."""
    INDEX = "index"
    """Having what was written found by search."""
    GALLERY_USE = "gallery_use"
    """Counting how an account uses something of the platform's: that is the target."""
    TREE_PROPOSAL = "tree_proposal"
    """Proposing what a resolved session taught that no tree says: that is the target."""
    WEEKLY_DIGEST = "weekly_digest"
    """A mail to one person of the figures of a week, under the person's own id."""
    MAINTENANCE = "maintenance"
    """A schedule that is due."""
    MAINTENANCE_RUN = "maintenance_run"
    """Starting the sessions of a run, and ending its window."""
    MAINTENANCE_NOTICE = "maintenance_notice"
    """A mail to one person about a run."""


STANDING = "~"
"""What the kinds begin with that are never due and only stand for something: `Outbox.take` does not look at them."""


SECRETS_KIND = f"{STANDING}secrets"
"""Stands for an account that has secrets, under the account's own id."""


@frozen(kw_only=True)
class Work:
    """Something due: ids, kind and time, never content. `id` names it in its account (a delivery's own id)."""

    id: UUID
    kind: WorkKind
    due_at: datetime
    target: UUID | None = None
    """Where it goes to (a webhook, a connection to a PSA), by its id; None where nothing is to be gained by telling."""
    queue_rank: int = 0
    """Of what is due in one account, the lowest is taken first: a priority's rank with its sign turned."""


@frozen(kw_only=True)
class Lease:
    """A relay's hold on one piece of work: whoever takes it over later has another `token`, and this one is void."""

    account_id: AccountId
    work_id: UUID
    kind: str
    """A `WorkKind`, unless a newer or broken program wrote it."""
    token: UUID
    takes: int
    """How often it has been taken, this time included."""
    target: UUID | None = None
    """As `Work.target` says."""


class Outbox(Protocol):
    """The due work of all accounts, as a relay sees it."""

    async def take(
        self, room: Mapping[str, int], *, others: int = 0, holding: Collection[Lease] = (), lease_for: timedelta
    ) -> Sequence[Lease]:
        """Take what is due and nobody holds, and hold it for `lease_for` by the store's own clock.

        Each kind in `room` has a lane with as many free places as are said there, and all kinds that are not in it share one with
        `others`. `holding` is what fills the other places. Whatever a dead relay held is due again once its lease has run out. No
        piece is held twice at once. Raises `Unavailable`.

        In each lane accounts take turns: who holds more has the later turn, and those who hold as many go round, however long any of
        their work has waited. An account gets a further place only while more
        places are free than it holds: one alone gets half of a lane, two a third each, and a place is left for whoever comes next.
        To one target of an account goes one piece at a time, so that one that hangs holds one place. Within an account the lowest
        `queue_rank` comes first, and of the same rank what is due longest.
        """

    async def lag(self) -> float:
        """How many seconds the oldest due piece that nobody holds has waited; 0 where there is none. Raises `Unavailable`."""

    async def lags(self) -> Mapping[str, float]:
        """The same for each kind of which something waits. Raises `Unavailable`."""


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


class RelayWork(KernelWork, Protocol):
    """A unit of work over due work."""

    @property
    def due(self) -> WorkLedger:
        """The due work."""
