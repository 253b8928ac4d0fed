"""Whether a message goes to somebody now, later or never: one rule for sending and for saying beforehand who would be told."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.window import Window, lasting

from .delivery import OFF_DUTY, TELLING, TOLD_ROLES, Channel, Colleague, Delivery, DeliveryKind
from .preferences import Preferences

NOT_THIS_WAY = "they chose not to be told this way"
SEEN = "they have seen it"
ONLINE = "they are online and see it there first"
NOT_ONLINE = "they are not online"
QUIET = "quiet hours"
MAINTENANCE = "maintenance"


@frozen(kw_only=True)
class Member:
    """An active person of the account, with all that decides whether they are told."""

    user_id: UserId
    name: str
    role: Role
    team_ids: frozenset[TeamId] = frozenset()
    preferences: Preferences

    @property
    def colleague(self) -> Colleague:
        """As far as choosing recipients needs them."""
        return Colleague(user_id=self.user_id, team_ids=self.team_ids)


@frozen(kw_only=True)
class Word:
    """One message to one person: it goes now, or there is a `reason` why not; with `until` it is looked at again then."""

    user_id: UserId
    channel: Channel = Channel.EMAIL
    reason: str | None = None
    until: datetime | None = None


@frozen(kw_only=True)
class About:
    """What is to be told, and what is known of whoever hears it."""

    kind: DeliveryKind = DeliveryKind.ESCALATED
    priority: Priority
    since: datetime
    """When it was written down that they are to be told."""
    online: frozenset[UserId] = frozenset()
    seen: frozenset[UserId] = frozenset()
    window: Window | None = None
    """The maintenance window in which its client is."""


def quiet_until(window: Window | None, priority: Priority, at: datetime) -> datetime | None:
    """Until when a maintenance window holds what would be told at a moment; None where it may be told."""
    lasts = lasting(window, at)
    return lasts.until if lasts is not None and lasts.quiet and priority is not Priority.URGENT else None


def suppressed_until(delivery: Delivery, window: Window | None) -> datetime | None:
    """Until when a maintenance window holds a message that was looked at and put off; None where it waits for nothing of the kind."""
    held = delivery.state is DeliveryState.PENDING and delivery.reason == MAINTENANCE
    return window.until if held and window is not None else None


def somebody_on_duty(members: Iterable[Member], at: datetime) -> bool:
    """Whether any of them works then."""
    return any(member.preferences.on_duty(at) for member in members)


def word(to: Preferences, about: About, *, channel: Channel = Channel.EMAIL, on_duty: bool, at: datetime) -> Word:
    """What becomes of a message to one person at a moment.

    `on_duty`: whether anybody works who is told the same: where nobody does, everybody is told, off duty or not.
    """
    reason, until = _why_not(to, about, channel, on_duty, at)
    return Word(user_id=to.user_id, channel=channel, reason=reason, until=until)


def words(
    members: Iterable[Member], audience: Collection[UserId], about: About, *, over: Callable[[UserId], Iterable[Channel]], at: datetime
) -> tuple[Word, ...]:
    """What becomes of a message to each of an audience, over the channels that are said of each."""
    told = [member for member in members if member.user_id in audience]
    on_duty = somebody_on_duty(told, at)
    return tuple(
        word(member.preferences, about, channel=channel, on_duty=on_duty, at=at) for member in told for channel in over(member.user_id)
    )


def why_left_out(member: Member, *, escalated_by: UserId) -> str:
    """Why somebody is not in an audience."""
    if member.user_id == escalated_by:
        return "it is theirs"
    if member.role not in TOLD_ROLES:
        return f"a {member.role} takes no escalations"
    return "it is meant for others"


def _why_not(to: Preferences, about: About, channel: Channel, on_duty: bool, at: datetime) -> tuple[str | None, datetime | None]:
    if not to.take(about.kind, channel):
        return NOT_THIS_WAY, None
    if channel is Channel.PUSH:
        # It wakes nobody: whoever looks at a stream of events works, or wants to know.
        return (None if to.user_id in about.online else NOT_ONLINE), None
    if over := quiet_until(about.window, about.priority, at):
        return MAINTENANCE, over
    if about.kind in TELLING:
        if to.mail_after is not None and channel is Channel.EMAIL:
            if to.user_id in about.seen:
                return SEEN, None
            if to.user_id in about.online and at < about.since + to.mail_after:
                return ONLINE, about.since + to.mail_after
        if on_duty and not to.on_duty(at):
            return OFF_DUTY, to.hours.next(at)
    if about.priority is not Priority.URGENT and to.is_quiet(at):
        return QUIET, to.quiet_until(at)
    return None, None
