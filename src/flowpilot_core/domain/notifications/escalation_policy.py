"""An escalation policy: whom to tell, and when, while nobody takes an escalation."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import HandoffId, PolicyRunId, TeamId, UserId
from flowpilot_core.domain.sessions.session import Priority

from .delivery import TOLD_ROLES, Channel
from .timing import Member

MOST_STEPS = 20
MOST_REPEATS = 100
SHORTEST_REPEAT = timedelta(minutes=1)
LONGEST = timedelta(days=30)
FEWEST_QUIET_MINUTES = 5
MOST_QUIET_MINUTES = 7 * 24 * 60
ROUND = 10_000
"""More firings than any policy has, so that those of one round are told from those of the next."""


class Whom(StrEnum):
    """How a step says whom it tells."""

    TEAM = "team"
    ROLE = "role"
    PERSON = "person"
    ON_DUTY = "on_duty"
    """Whoever works then."""
    EVERYBODY = "everybody"


TAKES = {
    Whom.TEAM: "team_id alone",
    Whom.ROLE: "role alone",
    Whom.PERSON: "user_id alone",
    Whom.ON_DUTY: "nothing else",
    Whom.EVERYBODY: "nothing else",
}


@frozen(kw_only=True)
class Target:
    """Some of the people who may claim."""

    kind: Whom
    team_id: TeamId | None = None
    role: Role | None = None
    user_id: UserId | None = None

    def __attrs_post_init__(self) -> None:
        named = {Whom.TEAM: self.team_id, Whom.ROLE: self.role, Whom.PERSON: self.user_id}
        for kind, value in named.items():
            if (value is not None) is not (self.kind is kind):
                raise InvalidValue("kind", f"is {self.kind}, which takes {TAKES[self.kind]}")
        if self.role is not None and self.role not in TOLD_ROLES:
            raise InvalidValue("role", "takes no escalations")

    def has(self, member: Member, at: datetime) -> bool:
        """Whether somebody is meant."""
        match self.kind:
            case Whom.TEAM:
                return self.team_id in member.team_ids
            case Whom.ROLE:
                return member.role is self.role
            case Whom.PERSON:
                return member.user_id == self.user_id
            case Whom.ON_DUTY:
                return member.preferences.on_duty(at)
            case Whom.EVERYBODY:
                return True


@frozen(kw_only=True)
class PolicyStep:
    """Somebody is told so long after the escalation, and again so often."""

    after: timedelta
    whom: tuple[Target, ...]
    channels: tuple[Channel, ...] = (Channel.EMAIL,)
    """Those that lead to one person tell whom it names; the others all webhooks of that kind."""
    repeats: int = 0
    every: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        if not timedelta() <= self.after <= LONGEST:
            raise InvalidValue("after_seconds", "must be from 0 to 30 days")
        if not self.whom:
            raise InvalidValue("whom", "must name somebody")
        if not self.channels:
            raise InvalidValue("channels", "must name at least one")
        if not 0 <= self.repeats <= MOST_REPEATS:
            raise InvalidValue("repeats", f"must be from 0 to {MOST_REPEATS}")
        if (self.repeats > 0) is not (self.every is not None):
            raise InvalidValue("every_seconds", "goes with repeats")
        if self.every is not None and not SHORTEST_REPEAT <= self.every <= LONGEST:
            raise InvalidValue("every_seconds", "must be from a minute to 30 days")

    def audience(self, members: Sequence[Member], *, escalated_by: UserId, at: datetime) -> tuple[UserId, ...]:
        """Whom the step tells: never the escalator, only who may claim; where it leaves nobody, everybody."""
        everybody = [member for member in members if member.role in TOLD_ROLES and member.user_id != escalated_by]
        meant = [member for member in everybody if any(target.has(member, at) for target in self.whom)]
        return tuple(member.user_id for member in meant or everybody)


@frozen(kw_only=True)
class Firing:
    """One time at which a step tells people."""

    number: int
    """Counts from 1, in the order of time."""
    after: timedelta
    step: PolicyStep


def firings(steps: Sequence[PolicyStep]) -> tuple[Firing, ...]:
    """Every time at which a policy tells somebody, in order; two at once in the order of their steps."""
    times = sorted((after, place) for place, step in enumerate(steps) for after in _times(step))
    return tuple(Firing(number=number, after=after, step=steps[place]) for number, (after, place) in enumerate(times, 1))


def _times(step: PolicyStep) -> Iterator[timedelta]:
    for repeat in range(step.repeats + 1):
        yield step.after + repeat * (step.every or timedelta())


@frozen(kw_only=True)
class TeamPolicy:
    """The steps for what is meant for one team."""

    team_id: TeamId
    steps: tuple[PolicyStep, ...]

    def __attrs_post_init__(self) -> None:
        _require_few(self.steps)


@frozen(kw_only=True)
class EscalationPolicy:
    """An account's: its steps, those of its teams, when what is escalated is due, and how long a claim may be quiet."""

    steps: tuple[PolicyStep, ...] = ()
    teams: tuple[TeamPolicy, ...] = ()
    due: Mapping[Priority, timedelta] = field(factory=dict)
    """How soon somebody should have taken it."""
    claim_quiet_minutes: int | None = None
    """After so long without work a claim goes back to the queue; None: never."""

    def __attrs_post_init__(self) -> None:
        _require_few(self.steps)
        if len({team.team_id for team in self.teams}) < len(self.teams):
            raise InvalidValue("teams", "names a team twice")
        if any(not timedelta(minutes=1) <= within <= LONGEST for within in self.due.values()):
            raise InvalidValue("due_seconds", "must be from a minute to 30 days")
        minutes = self.claim_quiet_minutes
        if minutes is not None and not FEWEST_QUIET_MINUTES <= minutes <= MOST_QUIET_MINUTES:
            raise InvalidValue("claim_quiet_minutes", f"must be from {FEWEST_QUIET_MINUTES} to {MOST_QUIET_MINUTES}")

    def steps_for(self, team_id: TeamId | None) -> tuple[PolicyStep, ...]:
        """The steps for what is meant for a team, or for nobody in particular."""
        return next((team.steps for team in self.teams if team.team_id == team_id), self.steps)

    def due_at(self, priority: Priority, since: datetime) -> datetime | None:
        """When something that waits since then should have been taken."""
        within = self.due.get(priority)
        return None if within is None else since + within

    @property
    def targets(self) -> Iterator[Target]:
        """Everybody it names anywhere."""
        for steps in (self.steps, *(team.steps for team in self.teams)):
            for step in steps:
                yield from step.whom


