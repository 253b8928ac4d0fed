"""Who is told: deliveries, policies and preferences, who is online, webhooks; and the channels that tell them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.access.branding import BARE, Worn
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.events import LoggedEvent
from flowpilot_core.domain.kernel.identifiers import (
    AccountId,
    DeliveryId,
    EventId,
    HandoffId,
    PolicyRunId,
    UserId,
    WebhookId,
    WebhookMessageId,
)
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Channel, Delivery
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyRun
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.timing import Member
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookMessage

from .kernel import Entry, KernelWork
from .relay import WorkKind


class Escalation(Protocol):
    """The escalation policy of one account, inside one unit of work."""

    async def policy(self) -> EscalationPolicy:
        """The account's; one that tells nobody anything where none was set."""

    async def set_policy(self, policy: EscalationPolicy) -> None:
        """Keep it in place of the one before."""

    async def members(self) -> tuple[Member, ...]:
        """Everybody who is active, with how they want to be told, oldest first."""

    async def told_the_same(self, delivery: Delivery) -> tuple[Member, ...]:
        """The active people who are told of the same handoff over the same channel, by deliveries of the same kind and number."""

    async def preferences(self, user_id: UserId) -> Preferences:
        """How somebody wants to be told; what everybody starts with where they never said."""

    async def prefer(self, preferences: Preferences) -> None:
        """Keep them in place of those before. Raises `NotFound` (now or at the commit) for somebody who is not of this account."""

    async def run(self, run_id: PolicyRunId) -> PolicyRun | None:
        """How far the policy of an escalation has got; None where another run took its place."""

    async def run_of(self, handoff_id: HandoffId) -> PolicyRun | None:
        """The same by its escalation, if a policy ever began."""

    async def begin_run(self, run: PolicyRun) -> None:
        """Keep a new one, in place of any other of the same escalation. Raises `NotFound` (now or at the commit) where there is none."""

    async def keep_run(self, run: PolicyRun) -> None:
        """Keep how far it has got, unless another took its place."""

    async def look_again(self, *, at: datetime) -> None:
        """Have the run of every escalation that waits looked at by then, also one that had come to its end."""


Heard = Callable[[AccountId | None], None]
"""Called with the account in which something was committed, or with None: something may have been missed, so look in all of them."""


class EventStream(Protocol):
    """Tells every process that something happened in an account: a wake-up that says where, and never what.

    It is advice and no record. Whoever is woken reads the event log, under the row policies, from where they stopped; and looks by
    themselves now and then, so that losing every wake-up makes things late, never lost. One that comes twice does no harm.
    """

    def publish(self, account_id: AccountId) -> None:
        """Something was committed there: call it after the commit, outside of any transaction.

        Returns at once and raises nothing, whatever is down. Of many for one account that are not yet sent one is.
        """

    async def hear(self, heard: Heard) -> None:
        """Call `heard` for what is published here or elsewhere, until cancelled.

        The first call is for None, as is the first after a connection was lost and is there again: by then nothing is missed any more.
        Waits and tries again while nothing can be heard; raises nothing.
        """


@frozen(kw_only=True)
class Item:
    """One thing that a letter tells of."""

    title: str
    facts: tuple[tuple[str, str], ...]
    """Label and value, in order."""
    link: str
    link_text: str


@frozen(kw_only=True)
class Letter:
    """One message to one person."""

    account_name: str
    greeting: str
    lead: str
    """The sentence that must be read."""
    items: tuple[Item, ...]
    closing: str
    """Why they got it."""
    unsubscribe: str | None = None
    """Where whoever wants no more of this kind goes, if that is theirs to say."""
    worn: Worn = BARE
    """What its account shows of itself."""

    @property
    def text(self) -> str:
        """The letter as plain text."""
        blocks = [self.greeting, self.lead, *(_block(item) for item in self.items), self.closing]
        if self.unsubscribe:
            blocks.append(f"Stop these mails: {self.unsubscribe}")
        if signature := self.worn.branding.signature():
            blocks.append(signature)
        return "\n\n".join(blocks) + "\n"


class Typesetter(Protocol):
    """Sets letters in HTML."""

    def __call__(self, letter: Letter) -> str:
        """`letter` as an HTML document that loads nothing; what people wrote in it is shown as text, whatever it looks like.

        A logo that it wears is shown from `cid:` and `LOGO_ID`, where `Message.logo` comes along.
        """


def _block(item: Item) -> str:
    width = max(len(label) for label, _ in item.facts) + 1 if item.facts else 0
    facts = [f"{label + ':':<{width}} {value}" for label, value in item.facts]
    return "\n".join([item.title, *facts, "", f"{item.link_text}: {item.link}"])


LOGO_ID: Final = "logo@flowpilot.invalid"
"""What an HTML document of a message calls the logo that comes with it (RFC 2392)."""


@frozen(kw_only=True)
class Message:
    """One message to one person."""

    message_id: str
    """`<…@…>`, the same at every attempt."""
    to: str
    to_name: str
    account_name: str
    """Shown as the sender's name."""
    subject: str
    text: str
    html: str | None = None
    """The same, for who can show it."""
    logo: Image | None = None
    """What `html` shows by `LOGO_ID`."""
    thread_id: str | None = None
    """`<…@…>`, which all messages about one thing have in common."""
    unsubscribe_url: str | None = None
    """Where a POST, from a mail program at one click, ends messages of this kind."""
    maybe_twice: bool = False
    """Whether an earlier attempt may have arrived already."""


