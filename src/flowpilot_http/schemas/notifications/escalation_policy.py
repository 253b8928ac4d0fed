"""The escalation policy, how people want to be told, and previews."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.notifications.escalation_policy import Foreseen
from flowpilot_core.domain.handoffs.preflight import Asked
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.notifications.delivery import Channel, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyStep, Target, TeamPolicy, Whom
from flowpilot_core.domain.notifications.preferences import ALWAYS, Preferences
from flowpilot_core.domain.notifications.preview import Forecast
from flowpilot_core.domain.notifications.working_hours import Hours, OtherDay, Shift, Span, Weekday
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_http.schemas.kernel import Closed, Instant, PersonOut, person

T = TypeVar("T")
V = TypeVar("V")

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", examples=["09:00"])]
"""A time by the clock on the wall; 24:00 is the end of a day."""
_SECOND = timedelta(seconds=1)


class SpanIO(Closed, kw_only=True, frozen=True):
    """From one time of the day until another; one that ends no later than it begins goes on past midnight."""

    start: Clock
    end: Clock

    def span(self) -> Span:
        """As the core knows it."""
        return Span(start=_minutes(self.start), end=_minutes(self.end))

    @classmethod
    def of(cls, span: Span) -> "SpanIO":
        """As clients read it."""
        return cls(start=_clock(span.start), end=_clock(span.end))


class ShiftIO(SpanIO, kw_only=True, frozen=True):
    """Hours of one day of the week, on which they begin."""

    day: Weekday


class OtherDayIO(Closed, kw_only=True, frozen=True):
    """A date whose hours are not those of its day of the week; a holiday has none."""

    date: date
    hours: list[SpanIO] = []


class ChannelsIO(Closed, kw_only=True, frozen=True):
    """Over which channels somebody wants each kind of message; null: over every one."""

    escalated: list[Channel] | None = None
    reminder: list[Channel] | None = None
    lapse_warning: list[Channel] | None = None
    wake_up: list[Channel] | None = None
    debrief: list[Channel] | None = None


class DueIO(Closed, kw_only=True, frozen=True):
    """How soon something of each priority should be taken; null: nobody says."""

    low: int | None = None
    normal: int | None = None
    high: int | None = None
    urgent: int | None = None


class PreferencesIO(Closed, kw_only=True, frozen=True):
    """When somebody works, and how they want to be told."""

    time_zone: Annotated[str, Meta(description="The IANA time zone, such as Europe/Vienna.", examples=["Europe/Vienna"])] = "UTC"
    working_hours: Annotated[list[ShiftIO] | None, Meta(description="Null: always.")] = None
    other_days: Annotated[list[OtherDayIO], Meta(description="Holidays and other exceptions.")] = []
    quiet_hours: Annotated[SpanIO | None, Meta(description="Hours of every day in which only what is urgent passes.")] = None
    channels: ChannelsIO = msgspec.field(default_factory=ChannelsIO)
    mail_after_seconds: Annotated[
        int | None, Meta(description="While you are online: mail an escalation only if you have not seen it so long after.")
    ] = None

    def preferences(self, user_id: UserId) -> Preferences:
        """As the core knows them. Raises `InvalidValue`."""
        weekly = None if self.working_hours is None else tuple(_each("working_hours", self.working_hours, _shift))
        return Preferences(
            user_id=user_id,
            hours=Hours(
                time_zone=self.time_zone,
                weekly=ALWAYS if weekly is None else weekly,
                other_days=tuple(
                    OtherDay(date=other.date, spans=tuple(_each(f"other_days.{place}.hours", other.hours, SpanIO.span)))
                    for place, other in enumerate(self.other_days)
                ),
            ),
            quiet=None if self.quiet_hours is None else _within("quiet_hours", self.quiet_hours.span),
            channels={
                DeliveryKind(kind): tuple(channels)
                for kind, channels in msgspec.structs.asdict(self.channels).items()
                if channels is not None
            },
            mail_after=None if self.mail_after_seconds is None else _seconds("mail_after_seconds", self.mail_after_seconds),
        )

    @classmethod
    def of(cls, preferences: Preferences) -> "PreferencesIO":
        """As clients read them."""
        hours, quiet, mail_after = preferences.hours, preferences.quiet, preferences.mail_after
        return cls(
            time_zone=hours.time_zone,
            working_hours=None
            if hours.weekly == ALWAYS
            else [ShiftIO(day=one.day, start=_clock(one.span.start), end=_clock(one.span.end)) for one in hours.weekly],
            other_days=[OtherDayIO(date=other.date, hours=[SpanIO.of(span) for span in other.spans]) for other in hours.other_days],
            quiet_hours=None if quiet is None else SpanIO.of(quiet),
            channels=ChannelsIO(**{str(kind): list(channels) for kind, channels in preferences.channels.items()}),
            mail_after_seconds=None if mail_after is None else mail_after // _SECOND,
        )


class TargetIO(Closed, kw_only=True, frozen=True):
    """Some of the people who may claim: a team, a role or a person, which is named, or whoever works then, or everybody."""

    kind: Whom
    team_id: UUID | None = None
    role: Role | None = None
    user_id: UUID | None = None

    def target(self) -> Target:
        """As the core knows it. Raises `InvalidValue`."""
        return Target(
            kind=self.kind,
            team_id=None if self.team_id is None else TeamId(self.team_id),
            role=self.role,
            user_id=None if self.user_id is None else UserId(self.user_id),
        )

    @classmethod
    def of(cls, target: Target) -> "TargetIO":
        """As clients read it."""
        return cls(kind=target.kind, team_id=target.team_id, role=target.role, user_id=target.user_id)


class PolicyStepIO(Closed, kw_only=True, frozen=True):
    """Whom to tell so long after the escalation, and how often again."""

    after_seconds: Annotated[int, Meta(description="Counted from the escalation.", examples=[900])]
    whom: list[TargetIO]
    channels: list[Channel] = msgspec.field(default_factory=lambda: [Channel.EMAIL])
    repeats: Annotated[int, Meta(description="How often again.")] = 0
    every_seconds: Annotated[int | None, Meta(description="Between repeats.")] = None

    def step(self) -> PolicyStep:
        """As the core knows it. Raises `InvalidValue`."""
        return PolicyStep(
            after=_seconds("after_seconds", self.after_seconds),
            whom=tuple(_each("whom", self.whom, TargetIO.target)),
            channels=tuple(self.channels),
            repeats=self.repeats,
            every=None if self.every_seconds is None else _seconds("every_seconds", self.every_seconds),
        )

    @classmethod
    def of(cls, step: PolicyStep) -> "PolicyStepIO":
        """As clients read it."""
        return cls(
            after_seconds=step.after // _SECOND,
            whom=[TargetIO.of(target) for target in step.whom],
            channels=list(step.channels),
            repeats=step.repeats,
            every_seconds=None if step.every is None else step.every // _SECOND,
        )


class TeamPolicyIO(Closed, kw_only=True, frozen=True):
    """The steps for what is meant for one team, instead of the account's."""

    team_id: UUID
    steps: list[PolicyStepIO] = []


