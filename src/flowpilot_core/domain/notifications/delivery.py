"""A delivery: one message to one person over one channel, with its state and attempts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import Attribute, evolve, field, frozen

from flowpilot_core.domain.access.account import User
from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Actor, Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import DeliveryId, HandoffId, TeamId, UserId
from flowpilot_core.domain.kernel.permissions import PERMISSIONS, Permission, require_role
from flowpilot_core.domain.kernel.sending import DELIVERY, MOST_ATTEMPTS, DeliveryMove, DeliveryState
from flowpilot_core.domain.kernel.transitions import advance


class Channel(StrEnum):
    """How somebody is told; the last three may be told for all of the account."""

    EMAIL = "email"
    PUSH = "push"
    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"


PERSONAL = frozenset({Channel.EMAIL, Channel.PUSH})
"""Channels that lead to one person, who must be named."""


def channels(person: UserId, online: Collection[UserId]) -> tuple[Channel, ...]:
    """Over which channels a person is told of an escalation: by mail, and by push where they have a stream of events open."""
    return (Channel.EMAIL, Channel.PUSH) if person in online else (Channel.EMAIL,)


class DeliveryKind(StrEnum):
    """What a delivery says of its handoff."""

    ESCALATED = "escalated"
    REMINDER = "reminder"
    """Still waiting: a step of an escalation policy."""
    LAPSE_WARNING = "lapse_warning"
    """To the claimer: it goes back to the queue soon."""
    WAKE_UP = "wake_up"
    """To the parker: the day they asked to be reminded on has come."""
    DEBRIEF = "debrief"
    """To the escalator: what solved it."""


MAYBE_TWICE = "it may have arrived twice"


@frozen(kw_only=True)
class Delivery:
    """One message about one handoff over one channel; of the same kind and number, nobody gets a second one over it."""

    id: DeliveryId
    handoff_id: HandoffId
    user_id: UserId | None = field()
    """None: for all of the account."""
    channel: Channel = Channel.EMAIL
    kind: DeliveryKind = DeliveryKind.ESCALATED
    number: int = 0
    """Which one of its kind, where there are several: the step of a policy, say."""
    state: DeliveryState = DeliveryState.PENDING
    reason: str | None = None
    """Why it was suppressed, or what there is to say of how it was sent."""
    attempts: int = 0
    """Sends begun since it was last asked for."""
    last_error: str | None = None
    maybe_arrived: bool = False
    """Whether an attempt may have arrived without our knowing: its answer was lost, or its relay died in the middle."""
    waits_until: datetime | None = None
    """Its person had enough mails for now: it goes at that time, with whatever else waits for them by then."""
    suppressed_until: datetime | None = None
    """Of one that is read: when the maintenance window ends that holds it. Nobody keeps that."""
    carried_by: DeliveryId | None = None
    """The delivery whose mail it is in, where it was joined with others."""
    message_id: str | None = None
    """The `Message-ID` it goes out under, the same at every attempt."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls,
        handoff: Handoff,
        delivery_id: DeliveryId,
        to: UserId,
        *,
        kind: DeliveryKind = DeliveryKind.ESCALATED,
        number: int = 0,
        channel: Channel = Channel.EMAIL,
        at: datetime,
    ) -> "Delivery":
        """A new one, to one person."""
        return cls(
            id=delivery_id, handoff_id=handoff.id, user_id=to, channel=channel, kind=kind, number=number, created_at=at, updated_at=at
        )

    @user_id.validator
    def _named(self, _: "Attribute[UserId | None]", user_id: UserId | None) -> None:
        if user_id is None and self.channel in PERSONAL:
            raise ValueError(f"{self.channel} leads to one person, and none is named")

    def taken(self, *, at: datetime) -> "Delivery":
        """About to be sent, once more. Taking over from a relay that died in the middle is such a take too."""
        in_the_middle = self.state is DeliveryState.SENDING
        return evolve(
            self._moved(DeliveryMove.TAKE, at),
            attempts=self.attempts + 1,
            maybe_arrived=self.maybe_arrived or in_the_middle,
            reason=None,
            waits_until=None,
        )

    def held(self, until: datetime) -> "Delivery":
        """Left for later, since its person had enough mails for now."""
        return evolve(self, reason="waits: they got all the mails they may get in a minute", waits_until=until)

    def put_off(self, reason: str) -> "Delivery":
        """Left for later, since its person does not want it now."""
        return evolve(self, reason=reason)

    def joined(self, other: "Delivery", *, at: datetime) -> "Delivery":
        """About to be sent in the mail of another."""
        return evolve(self.taken(at=at), carried_by=other.id)

    def parted(self) -> "Delivery":
        """To be sent by itself after all."""
        return evolve(self, carried_by=None)

    def sent(self, message_id: str, remark: str | None = None, *, at: datetime) -> "Delivery":
        """Accepted by the channel, which may have something to say of it."""
        said = remark or (MAYBE_TWICE if self.maybe_arrived else None)
        return evolve(self._moved(DeliveryMove.SEND, at), message_id=message_id, reason=said, last_error=None)

    def delivered(self, *, at: datetime) -> "Delivery":
        """It has arrived, as its channel can tell."""
        return self._moved(DeliveryMove.ARRIVE, at)

    def failed(self, error: str, *, permanent: bool, unknown: bool = False, message_id: str | None = None, at: datetime) -> "Delivery":
        """Not accepted, or `unknown`: to be tried again, or dead where the refusal is permanent or it was tried often enough."""
        move = DeliveryMove.GIVE_UP if permanent or self.attempts >= MOST_ATTEMPTS else DeliveryMove.FAIL
        return evolve(
            self._moved(move, at),
            last_error=error,
            maybe_arrived=self.maybe_arrived or unknown,
            message_id=message_id or self.message_id,
        )

    def suppressed(self, reason: str, *, at: datetime) -> "Delivery":
        """No longer worth sending."""
        return evolve(self._moved(DeliveryMove.SUPPRESS, at), reason=reason, waits_until=None)

    def mirrored(self, state: DeliveryState, *, reason: str | None, attempts: int, last_error: str | None, at: datetime) -> "Delivery":
        """As the log of a webhook has it, which says what became of its messages."""
        return evolve(self, state=state, reason=reason, attempts=attempts, last_error=last_error, updated_at=max(at, self.updated_at))

    def retried(self, handoff: Handoff, *, by: Actor, at: datetime) -> "Delivery":
        """A dead one, asked for again.

        Raises `NotFound` where it is not of `handoff`, `RoleForbidden`, or `InvalidTransition` unless it is dead.
        """
        if self.handoff_id != handoff.id:
            raise NotFound("delivery")
        require_role(by, Permission.RETRY_DELIVERY)
        return evolve(self._moved(DeliveryMove.RETRY, at), attempts=0, carried_by=None)

    def changed(self, handoff: Handoff, *, by: Actor) -> Event:
        """That it has come to what it is now; of a park's, only its readers hear."""
        return Event.of(
            EventKind.DELIVERY_CHANGED,
            by=by,
            at=self.updated_at,
            session_id=handoff.session_id,
            handoff_id=handoff.id,
            private=handoff.intent is Intent.PARK,
            changed={"delivery_id": str(self.id), "state": self.state},
        )

    def _moved(self, move: DeliveryMove, at: datetime) -> "Delivery":
        return evolve(self, state=advance(DELIVERY, self.state, move, thing="delivery"), updated_at=max(at, self.updated_at))