@frozen(kw_only=True)
class PolicyRun:
    """How far the policy of one escalation has got. A new round begins with the first step again."""

    id: PolicyRunId
    handoff_id: HandoffId
    since: datetime
    round: int = 0
    fired: int = 0
    """How many have fired in this round; messages are numbered by it, whatever the steps were at the time."""
    reached: datetime | None = None
    """When what fired last was due: steps may come and go meanwhile, and time alone tells what is still to come."""

    def next(self, steps: Sequence[PolicyStep]) -> tuple[Firing, ...]:
        """What fires next, of the steps as they are now: all that is due at one moment."""
        left = self._left(steps)
        return tuple(firing for firing in left if firing.after == left[0].after)

    def _left(self, steps: Sequence[PolicyStep]) -> list[Firing]:
        """What is to come, numbered after what has fired."""
        reached, planned = self.reached, firings(steps)
        left = planned[self.fired :] if reached is None else [firing for firing in planned if self.due(firing) > reached]
        return [evolve(firing, number=number) for number, firing in enumerate(left, self.fired + 1)]

    def due(self, firing: Firing) -> datetime:
        """When something fires."""
        return self.since + firing.after

    def after(self, firing: Firing) -> "PolicyRun":
        """Once it has fired, with all that came before it."""
        return evolve(self, fired=firing.number, reached=self.due(firing))

    def anew(self, run_id: PolicyRunId, *, since: datetime) -> "PolicyRun":
        """From the first step on: it is for others to take, or nobody's again."""
        return evolve(self, id=run_id, since=since, round=self.round + 1, fired=0, reached=None)

    def resumed(self, run_id: PolicyRunId, steps: Sequence[PolicyStep], *, at: datetime) -> "PolicyRun":
        """Where it stood when it was claimed; of what would have fired meanwhile only the last still does."""
        missed = [firing for firing in self._left(steps) if self.due(firing) <= at]
        passed = [firing for firing in missed if firing.after < missed[-1].after]
        return evolve(self.after(passed[-1]) if passed else self, id=run_id)

    def mark(self, firing: Firing) -> int:
        """The number that the messages of a firing have, which no other of this escalation has."""
        return self.round * ROUND + firing.number


def _require_few(steps: Sequence[PolicyStep]) -> None:
    if len(steps) > MOST_STEPS:
        raise InvalidValue("steps", f"has more than {MOST_STEPS} steps")
