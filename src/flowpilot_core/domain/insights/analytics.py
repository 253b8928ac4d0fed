"""What can be asked: which figures there are, what each of them counts, and what they are grouped by."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue, TooManyGroups
from flowpilot_core.domain.kernel.identifiers import TeamId
from flowpilot_core.domain.kernel.permissions import Permission, require_role

from .period import Period, TimeUnit, key
from .spread import Spread

MOST_GROUPS: Final = 1000
"""In one answer."""


class Subject(StrEnum):
    """What is asked about."""

    ESCALATIONS = "escalations"
    WORK = "work"
    DELIVERIES = "deliveries"


class GroupBy(StrEnum):
    """What figures are grouped by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    HOUR_OF_WEEK = "hour_of_week"
    TEAM = "team"
    PRIORITY = "priority"
    ESCALATOR = "escalator"
    CLAIMER = "claimer"
    ASSIGNEE = "assignee"
    CLIENT = "client"
    CHANNEL = "channel"


GROUPS: Final[Mapping[Subject, tuple[GroupBy, ...]]] = MappingProxyType(
    {
        Subject.ESCALATIONS: (
            GroupBy.DAY,
            GroupBy.WEEK,
            GroupBy.MONTH,
            GroupBy.TEAM,
            GroupBy.PRIORITY,
            GroupBy.ESCALATOR,
            GroupBy.CLAIMER,
            GroupBy.CLIENT,
            GroupBy.HOUR_OF_WEEK,
        ),
        Subject.WORK: (GroupBy.DAY, GroupBy.TEAM, GroupBy.ASSIGNEE, GroupBy.CLIENT),
        Subject.DELIVERIES: (GroupBy.DAY, GroupBy.CHANNEL),
    }
)
PERSONAL: Final = frozenset({GroupBy.ESCALATOR, GroupBy.CLAIMER, GroupBy.ASSIGNEE})
"""Groups that are people: what somebody does is for account owners and admins."""
NAMED: Final = PERSONAL | {GroupBy.TEAM}
"""Groups whose keys are ids: clients are told what they are called, too."""
_UNITS: Final = frozenset(GroupBy(unit) for unit in TimeUnit)
RECOUNTED: Final = (Subject.ESCALATIONS, Subject.WORK)
"""What the event log tells all of; messages are counted where each of them is kept, and nothing is kept beside them."""
NOT_OF_SESSIONS: Final = frozenset({GroupBy.ESCALATOR, GroupBy.CLAIMER})
"""What a session has not itself: its sessions are those of the group's escalations."""


class Kind(StrEnum):
    """What a figure is."""

    COUNT = "count"
    COUNTS = "counts"
    """A count for each of several words."""
    RATE = "rate"
    SPREAD = "spread"


@frozen
class Figure:
    """One figure, and what it counts."""

    name: str
    says: str
    kind: Kind = Kind.COUNT
    words: tuple[str, ...] = ()
    """Of counts: the words that are there even where their count is nought."""
    rate: tuple[str, str] | None = None
    """Of a rate: the figures above and below the line."""


_SESSIONS = Figure(
    "sessions",
    "Sessions that were started in the time; in groups by escalator or claimer, the sessions of the group's escalations.",
)
_TIME_TO_RESOLVE = Figure(
    "time_to_resolve", "Seconds from the start of each session in `sessions` to its last resolution; others are no number.", Kind.SPREAD
)
FIGURES: Final[Mapping[Subject, tuple[Figure, ...]]] = MappingProxyType(
    {
        Subject.ESCALATIONS: (
            _SESSIONS,
            Figure("escalated_sessions", "Those of `sessions` that were escalated at least once, whenever that was."),
            Figure(
                "escalation_rate",
                "`escalated_sessions` over `sessions`; null without sessions.",
                Kind.RATE,
                rate=("escalated_sessions", "sessions"),
            ),
            Figure("escalations", "Escalations that were made in the time."),
            Figure("reroutes", "How often `escalations` were rerouted; each time counts."),
            Figure("claimed", "Those of `escalations` that somebody has claimed, where the claim holds."),
            Figure("withdrawn", "Those of `escalations` that were withdrawn."),
            Figure("lapsed", "How many claims of `escalations` lapsed because they went quiet; each one counts."),
            Figure("unclaimed", "How many claims of `escalations` were given back by their claimer; each one counts."),
            Figure("reopened", "How often `sessions` were reopened; each time counts, on the day the session started."),
            Figure("waiting", "Those of `escalations` that are open now."),
            Figure("overdue", "Those of `waiting` that should have been claimed by now."),
            Figure(
                "time_to_claim",
                "Seconds from each escalation in `claimed` to the claim that holds; a claim that lapsed or was given back starts no new"
                " wait.",
                Kind.SPREAD,
            ),
            Figure(
                "time_to_first_step",
                "Seconds from the claim that holds to the claimer's first step, result or branch in the session, before it is"
                " escalated again, resolved or abandoned.",
                Kind.SPREAD,
            ),
            Figure("claimed_without_step", "Those of `claimed` where no such first step came."),
            _TIME_TO_RESOLVE,
            Figure(
                "verdicts",
                "What the claimers of `claimed` say of them, the last word counts; `none`: nothing yet.",
                Kind.COUNTS,
                words=("right", "late", "avoidable", "none"),
            ),
        ),
        Subject.WORK: (
            Figure(
                "sessions",
                "Sessions that were started in the time, by what they are now.",
                Kind.COUNTS,
                words=("active", "parked", "escalated", "resolved", "abandoned"),
            ),
            Figure("steps", "Steps in these sessions."),
            Figure("forks", "How often the work in these sessions was split into branches."),
            Figure("dead_ends", "Branches of these sessions that were closed as dead ends."),
            Figure("helped", "Those of these sessions that somebody joined to help."),
            Figure("resolved_without_escalation", "Those of these sessions that are resolved and never were escalated."),
            Figure(
                "time_to_resolve",
                "Seconds from the start of each of these sessions to its last resolution; others are no number.",
                Kind.SPREAD,
            ),
        ),
        Subject.DELIVERIES: (
            Figure(
                "told",
                "Messages that tell somebody of an escalation, made in the time, by channel and by how far each of them is: `email_sent`.",
                Kind.COUNTS,
            ),
            Figure("seen", "Those of `told` whose person has looked at the escalation since."),
            Figure(
                "time_to_tell", "Seconds from each message in `told` until its channel had accepted it; others are no number.", Kind.SPREAD
            ),
            Figure("time_to_seen", "Seconds from each message in `seen` until its person first looked at the escalation.", Kind.SPREAD),
            Figure("dead", "Those of `told` that will not be tried again, by what was said last.", Kind.COUNTS),
        ),
    }
)