TELLING = frozenset({DeliveryKind.ESCALATED, DeliveryKind.REMINDER})
"""Kinds that tell colleagues of an escalation; the rest is for one person who knows of it."""


REACHED = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})
"""States of a delivery that its channel has accepted."""


ON_ITS_WAY = REACHED | {DeliveryState.SENDING}
"""And of one that it may accept any moment."""


OFF_DUTY = "off duty"
"""Why a delivery waits for its recipient to work again."""


HELD = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SUPPRESSED})
"""States of a delivery that did not go out yet, or never will, for the reason it says."""


@frozen(kw_only=True)
class Reach:
    """How far telling people of a handoff has got: how many people, however many messages each."""

    people: int = 0
    sent: int = 0
    seen: int = 0
    refused: int = 0
    off_duty: int = 0


@frozen(kw_only=True)
class Colleague:
    """An active person who could be told: no more of them than telling needs."""

    user_id: UserId
    team_ids: frozenset[TeamId] = frozenset()
    online: bool = False
    """Whether they have a stream of events open."""


TOLD_ROLES = PERMISSIONS[Permission.CLAIM].roles
"""Who is told of an escalation: the roles that may claim it, so never a viewer."""


def recipients(
    colleagues: Sequence[Colleague], *, escalated_by: UserId, team_id: TeamId | None = None, user_id: UserId | None = None
) -> tuple[UserId, ...]:
    """Who of the active `colleagues` with one of `TOLD_ROLES` is told of an escalation: everyone but the escalator.

    Narrowed to the person named, or else the team; where that leaves nobody, everyone is told after all.
    """
    everyone = tuple(colleague for colleague in colleagues if colleague.user_id != escalated_by)
    named = tuple(colleague for colleague in everyone if colleague.user_id == user_id)
    team = tuple(colleague for colleague in everyone if team_id in colleague.team_ids)
    return tuple(colleague.user_id for colleague in named or team or everyone)


WORTH_SENDING: Mapping[DeliveryKind, frozenset[HandoffState]] = MappingProxyType(
    {
        DeliveryKind.ESCALATED: frozenset({HandoffState.OPEN}),
        DeliveryKind.REMINDER: frozenset({HandoffState.OPEN}),
        DeliveryKind.LAPSE_WARNING: frozenset({HandoffState.CLAIMED}),
        DeliveryKind.WAKE_UP: frozenset({HandoffState.OPEN}),
        DeliveryKind.DEBRIEF: frozenset(HandoffState),
    }
)
"""In which states of its handoff a delivery still tells something."""


FOR_CLAIMERS = frozenset({DeliveryKind.ESCALATED, DeliveryKind.REMINDER, DeliveryKind.LAPSE_WARNING})
"""Kinds that are of use only to somebody who may claim."""


def why_not_send(kind: DeliveryKind, handoff: Handoff, recipient: User) -> str | None:
    """Why a message about a handoff is not worth sending any more, read at the moment of sending; None where it is."""
    if handoff.state not in WORTH_SENDING[kind]:
        return f"the handoff is {handoff.state}"
    return why_not_tell(recipient, TOLD_ROLES if kind in FOR_CLAIMERS else frozenset(Role))


def why_not_tell(recipient: User, roles: Collection[Role]) -> str | None:
    """Why somebody is told nothing that is for people of these roles; None where they are."""
    if recipient.deactivated_at is not None:
        return "the person is deactivated"
    return None if recipient.role in roles else f"the person is {_a(recipient.role)} now"


def _a(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def message_id(about: DeliveryId | HandoffId, mail_domain: str) -> str:
    """The `Message-ID` of a delivery, the same at every attempt, so that a repeat can be recognised; or what those of a handoff share."""
    return f"<{about}@{mail_domain}>"
