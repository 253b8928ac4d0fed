"""Who would be told what and when of an escalation that is made now, and why everybody else would not; by the rules that tell them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.window import Window

from .delivery import PERSONAL, TOLD_ROLES, Channel, DeliveryKind, channels, recipients
from .escalation_policy import EscalationPolicy, firings
from .timing import About, Member, Word, somebody_on_duty, why_left_out, words


@frozen(kw_only=True)
class Forecast:
    """One time at which people would be told: as it is escalated, and by each step of the policy after it."""

    at: datetime
    number: int
    """0: as it is escalated; then of the firings of the policy, in order."""
    words: tuple[Word, ...]
    left_out: tuple[tuple[UserId, str], ...]
    """Everybody else, and why."""


@frozen(kw_only=True)
class Outlook:
    """What would happen while nobody takes it."""

    nobody_on_duty: bool
    """Of those who would be told first nobody works: all of them are told all the same."""
    due_at: datetime | None
    told: tuple[Forecast, ...]


def foretell(
    policy: EscalationPolicy,
    members: Sequence[Member],
    *,
    escalated_by: UserId,
    priority: Priority,
    team_id: TeamId | None = None,
    user_id: UserId | None = None,
    online: frozenset[UserId] = frozenset(),
    window: Window | None = None,
    at: datetime,
) -> Outlook:
    """What an escalation that is made at a moment would lead to, if nothing changes but the time."""
    may_claim = [member.colleague for member in members if member.role in TOLD_ROLES]
    first = recipients(may_claim, escalated_by=escalated_by, team_id=team_id, user_id=user_id)

    def told(
        number: int, audience: Collection[UserId], about: About, over: Callable[[UserId], Iterable[Channel]], moment: datetime
    ) -> Forecast:
        return Forecast(
            at=moment,
            number=number,
            words=words(members, audience, about, over=over, at=moment),
            left_out=tuple((one.user_id, why_left_out(one, escalated_by=escalated_by)) for one in members if one.user_id not in audience),
        )

    at_once = told(0, first, About(priority=priority, since=at, online=online, window=window), lambda person: channels(person, online), at)
    later = (
        told(
            firing.number,
            firing.step.audience(members, escalated_by=escalated_by, at=at + firing.after),
            About(kind=DeliveryKind.REMINDER, priority=priority, since=at + firing.after, online=online, window=window),
            _each(PERSONAL.intersection(firing.step.channels)),
            at + firing.after,
        )
        for firing in firings(policy.steps_for(team_id))
    )
    return Outlook(
        nobody_on_duty=not somebody_on_duty((member for member in members if member.user_id in first), at),
        due_at=policy.due_at(priority, at),
        told=(at_once, *later),
    )


def _each(same: Collection[Channel]) -> Callable[[UserId], Iterable[Channel]]:
    """The same channels for everybody."""
    return lambda _: sorted(same)
