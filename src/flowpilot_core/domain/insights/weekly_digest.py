"""The weekly digest: of which week somebody is mailed the figures, when, and how far that is."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from attrs import evolve, frozen

from flowpilot_core.domain.access.account import Account, User
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.permissions import PERMISSIONS, Permission
from flowpilot_core.domain.kernel.sending import DELIVERY, MOST_ATTEMPTS, DeliveryMove, DeliveryState
from flowpilot_core.domain.kernel.time_zone import zone
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.notifications.delivery import MAYBE_TWICE, why_not_tell

from .period import Period

TOLD_AT: Final = time(7)
"""On the Monday after the week, by the clock of the account."""
TO_SEND: Final = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENDING})
ASKED_LATER: Final = "it was over before they asked"
_WEEK: Final = timedelta(days=7)


def told_at(week: Period) -> datetime:
    """When a week is told."""
    return datetime.combine(week.end, TOLD_AT, zone(week.time_zone)).astimezone(UTC)


def last_week(time_zone: str, *, at: datetime) -> Period:
    """The last week, from a Monday to the next, that is to be told by then."""
    today = at.astimezone(zone(time_zone)).date()
    week = _week(today - timedelta(days=today.weekday()) - _WEEK, time_zone)
    return week if told_at(week) <= at else _week(week.start - _WEEK, time_zone)


def next_at(time_zone: str, *, after: datetime) -> datetime:
    """When the next week is told."""
    return told_at(_week(last_week(time_zone, at=after).end, time_zone))


@frozen(kw_only=True)
class WeeklyDigest:
    """Somebody's wish to be mailed the figures of each week, and how far that is."""

    user_id: UserId
    week: date
    """The Monday on which the week begins that was told last, or is being told."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    reason: str | None = None
    """Why it was suppressed, or what there is to say of how it was sent."""
    last_error: str | None = None
    maybe_arrived: bool = False
    """Whether an attempt may have arrived without our knowing."""

    @classmethod
    def wanted(cls, user_id: UserId, time_zone: str, *, at: datetime) -> "WeeklyDigest":
        """From now on: the first is of the first week that is to be told later."""
        return cls(user_id=user_id, week=last_week(time_zone, at=at).start, state=DeliveryState.SUPPRESSED, reason=ASKED_LATER)

    @property
    def until(self) -> date:
        """The day after the last one of its week."""
        return self.week + _WEEK

    def come_to(self, week: Period) -> "WeeklyDigest":
        """With that week to be told, where it is later than the one it was at: what was missed in between is not told any more."""
        return WeeklyDigest(user_id=self.user_id, week=week.start) if week.start > self.week else self

    def tells(self, week: Period) -> bool:
        """Whether that week is to be told still."""
        return self.week == week.start and self.state in TO_SEND

    def taken(self) -> "WeeklyDigest":
        """About to be sent, once more. Taking over from a relay that died in the middle is such a take too."""
        in_the_middle = self.state is DeliveryState.SENDING
        return evolve(self._moved(DeliveryMove.TAKE), attempts=self.attempts + 1, maybe_arrived=self.maybe_arrived or in_the_middle)

    def sent(self, remark: str | None = None) -> "WeeklyDigest":
        """Accepted by the mail server, which may have something to say of it."""
        said = remark or (MAYBE_TWICE if self.maybe_arrived else None)
        return evolve(self._moved(DeliveryMove.SEND), reason=said, last_error=None)

    def failed(self, error: str, *, permanent: bool, unknown: bool = False) -> "WeeklyDigest":
        """Not accepted, or `unknown`: to be tried again, or dead where the refusal is permanent or it was tried often enough."""
        move = DeliveryMove.GIVE_UP if permanent or self.attempts >= MOST_ATTEMPTS else DeliveryMove.FAIL
        return evolve(self._moved(move), last_error=error, maybe_arrived=self.maybe_arrived or unknown)

    def given_up(self, problem: str) -> "WeeklyDigest":
        """Its week is never to be tried again, for a reason that lies here and not with the mail server."""
        return self.taken().failed(problem, permanent=True) if self.state in TO_SEND else self

    def suppressed(self, reason: str) -> "WeeklyDigest":
        """Its week is not told."""
        return evolve(self._moved(DeliveryMove.SUPPRESS), reason=reason)

    def message_id(self, mail_domain: str) -> str:
        """The `Message-ID` of its week, the same at every attempt."""
        return f"<{self.user_id}.{self.week}@{mail_domain}>"

    def _moved(self, move: DeliveryMove) -> "WeeklyDigest":
        return evolve(self, state=advance(DELIVERY, self.state, move, thing="weekly digest"))


def why_not_mail(account: Account, recipient: User) -> str | None:
    """Why somebody gets no digest, whatever they wish, read at the moment of sending; None where they do."""
    return account.why_not_tell() or why_not_tell(recipient, PERMISSIONS[Permission.HAVE_WEEKLY_DIGEST].roles)


def _week(start: date, time_zone: str) -> Period:
    return Period(start=start, end=start + _WEEK, time_zone=time_zone)
