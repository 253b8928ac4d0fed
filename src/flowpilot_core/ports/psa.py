"""PSAs: where an MSP keeps its tickets, where the notes of what was done belong, and the log of what was posted there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import (
    AccountId,
    EventId,
    HandoffId,
    PsaConnectionId,
    PsaPostId,
    PsaTicketId,
    SessionId,
    UserId,
)
from flowpilot_core.domain.kernel.text import mended
from flowpilot_core.domain.psa.connection import Health, NoteKind, PsaConnection, TicketAction
from flowpilot_core.domain.psa.member import MemberMatch
from flowpilot_core.domain.psa.post import PostState, PsaPost
from flowpilot_core.domain.psa.vendor import Vendor
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket

from .kernel import KernelWork


@frozen(kw_only=True)
class Access:
    """One account's way into its PSA. Its credentials show in nothing that is made of it."""

    account_id: AccountId
    connection_id: PsaConnectionId
    version: int
    """Another one where the connection was changed, so that nothing remembered of the old one is used."""
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Plain] = field(factory=dict)

    @property
    def key(self) -> tuple[AccountId, PsaConnectionId, int]:
        """What may be remembered of the vendor is remembered under this, so that nothing of one account is another's."""
        return self.account_id, self.connection_id, self.version


class Trouble(StrEnum):
    """What kept a PSA from doing what it was asked."""

    UNREACHABLE = "unreachable"
    NOT_THE_API = "not_the_api"
    """Something answered that is not the vendor's API: a proxy's page, say."""
    VENDOR_FAULT = "vendor_fault"
    TOO_MANY_CALLS = "too_many_calls"
    TICKET_LOCKED = "ticket_locked"
    WRONG_KEY = "wrong_key"
    WRONG_COMPANY = "wrong_company"
    MISSING_PERMISSION = "missing_permission"
    WRONG_SETTING = "wrong_setting"
    TICKET_GONE = "ticket_gone"
    REFUSED = "refused"


PASSING = frozenset({Trouble.UNREACHABLE, Trouble.NOT_THE_API, Trouble.VENDOR_FAULT, Trouble.TOO_MANY_CALLS, Trouble.TICKET_LOCKED})
"""What may be gone when it is tried again; all else stays until somebody mends it."""


