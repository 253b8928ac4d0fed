"""A webhook: an address of the account's own that is told of events, and the messages it was sent."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from attrs import evolve, field, frozen

from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import EventId, HandoffId, SecretId, SessionId, UserId, WebhookId, WebhookMessageId
from flowpilot_core.domain.kernel.sending import DELIVERY, MOST_ATTEMPTS, DeliveryMove, DeliveryState
from flowpilot_core.domain.kernel.text import PROSE
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.kernel.web_address import checked_web_address

from .delivery import Channel, DeliveryKind

HOOKABLE = frozenset(
    {
        EventKind.HANDOFF_ESCALATED,
        EventKind.HANDOFF_REROUTED,
        EventKind.HANDOFF_ASSESSED,
        EventKind.HANDOFF_CLAIMED,
        EventKind.HANDOFF_UNCLAIMED,
        EventKind.HANDOFF_LAPSED,
        EventKind.HANDOFF_WITHDRAWN,
        EventKind.HANDOFF_REMINDED,
        EventKind.SESSION_REASSIGNED,
        EventKind.SESSION_RESOLVED,
        EventKind.SESSION_REOPENED,
    }
)
"""What a webhook can be told of; never what is private, such as a park."""

PAGED = frozenset(
    {
        EventKind.HANDOFF_ESCALATED,
        EventKind.HANDOFF_CLAIMED,
        EventKind.HANDOFF_UNCLAIMED,
        EventKind.HANDOFF_LAPSED,
        EventKind.HANDOFF_WITHDRAWN,
        EventKind.HANDOFF_REMINDED,
        EventKind.SESSION_RESOLVED,
    }
)
"""What a pager can be told of: that somebody is wanted, or no longer is."""

OLD_SECRET_LIVES = timedelta(hours=24)
"""How long messages are signed with the secret before this one too."""
LONGEST_ANSWER = 2_000
"""Characters of an answer that are kept."""
LONGEST_URL = 2_000


ASKING: Mapping[EventKind, DeliveryKind] = MappingProxyType(
    {EventKind.HANDOFF_ESCALATED: DeliveryKind.ESCALATED, EventKind.HANDOFF_REMINDED: DeliveryKind.REMINDER}
)
"""Events that ask for somebody: being told of them is in the ledger of the handoff, as this kind of delivery."""


class WebhookFormat(StrEnum):
    """What the other end understands."""

    STANDARD = "standard"
    SLACK = "slack"
    TEAMS = "teams"
    PAGERDUTY = "pagerduty"
    GOALERT = "goalert"


PAGERS = frozenset({WebhookFormat.PAGERDUTY, WebhookFormat.GOALERT})
CHATS = frozenset({WebhookFormat.SLACK, WebhookFormat.TEAMS})

CHANNELS: Mapping[WebhookFormat, Channel] = MappingProxyType({WebhookFormat.SLACK: Channel.SLACK, WebhookFormat.TEAMS: Channel.TEAMS})
"""What the ledger of a handoff calls them; everything else is a webhook."""


@frozen(kw_only=True)
class Webhook:
    """An address that is told of some kinds of events. The address itself may be a secret, and is kept as one."""

    id: WebhookId
    name: str
    format: WebhookFormat
    kinds: frozenset[EventKind]
    host: str
    """Where it leads to, as people may see it."""
    target: SecretId
    """Its whole address, with the routing key where the format has one."""
    secret: SecretId
    """What messages are signed with."""
    previous_secret: SecretId | None = None
    previous_until: datetime | None = None
    """Until when messages are signed with the secret before too."""
    off_at: datetime | None = None
    off_reason: str | None = None
    created_by: UserId
    created_at: datetime

    @property
    def channel(self) -> Channel:
        """What the ledger of a handoff calls it."""
        return CHANNELS.get(self.format, Channel.WEBHOOK)

    def hears_of(self, event: Event) -> bool:
        """Whether it is told of an event: of a kind that it wants, or by a step of a policy that names its channel."""
        channels = event.changed.get("channels")
        named = event.kind is EventKind.HANDOFF_REMINDED and isinstance(channels, list) and self.channel in channels
        return self.off_at is None and not event.private and (event.kind in self.kinds or named)

    def renewed(self, secret: SecretId, *, at: datetime) -> "Webhook":
        """With another secret; the one of now stays good for a while."""
        return evolve(self, secret=secret, previous_secret=self.secret, previous_until=at + OLD_SECRET_LIVES)

    def signs_with(self, *, at: datetime) -> tuple[SecretId, ...]:
        """The secrets that a message is signed with, the one of now first."""
        old = self.previous_secret if self.previous_until is not None and at < self.previous_until else None
        return (self.secret,) if old is None else (self.secret, old)

    def switched_off(self, reason: str, *, at: datetime) -> "Webhook":
        """Told of nothing any more."""
        return evolve(self, off_at=at, off_reason=reason)

    def switched_on(self) -> "Webhook":
        """Told again of what happens from now on."""
        return evolve(self, off_at=None, off_reason=None)


def checked_kinds(kinds: frozenset[EventKind], format: WebhookFormat) -> frozenset[EventKind]:
    """Kinds that a webhook of this format can be told of, one at least. Raises `InvalidValue`."""
    if not kinds:
        raise InvalidValue("kinds", "must name at least one kind of event")
    if strange := sorted(kinds - (PAGED if format in PAGERS else HOOKABLE)):
        raise InvalidValue("kinds", f"{format} cannot be sent {', '.join(strange)}")
    return kinds


def checked_target(url: str, routing_key: str | None, format: WebhookFormat) -> str:
    """The host that an address leads to. Raises `InvalidValue` for what is no address, and for a routing key too many or too few."""
    parts = checked_web_address("url", url, most=LONGEST_URL, example="https://hooks.example.com/…")
    if routing_key is not None and not (routing_key.isascii() and routing_key.isalnum()):
        raise InvalidValue("routing_key", "must be letters and digits")
    if (routing_key is not None) is not (format is WebhookFormat.PAGERDUTY):
        raise InvalidValue("routing_key", "goes with the format pagerduty, and only with it")
    return parts.netloc


def signing_secret(chance: bytes) -> str:
    """A secret for signing, as the Standard Webhooks specification writes it, out of bytes that nobody can guess."""
    return "whsec_" + base64.b64encode(chance).decode()


class MessageMove(StrEnum):
    """What can happen to a message."""

    TAKE = "take"
    SEND = "send"
    FAIL = "fail"
    GIVE_UP = "give_up"
    SUPPRESS = "suppress"
    REPLAY = "replay"


WEBHOOK_MESSAGE: Mapping[tuple[DeliveryState, MessageMove], DeliveryState] = MappingProxyType(
    {
        **{
            (state, MessageMove(move)): to
            for (state, move), to in DELIVERY.items()
            if move not in (DeliveryMove.RETRY, DeliveryMove.ARRIVE)
        },
        (DeliveryState.SENT, MessageMove.REPLAY): DeliveryState.PENDING,
        (DeliveryState.DEAD, MessageMove.REPLAY): DeliveryState.PENDING,
        (DeliveryState.SUPPRESSED, MessageMove.REPLAY): DeliveryState.PENDING,
    }
)


@frozen(kw_only=True)
class WebhookMessage:
    """One event, told to one webhook: as a delivery, with what was sent and what was answered."""

    id: WebhookMessageId
    """Also the message's name for the receiver, the same at every attempt and replay."""
    webhook_id: WebhookId
    event_id: EventId | None
    """None: a test."""
    kind: EventKind | None
    session_id: SessionId | None = None
    handoff_id: HandoffId | None = None
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    reason: str | None = None
    last_error: str | None = None
    status: int | None = None
    """What HTTP status the last attempt was answered with."""
    request: str | None = None
    """The body that was sent last."""
    response: str | None = None
    """How the body of the last answer began."""
    created_at: datetime
    updated_at: datetime = field()

    def taken(self, request: str, *, at: datetime) -> "WebhookMessage":
        """About to be sent, once more."""
        return evolve(self._moved(MessageMove.TAKE, at), attempts=self.attempts + 1, request=request, reason=None)

    def sent(self, status: int, response: str, *, at: datetime) -> "WebhookMessage":
        """Accepted."""
        return evolve(self._moved(MessageMove.SEND, at), status=status, response=response[:LONGEST_ANSWER], last_error=None)

    def failed(self, error: str, *, permanent: bool, status: int | None, response: str | None, at: datetime) -> "WebhookMessage":
        """Not accepted: to be tried again, or dead where that is no use or it was tried often enough."""
        move = MessageMove.GIVE_UP if permanent or self.attempts >= MOST_ATTEMPTS else MessageMove.FAIL
        return evolve(
            self._moved(move, at),
            last_error=error[:PROSE],
            status=status,
            response=None if response is None else response[:LONGEST_ANSWER],
        )

    def suppressed(self, reason: str, *, at: datetime) -> "WebhookMessage":
        """No longer worth sending."""
        return evolve(self._moved(MessageMove.SUPPRESS, at), reason=reason)

    def put_off(self, reason: str) -> "WebhookMessage":
        """Left for later."""
        return evolve(self, reason=reason)

    def replayed(self, *, at: datetime) -> "WebhookMessage":
        """To be sent once more, as if it were new. Raises `InvalidTransition` while it is still on its way."""
        return evolve(self._moved(MessageMove.REPLAY, at), attempts=0, reason=None)

    def _moved(self, move: MessageMove, at: datetime) -> "WebhookMessage":
        state = advance(WEBHOOK_MESSAGE, self.state, move, thing="webhook message")
        return evolve(self, state=state, updated_at=max(at, self.updated_at))


def why_not_tell(webhook: Webhook, kind: EventKind | None, handoff: Handoff | None) -> str | None:
    """Why a message is not worth sending any more, read at the moment of sending; None where it is."""
    if webhook.off_at is not None:
        return f"the webhook is off: {webhook.off_reason}"
    if kind in ASKING and handoff is not None and handoff.state is not HandoffState.OPEN:
        return f"the handoff is {handoff.state}"
    if kind is EventKind.HANDOFF_CLAIMED and webhook.format in PAGERS and handoff is not None and handoff.state is HandoffState.OPEN:
        # It was given back meanwhile: this would silence a pager that rings rightly.
        return "the handoff is open again"
    return None


GONE = 410
_LATER = frozenset({408, 409, 423, 425, 429})


def is_accepted(status: int) -> bool:
    """Whether an HTTP status says that a message was taken."""
    return 200 <= status < 300


def is_permanent(status: int) -> bool:
    """Whether an HTTP status says that the same message will never be taken; a redirect does, since none is followed."""
    return 300 <= status < 500 and status not in _LATER