class PolicyIO(Closed, kw_only=True, frozen=True):
    """Whom to tell, and when, while nobody takes an escalation."""

    steps: Annotated[list[PolicyStepIO], Meta(description="For what is meant for no team with steps of its own.")] = []
    teams: list[TeamPolicyIO] = []
    due_seconds: Annotated[DueIO, Meta(description="Shown in the queue, never sorted by.")] = msgspec.field(default_factory=DueIO)
    claim_quiet_minutes: Annotated[
        int | None, Meta(description="After so long without work a claim goes back to the queue, its claimer warned at 70 %; null: never.")
    ] = None

    def policy(self) -> EscalationPolicy:
        """As the core knows it. Raises `InvalidValue`."""
        return EscalationPolicy(
            steps=tuple(_each("steps", self.steps, PolicyStepIO.step)),
            teams=tuple(_each("teams", self.teams, _team)),
            due={
                Priority(priority): _seconds(f"due_seconds.{priority}", seconds)
                for priority, seconds in msgspec.structs.asdict(self.due_seconds).items()
                if seconds is not None
            },
            claim_quiet_minutes=self.claim_quiet_minutes,
        )

    @classmethod
    def of(cls, policy: EscalationPolicy) -> "PolicyIO":
        """As clients read it."""
        return cls(
            steps=[PolicyStepIO.of(step) for step in policy.steps],
            teams=[TeamPolicyIO(team_id=team.team_id, steps=[PolicyStepIO.of(step) for step in team.steps]) for team in policy.teams],
            due_seconds=DueIO(**{str(priority): within // _SECOND for priority, within in policy.due.items()}),
            claim_quiet_minutes=policy.claim_quiet_minutes,
        )


class PreviewPolicy(PolicyIO, kw_only=True, frozen=True):
    """A policy that is not kept yet, and for which escalation to look at it: one of yours, now, where left out."""

    priority: Priority = Priority.NORMAL
    team_id: UUID | None = None
    at: Annotated[Instant | None, Meta(description="Without it: now.")] = None


class PreviewWanted(Closed, kw_only=True, frozen=True):
    """Which session, and how it would be escalated."""

    session_id: UUID
    priority: Priority | None = None
    team_id: UUID | None = None
    user_id: UUID | None = None


class WordOut(msgspec.Struct, kw_only=True, frozen=True):
    """One message to one person: at once, or later, or for a reason never."""

    user: PersonOut
    channel: Channel
    now: bool
    reason: Annotated[str | None, Meta(description="Why not now.")]
    until: Annotated[Instant | None, Meta(description="When it is looked at again; null with a reason: never.")]


class LeftOutOut(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who would not be told, and why."""

    user: PersonOut
    reason: str


class ToldThenOut(msgspec.Struct, kw_only=True, frozen=True):
    """One time at which people would be told."""

    number: Annotated[int, Meta(description="0: as it is escalated; then the steps of the policy with their repeats, in order.")]
    at: Instant
    told: list[WordOut]
    not_told: list[LeftOutOut]

    @classmethod
    def of(cls, told: Forecast, names: Mapping[UserId, str]) -> "ToldThenOut":
        """As clients read it."""
        return cls(
            number=told.number,
            at=told.at,
            told=[
                WordOut(user=person(one.user_id, names), channel=one.channel, now=one.reason is None, reason=one.reason, until=one.until)
                for one in told.words
            ],
            not_told=[LeftOutOut(user=person(user_id, names), reason=reason) for user_id, reason in told.left_out],
        )


class QuestionOut(msgspec.Struct, kw_only=True, frozen=True):
    """Something a senior asks first."""

    asked: Asked
    text: str
    answered: Annotated[bool, Meta(description="Whether the session seems to say it already.")]
    read_in_part: Annotated[bool, Meta(description="Whether it may say so where it was not looked: of long texts the beginnings are read.")]


class PreviewOut(msgspec.Struct, kw_only=True, frozen=True):
    """What an escalation would lead to while nobody takes it; nothing of it is promised, and nothing is kept."""

    warning: Annotated[str | None, Meta(description="What to know first: that nobody is on duty.")]
    nobody_on_duty: bool
    due_at: Instant | None
    now: ToldThenOut
    steps: list[ToldThenOut]
    questions: list[QuestionOut]

    @classmethod
    def of(cls, foreseen: Foreseen) -> "PreviewOut":
        """As clients read it."""
        outlook, names = foreseen.outlook, foreseen.names
        at_once, *later = outlook.told
        return cls(
            warning="Nobody is on duty: everybody is told all the same." if outlook.nobody_on_duty else None,
            nobody_on_duty=outlook.nobody_on_duty,
            due_at=outlook.due_at,
            now=ToldThenOut.of(at_once, names),
            steps=[ToldThenOut.of(told, names) for told in later],
            questions=[
                QuestionOut(asked=one.asked, text=one.text, answered=one.answered, read_in_part=one.read_in_part)
                for one in foreseen.questions
            ],
        )


def _shift(shift: ShiftIO) -> Shift:
    return Shift(day=shift.day, span=shift.span())


def _team(team: TeamPolicyIO) -> TeamPolicy:
    return TeamPolicy(team_id=TeamId(team.team_id), steps=tuple(_each("steps", team.steps, PolicyStepIO.step)))


def _each(field: str, values: Iterable[V], made: Callable[[V], T]) -> Iterable[T]:
    """What each of a list says; a refusal names its place."""
    for place, value in enumerate(values):
        try:
            yield made(value)
        except InvalidValue as refused:
            raise InvalidValue(f"{field}.{place}.{refused.field}", refused.problem) from refused


def _within(field: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except InvalidValue as refused:
        raise InvalidValue(f"{field}.{refused.field}", refused.problem) from refused


def _seconds(field: str, value: int) -> timedelta:
    try:
        return timedelta(seconds=value)
    except OverflowError:
        raise InvalidValue(field, "is too long") from None


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