class NotDone(Exception):
    """The PSA did not do it, or did not say so.

    `unknown`: it may have been done, its answer was lost. `retry_after`: how many seconds the vendor asks to be left alone.
    """

    def __init__(self, trouble: Trouble, problem: str, *, unknown: bool = False, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.trouble = trouble
        self.problem = problem
        self.unknown = unknown
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        """Whether trying the same again is useless."""
        return self.trouble not in PASSING


@frozen(kw_only=True)
class Note:
    """One note for a ticket, written as the vendor renders it."""

    title: str
    """For vendors whose notes have one."""
    text: str
    """Has `marker` in it, word for word."""
    marker: str
    """Letters, digits and dashes that stand in no other note."""


@frozen(kw_only=True)
class Posted:
    """A note that stands on its ticket."""

    vendor_id: str
    answer: str
    """What the vendor said to it, shortened."""


@frozen(kw_only=True)
class Knock:
    """What came in at the address that a PSA was told."""

    headers: Mapping[str, str] = field(factory=dict, repr=False)
    """Names in small letters; of one that came twice the last."""
    body: bytes


def _mended(text: str | None) -> str | None:
    return None if text is None else mended(text)


def _all_mended(names: Mapping[str, str]) -> Mapping[str, str]:
    return {number: mended(name) for number, name in names.items()}


@frozen(kw_only=True)
class TicketNote:
    """A note on a ticket, as plain text."""

    text: str = field(converter=mended)
    by: str | None = field(default=None, converter=_mended)
    at: datetime | None = None
    internal: bool = True


@frozen(kw_only=True)
class PsaTicket:
    """A ticket as its PSA shows it."""

    id: str
    title: str = field(converter=mended)
    status: str | None = field(default=None, converter=_mended)
    closed: bool = False
    closed_at: datetime | None = None
    """When, where the vendor says so."""
    client_name: str | None = field(default=None, converter=_mended)
    contact_name: str | None = field(default=None, converter=_mended)
    priority: str | None = field(default=None, converter=_mended)
    notes: tuple[TicketNote, ...] = ()
    """The most recent ones, newest first."""


@frozen(kw_only=True)
class Member:
    """Somebody who works in the PSA."""

    id: str
    name: str = field(converter=mended)
    email: str | None = field(default=None, converter=_mended)


@frozen(kw_only=True)
class TimeEntry:
    """Work on a ticket, for somebody who works in the PSA."""

    member_id: str
    began: datetime
    minutes: int
    text: str
    """Has `marker` in it, word for word."""
    marker: str


@frozen(kw_only=True)
class Choices:
    """What a ticket may be given: names by their numbers in the vendor's API."""

    statuses: Mapping[str, str] = field(converter=_all_mended)
    priorities: Mapping[str, str] = field(converter=_all_mended)


class Psa(Protocol):
    """One vendor's PSA, for any number of connections of any number of accounts.

    Everything raises `NotDone`, and nothing else, within a bounded time; its words hold no credential. Any number of calls may run at
    once: how many of them the vendor sees is up to the adapter, and no connection waits for another's.
    """

    @property
    def vendor(self) -> Vendor:
        """What a connection to it needs, and how it shows notes."""

    async def check(self, access: Access) -> None:
        """Returns where notes could be written now; else `NotDone` says which of key, company, permission or setting is wrong.

        Asks anew, whatever is remembered of this connection.
        """

    async def longest_note(self, access: Access) -> int:
        """How many characters the text of one note may have."""

    async def find_note(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """The vendor's id of the note on this ticket that has `marker` in it, if there is one. Raises `TICKET_GONE` too."""

    async def add_note(self, access: Access, ticket_id: str, note: Note) -> Posted:
        """Put a note on a ticket, under the settings of the connection; private unless they say otherwise.

        Whoever repeats it after an unknown outcome looks with `find_note` first: no vendor does that for us.
        """

    async def ticket(self, access: Access, ticket_id: str) -> PsaTicket:
        """The ticket with its recent notes. Raises `TICKET_GONE` where there is none."""

    async def members(self, access: Access) -> Sequence[Member]:
        """Who is active in the PSA, in the vendor's order."""

    async def told(self, access: Access, knock: Knock, secret: str) -> str | None:
        """The id of the ticket that a webhook of the vendor's tells of; None where it tells of something else, or of nothing.

        Raises `NotVouchedFor` unless the vendor vouches for it, by `secret` where it can. The ticket is all that is taken from it: what
        else it says may be old by now, and is read from the vendor instead.
        """

    async def member_by_email(self, access: Access, email: str) -> Member | None:
        """The one active member with this address, in whatever letters; None where nobody has it, or more than one."""

    async def choices(self, access: Access) -> Choices:
        """What tickets may be given, on any board there is."""

    async def set_status(self, access: Access, ticket_id: str, status: str) -> None:
        """Give a ticket the status of this name, or number in the vendor's API. Raises `WRONG_SETTING` where there is no such status.

        Nothing is written where it has it already, so that asking twice is asking once; so do `set_priority` and `set_owner`.
        """

    async def set_priority(self, access: Access, ticket_id: str, priority: str) -> None:
        """Give a ticket a priority, as `set_status`."""

    async def set_owner(self, access: Access, ticket_id: str, member_id: str) -> None:
        """Make it a member's ticket. Raises `WRONG_SETTING` where it cannot be theirs."""

    async def find_time(self, access: Access, ticket_id: str, marker: str) -> str | None:
        """The vendor's id of the entry of work on this ticket that has `marker` in it, if there is one."""

    async def add_time(self, access: Access, ticket_id: str, entry: TimeEntry) -> Posted:
        """Enter work on a ticket; its client sees no more of it than of our notes.

        Whoever repeats it after an unknown outcome looks with `find_time` first.
        """


@frozen(kw_only=True)
class PostFilter:
    """Which posts to list; None: all."""

    connection_id: PsaConnectionId | None = None
    session_id: SessionId | None = None
    handoff_id: HandoffId | None = None
    state: PostState | None = None
    kind: NoteKind | None = None


class PsaLedger(Protocol):
    """The connections and posts of one account, inside one unit of work."""

    async def connections(self) -> Sequence[PsaConnection]:
        """Those that were not removed, oldest first."""

    async def connection(self, connection_id: PsaConnectionId) -> PsaConnection:
        """Raises `NotFound`, also once it was removed."""

    async def add(self, connection: PsaConnection) -> None:
        """Keep a new one, whose secret is kept before.

        Raises `ConnectionExists` (now or at the commit) where there is one to its system.
        """

    async def save(self, connection: PsaConnection) -> PsaConnection:
        """Keep a changed one; returns it with the next `version`. Raises `Stale` as `Sessions.save` does."""

    async def save_health(self, connection_id: PsaConnectionId, health: Health) -> None:
        """Keep how well it works; no other version for that, and whoever says so last is right."""

    async def remove(self, connection: PsaConnection) -> None:
        """Forget it, so that its secret can be dropped; what was posted stays in the log. Raises `Stale` as `save` does."""

    async def note(self, post_ids: Mapping[TicketAction, PsaPostId], kind: NoteKind, *, caused_by: EventId) -> None:
        """Have done on the ticket what is wanted at this event, if it is recorded here: a post for each action that is wanted, under the
        id given for it, and the work of it, due at once.

        There is none where the session has no ticket, where the connection to the ticket's system does not want it at events of this
        kind (`PsaConnection.wants`), or where the system resolved the session: then its ticket was closed first.
        """

    async def add_post(self, post: PsaPost) -> None:
        """Keep a new one that somebody asked for, with the work of posting it, due at once."""

    async def is_behind(self, post: PsaPost) -> bool:
        """Whether something that was asked for before it, and has a lower id, is still to be done on its ticket."""

    async def read_ticket(self, *, caused_by: EventId) -> None:
        """Have the ticket of this event's session read, if it is recorded here: work under the session's id, due at once.

        There is none where the session has no ticket, or the account no connection to its system.
        """

    async def post(self, post_id: PsaPostId) -> PsaPost:
        """Raises `NotFound`."""

    async def save_post(self, post: PsaPost) -> None:
        """Keep a changed post."""


class PsaMembers(Protocol):
    """Of one account, inside one unit of work."""

    async def match(self, connection_id: PsaConnectionId, user_id: UserId) -> MemberMatch | None:
        """What the last look for somebody came to, however long ago; None where nobody looked yet."""

    async def keep(self, match: MemberMatch) -> None:
        """Keep it, in place of the one before."""


class PsaWebhooks(Protocol):
    """Of one account, inside one unit of work."""

    async def renew(self, webhook: PsaWebhook) -> None:
        """The address of its connection from now on; another one before is no good any more. Its secret is kept before."""

    async def of(self, connection_id: PsaConnectionId) -> PsaWebhook:
        """Raises `NotFound` where the connection has none."""

    async def by(self, digest: bytes) -> PsaWebhook:
        """The one whose address ends with what has this digest. Raises `NotFound`."""

    async def drop(self, connection_id: PsaConnectionId) -> None:
        """No address any more; its secret is dropped after."""

    async def told(self, ticket: WatchedTicket) -> None:
        """Have a ticket looked at (`WorkKind.PSA_TICKET`, due at once) if a session is or was on it; the store knows whether one is.

        Where the ticket is known already its own id and what was seen of it stand. A look that is going on is void: it is taken anew,
        so that nothing that happened during it is missed, and however often this is asked for, one is due.
        """

    async def ticket(self, ticket_id: PsaTicketId) -> WatchedTicket:
        """Raises `NotFound`."""

    async def save_ticket(self, ticket: WatchedTicket) -> None:
        """Keep what was seen of it."""

    async def open_sessions(self, ticket: WatchedTicket) -> Sequence[SessionId]:
        """The sessions on it that are not resolved or abandoned, oldest first."""


class PsaWork(KernelWork, Protocol):
    """A unit of work over PSAs."""

    @property
    def psa(self) -> PsaLedger:
        """The PSAs and what was posted there."""

    @property
    def psa_members(self) -> PsaMembers:
        """Who is who in the PSAs."""

    @property
    def psa_webhooks(self) -> PsaWebhooks:
        """The addresses that PSAs call, and the tickets that they told of."""


class PsaView(Protocol):
    """What there is to see of PSAs in one account."""

    async def psa_connections(self) -> Sequence[PsaConnection]:
        """The account's ways into its PSAs, oldest first."""

    async def psa_posts(self, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """What was posted or is to be, the newest (greatest id) first."""