class NotSent(Exception):
    """The message was not accepted. `permanent`: it never will be, so that trying again is useless.

    `unknown`: it may have been accepted; its answer was lost. `logged`: what of `problem` a log may hold, where some of it is in
    another's words, which may name somebody; left out: all of it.
    """

    def __init__(self, problem: str, *, permanent: bool = False, unknown: bool = False, logged: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.logged = problem if logged is None else logged
        self.permanent = permanent
        self.unknown = unknown


class Notifier(Protocol):
    """A way to tell people: a mail server, or a list in memory."""

    async def send(self, message: Message) -> str | None:
        """Hand one message over; returning means it was accepted.

        Returns what the ledger is to say beside that, if anything: that the message went to a log and to nobody, say.
        Raises `NotSent`, and nothing else, within a bounded time. Any number of sends may run at once, and none depends on another.
        """


class Presence(Protocol):
    """Who of one account has a stream open where, inside one unit of work; `NotificationView.online` shows it."""

    async def online(self) -> frozenset[UserId]:
        """Who has a stream of events open, at any node."""

    async def here(self, node_id: UUID, user_ids: Collection[UserId], *, seconds: float) -> None:
        """These people are at the node, and nobody else of the account is.

        So it stays for that long by the store's own clock, or until the node says otherwise: one that dies takes its people along.
        """


class Webhooks(Protocol):
    """The webhooks of one account and what they were sent, inside one unit of work."""

    async def add(self, webhook: Webhook) -> None:
        """Keep a new one."""

    async def save(self, webhook: Webhook) -> None:
        """Keep a changed one."""

    async def drop(self, webhook_id: WebhookId) -> None:
        """Forget one, with everything it was sent; its secrets are dropped beside it."""

    async def get(self, webhook_id: WebhookId) -> Webhook:
        """Raises `NotFound`."""

    async def all(self) -> Sequence[Webhook]:
        """All of them, oldest first."""

    async def caused(self, event_id: EventId) -> None:
        """Have webhooks told of this event (`WorkKind.WEBHOOKS`, under the event's id), if it is recorded in this unit of work,

        is not private, and a webhook that is on wants to be told of its kind; of a reminder, whichever is on, since its step may name it.
        """

    async def event(self, event_id: EventId) -> LoggedEvent:
        """An event by its id. Raises `NotFound`."""

    async def add_messages(self, messages: Sequence[WebhookMessage]) -> None:
        """Keep new messages, each with the work of sending it (`WorkKind.WEBHOOK`) due at once."""

    async def save_message(self, message: WebhookMessage) -> None:
        """Keep a changed message."""

    async def message(self, message_id: WebhookMessageId) -> WebhookMessage:
        """Raises `NotFound`."""

    async def messages(self, webhook_id: WebhookId, *, before: WebhookMessageId | None, limit: int) -> Sequence[WebhookMessage]:
        """What one webhook was sent, newest first, from the one before `before`."""


@frozen(kw_only=True)
class WebhookCall:
    """One request to the other end."""

    url: str
    message_id: str
    """The same at every attempt."""
    at: datetime
    body: str
    secrets: tuple[str, ...]
    """What it is signed with, `whsec_…` each: more than one while a secret is changed."""


@frozen(kw_only=True)
class WebhookAnswer:
    """What the other end said."""

    status: int
    body: str
    retry_after: float | None = None
    """Seconds that it asks to be left alone, where it does."""


class WebhookCaller(Protocol):
    """The way to reach a webhook."""

    async def call(self, call: WebhookCall) -> WebhookAnswer:
        """Sign and send one message, as the Standard Webhooks specification says.

        Raises `NotSent` where there was no answer, within a bounded time. Follows no redirect.
        """


SENDING: Mapping[Channel, WorkKind] = MappingProxyType({Channel.EMAIL: WorkKind.DELIVERY, Channel.PUSH: WorkKind.PUSH})
"""What work it is to send a delivery over each channel; for a channel that is not here, whoever adds the delivery sees to it."""


RESENDING: Mapping[Channel, WorkKind] = MappingProxyType(
    {**SENDING, **dict.fromkeys((Channel.WEBHOOK, Channel.SLACK, Channel.TEAMS), WorkKind.WEBHOOK)}
)
"""What work it is to send a dead one once more."""


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


class NotificationWork(KernelWork, Protocol):
    """A unit of work over who is told."""

    @property
    def deliveries(self) -> Deliveries:
        """The delivery ledger."""

    @property
    def escalation(self) -> Escalation:
        """The escalation policy, and how people want to be told."""

    @property
    def presence(self) -> Presence:
        """Who is online."""

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks."""


class NotificationView(Protocol):
    """What there is to see of who is told in one account."""

    async def deliveries(self, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> tuple[Handoff, Sequence[Delivery]]:
        """Those of a handoff, by id, with the handoff. Raises `NotFound` for one that does not exist."""

    async def ledger(self, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """The deliveries of the account in one of `states`, newest (greatest id) first."""

    async def online(self) -> frozenset[UserId]:
        """Who has a stream of events open, at any node."""

    async def news(self, *, after: int, limit: int) -> Sequence[News]:
        """As `events`, each with what its person is called and who may know of it."""
