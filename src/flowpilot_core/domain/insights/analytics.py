"""What can be asked: which figures, of which time, grouped by what; and what came of it."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue, TooManyGroups
from flowpilot_core.domain.kernel.identifiers import TeamId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.knowledge.rating import Stars

from .figures import FIGURES, Figure, Kind, Subject
from .period import Period, TimeUnit, key
from .spread import Spread

MOST_GROUPS: Final = 1000
"""In one answer."""


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
    CONNECTION = "connection"
    KIND = "kind"
    PROVIDER = "provider"
    PROMPT_VERSION = "prompt_version"
    TREE = "tree"
    NODE = "node"


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
            GroupBy.TREE,
            GroupBy.HOUR_OF_WEEK,
        ),
        Subject.WORK: (GroupBy.DAY, GroupBy.TEAM, GroupBy.ASSIGNEE, GroupBy.CLIENT),
        Subject.DELIVERIES: (GroupBy.DAY, GroupBy.CHANNEL),
        Subject.PSA: (GroupBy.DAY, GroupBy.CONNECTION, GroupBy.KIND),
        Subject.ASSISTANT: (GroupBy.DAY, GroupBy.PROVIDER, GroupBy.PROMPT_VERSION),
        Subject.KNOWLEDGE: (GroupBy.TREE, GroupBy.NODE),
    }
)
PERSONAL: Final = frozenset({GroupBy.ESCALATOR, GroupBy.CLAIMER, GroupBy.ASSIGNEE})
"""Groups that are people: what somebody does is for account owners and admins."""
NAMED: Final = PERSONAL | {GroupBy.TEAM, GroupBy.CONNECTION, GroupBy.TREE, GroupBy.NODE}
"""Groups whose keys are ids: clients are told what they are called, too."""
_UNITS: Final = frozenset(GroupBy(unit) for unit in TimeUnit)
READING: Final[Mapping[Subject, Permission]] = MappingProxyType({Subject.PSA: Permission.READ_POSTS})
"""Who may ask at all, where what is counted is not for everybody either."""
NOT_OF_SESSIONS: Final = frozenset({GroupBy.ESCALATOR, GroupBy.CLAIMER})
"""What a session has not itself: its sessions are those of the group's escalations."""


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
        for permission in self.permissions:
            require_role(by, permission)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What it takes to be answered."""
        of_subject = (READING[self.subject],) if self.subject in READING else ()
        return (*of_subject, Permission.READ_PERSONAL_FIGURES) if self.group_by in PERSONAL else of_subject

    @property
    def unit(self) -> TimeUnit | None:
        """The unit of time that it groups by."""
        return TimeUnit(self.group_by) if self.group_by in _UNITS else None


GroupKey = str | int | None
"""The number of a unit of time, an id, a word or a name; None: of those that have none."""


@frozen(kw_only=True)
class Tally:
    """What was counted of one group, by the names of figures; a word's count is `figure.word`. What is not there is nought.

    Of hours, the minutes are counted; of stars, all that were given.
    """

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
            case Kind.HOURS:
                return self.counts.get(figure.name, 0) / 60
            case Kind.STARS:
                stars = Stars(count=self.counts.get("ratings", 0), total=self.counts.get(figure.name, 0))
                return stars.mean if stars.count else None
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


def node_key(tree_id: TreeId, node_id: str) -> str:
    """What clients call the group of a node."""
    return f"{tree_id}/{node_id}"


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
