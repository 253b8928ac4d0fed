"""How somebody wants to be told, and when they work."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import UserId

from .delivery import Channel, DeliveryKind
from .working_hours import MINUTES, WEEK, Hours, Shift, Span

ALWAYS = tuple(Shift(day=day, span=Span(start=0, end=MINUTES)) for day in WEEK)
LONGEST_MAIL_AFTER = timedelta(days=1)


@frozen(kw_only=True)
class Preferences:
    """One person's; who never said anything works always, has no quiet hours and is told over every channel."""

    user_id: UserId
    hours: Hours = field(factory=lambda: Hours(time_zone="UTC", weekly=ALWAYS))
    """When they work."""
    quiet: Span | None = None
    """Hours of every day in which only what is urgent passes; a whole day of them never ends."""
    channels: Mapping[DeliveryKind, tuple[Channel, ...]] = field(factory=dict)
    """Over which channels they want each kind of message; of a kind that is left out over every one."""
    mail_after: timedelta | None = None
    """While they are online: mail an escalation only if they have not seen it so long after."""

    def __attrs_post_init__(self) -> None:
        if self.mail_after is not None and not timedelta() <= self.mail_after <= LONGEST_MAIL_AFTER:
            raise InvalidValue("mail_after_seconds", "must be from 0 to a day")

    def take(self, kind: DeliveryKind, channel: Channel) -> bool:
        """Whether they want this kind of message over this channel."""
        return channel in self.channels.get(kind, tuple(Channel))

    def without_mails(self, kinds: Iterable[DeliveryKind]) -> "Preferences":
        """The same without mails of these kinds; everything else stays as it was said."""
        left = {kind: tuple(one for one in self.channels.get(kind, tuple(Channel)) if one is not Channel.EMAIL) for kind in kinds}
        return evolve(self, channels={**self.channels, **left})

    def on_duty(self, at: datetime) -> bool:
        """Whether they work then."""
        return self.hours.hold(at)

    def is_quiet(self, at: datetime) -> bool:
        """Whether it is one of their quiet hours."""
        return self._quiet_hours.hold(at)

    def quiet_until(self, at: datetime) -> datetime | None:
        """When their quiet hours end; None where they never do, since one day's go on into the next."""
        if self.quiet is not None and self.quiet.is_whole_day:
            return None
        return self._quiet_hours.next(at, held=False)

    @property
    def _quiet_hours(self) -> Hours:
        weekly = () if self.quiet is None else tuple(Shift(day=day, span=self.quiet) for day in WEEK)
        return Hours(time_zone=self.hours.time_zone, weekly=weekly)