@frozen(kw_only=True)
class Question:
    """What is asked. Raises `InvalidValue` for a group that the subject has not."""

    subject: Subject
    period: Period
    group_by: GroupBy | None = None
    team_id: TeamId | None = None
    """Only what is that team's."""

    def __attrs_post_init__(self) -> None:
        if self.group_by and self.group_by not in GROUPS[self.subject]:
            raise InvalidValue("group_by", f"must be one of {', '.join(GROUPS[self.subject])}")

    def require_answerable(self, by: Person) -> None:
        """Raises `RoleForbidden`, or `ScopeForbidden`, where the answer is not for that person."""
        if self.group_by in PERSONAL:
            require_role(by, Permission.READ_PERSONAL_FIGURES)

    @property
    def unit(self) -> TimeUnit | None:
        """The unit of time that it groups by."""
        return TimeUnit(self.group_by) if self.group_by in _UNITS else None


GroupKey = str | int | None
"""The number of a unit of time, an id, a word or a name; None: of those that have none."""


@frozen(kw_only=True)
class Tally:
    """What was counted of one group, by the names of figures; a word's count is `figure.word`. What is not there is nought."""

    counts: Mapping[str, int] = field(factory=dict)
    spreads: Mapping[str, Spread] = field(factory=dict)

    def beside(self, other: "Tally") -> "Tally":
        """With what another counted of the same group."""
        return Tally(counts={**self.counts, **other.counts}, spreads={**self.spreads, **other.spreads})

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not any(self.counts.values()) and not any(spread.count for spread in self.spreads.values())

    def value(self, figure: Figure) -> "Value":
        """What a figure comes to."""
        match figure.kind:
            case Kind.COUNT:
                return self.counts.get(figure.name, 0)
            case Kind.SPREAD:
                return self.spreads.get(figure.name, Spread())
            case Kind.COUNTS:
                found = {name.partition(".")[2]: count for name, count in self.counts.items() if name.startswith(f"{figure.name}.")}
                return {word: found.get(word, 0) for word in (*figure.words, *sorted(found.keys() - set(figure.words)))}
            case Kind.RATE:
                above, below = figure.rate or ("", "")
                whole = self.counts.get(below, 0)
                return self.counts.get(above, 0) / whole if whole else None


Value = int | float | Spread | Mapping[str, int] | None


@frozen(kw_only=True)
class Tallies:
    """What was counted in all and of each group."""

    total: Tally
    groups: Mapping[GroupKey, Tally] = field(factory=dict)

    def not_empty(self, most: int) -> "Tallies":
        """Without empty groups. Raises `TooManyGroups`."""
        groups = {name: tally for name, tally in self.groups.items() if not tally.is_empty}
        if len(groups) > most:
            raise TooManyGroups(most)
        return Tallies(total=self.total, groups=groups)


def called(question: Question, group: GroupKey) -> str | None:
    """What clients call a group."""
    if question.unit and isinstance(group, int):
        return key(question.unit, group)
    return None if group is None else str(group)


def seconds(wait: timedelta | None) -> float | None:
    """As clients read a wait: to the thousandth."""
    return None if wait is None else round(wait.total_seconds(), 3)


def differences(kept: Tallies, recounted: Tallies, subject: Subject) -> Mapping[GroupKey, Collection[str]]:
    """The figures that differ, by group; in all, under `total`."""
    pairs: dict[GroupKey, tuple[Tally, Tally]] = {
        name: (kept.groups.get(name, Tally()), recounted.groups.get(name, Tally())) for name in {**kept.groups, **recounted.groups}
    }
    pairs["total"] = (kept.total, recounted.total)
    found = {name: [one.name for one in FIGURES[subject] if pair[0].value(one) != pair[1].value(one)] for name, pair in pairs.items()}
    return {name: different for name, different in found.items() if different}
