"""A maintenance schedule: what is looked after, when, and by whom."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import InvalidValue, VersionConflict
from flowpilot_core.domain.kernel.identifiers import MaintenanceScheduleId, TreeId, UserId
from flowpilot_core.domain.kernel.name import checked_name, optional_name
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.kernel.text import PROSE, TITLE, optional_text
from flowpilot_core.domain.kernel.time_zone import zone
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Value

from .rule import FIELD, Rule

MOST_TARGETS: Final = 200
LONGEST_MINUTES: Final = 7 * 24 * 60
"""Of a window."""
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
"""In which a schedule may begin; what a rule says of times after it never comes."""
_MOMENT: Final = timedelta(microseconds=1)
_WIDEST_GAP: Final = timedelta(hours=25)
"""By how much a clock on a wall was ever put on: an island has left out a whole day."""

Recurrence = Callable[[Rule | None, ZoneInfo, datetime, datetime], Iterator[datetime]]
"""The times of a rule by the clock of its time zone, in order: of one that began at the first time, those not before the second.

Without a rule there is one, the beginning. It ends where the rule does, or never.
"""


class CatchUp(StrEnum):
    """What becomes of occurrences that nobody could start in time."""

    SKIP = "skip"
    LATEST = "latest"
    """Of those that were missed the last one is started late, and no other."""


@frozen(kw_only=True)
class Target:
    """Something that is looked after; it gets a session of its own each time."""

    label: str
    client_name: str | None = None
    notes: str | None = None


@frozen(kw_only=True)
class Plan:
    """What people say of a schedule. Raises `InvalidValue` for what cannot be."""

    name: str
    tree: Ref[TreeId] | None = None
    """What its sessions follow."""
    parameters: Mapping[str, Value] = field(factory=dict)
    """What that tree asks for, the same for every target."""
    targets: tuple[Target, ...]
    starts_at: datetime
    """By the clock of its time zone."""
    time_zone: str
    rrule: str | None = None
    """None: it comes once."""
    duration: timedelta
    assignee_id: UserId
    quiet: bool = False
    catch_up: CatchUp = CatchUp.SKIP
    active: bool = True

    def __attrs_post_init__(self) -> None:
        checked_name(self.name)
        zone(self.time_zone)
        if self.starts_at.tzinfo is not None or self.starts_at.microsecond or not FIRST_YEAR <= self.starts_at.year <= LAST_YEAR:
            raise InvalidValue("starts_at", f"must be a local time of the years {FIRST_YEAR} to {LAST_YEAR}, to the second")
        if not timedelta(minutes=1) <= self.duration <= timedelta(minutes=LONGEST_MINUTES):
            raise InvalidValue("duration_minutes", f"must be from 1 to {LONGEST_MINUTES}")
        if not 1 <= len(self.targets) <= MOST_TARGETS:
            raise InvalidValue("targets", f"must be 1 to {MOST_TARGETS}")
        for number, target in enumerate(self.targets):
            checked_name(target.label, f"targets.{number}.label")
            optional_name(target.client_name, f"targets.{number}.client_name")
            optional_text(f"targets.{number}.notes", target.notes, most=PROSE)
            if len(self.title(target)) > TITLE:
                raise InvalidValue(f"targets.{number}.label", f"makes a title of more than {TITLE} characters with the name")
        if self.rrule is not None:
            Rule.of(self.rrule)

    def title(self, target: Target) -> str:
        """What the session of a target is called."""
        return f"{self.name}: {target.label}"

    @property
    def clients(self) -> tuple[str, ...]:
        """Whose machines they are, each once and in order."""
        return tuple(dict.fromkeys(one.client_name for one in self.targets if one.client_name))

    @property
    def times(self) -> tuple[object, ...]:
        """What says when it comes."""
        return self.starts_at, self.time_zone, self.rrule, self.active

    def occurrences(self, recurrence: Recurrence, *, first: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """When it comes, in order and each time once, from `first` on and not after `until`.

        A local time that does not exist is taken by the clock of before the change, which is as much later as was left out; of one that
        exists twice it is the first.
        """
        if not self.active:
            return
        here = zone(self.time_zone)
        rule = None if self.rrule is None else Rule.of(self.rrule)
        since = max(self.starts_at, _by_wall(first, here) - _WIDEST_GAP)
        last: datetime | None = None
        for local in recurrence(rule, here, self.starts_at, since):
            if local.year > LAST_YEAR:
                return
            moment = local.replace(tzinfo=here).astimezone(UTC)
            if last is not None and moment <= last:
                continue
            last = moment
            if until is not None and moment > until:
                return
            if moment >= first:
                yield moment

    def next(self, recurrence: Recurrence, *, first: datetime) -> datetime | None:
        """When it comes for the first time from `first` on; None: never."""
        return next(self.occurrences(recurrence, first=first), None)


@frozen(kw_only=True)
class Turn:
    """What there is to do for a schedule at a moment."""

    start: tuple[datetime, ...]
    """The occurrences that start now, in order."""
    next_run_at: datetime | None
    """When there is something to do again; None: never."""


@frozen(kw_only=True)
class Schedule:
    """A plan, and how far it is."""

    id: MaintenanceScheduleId
    version: int = 1
    """One more with everything that somebody does to it; a turn does not count, since nobody who reads it decides by that."""
    plan: Plan
    changed_at: datetime
    """When anybody last changed anything: nothing that ended before was missed."""
    next_run_at: datetime | None
    last_run_at: datetime | None = None
    created_by: UserId
    created_at: datetime

    @classmethod
    def made(cls, schedule_id: MaintenanceScheduleId, plan: Plan, *, next_run_at: datetime | None, by: Actor, at: datetime) -> "Schedule":
        """A new one. Raises `RoleForbidden`, and `InvalidValue` for one that never comes."""
        maker = manager(by).user_id
        _require_some(plan, next_run_at)
        return cls(id=schedule_id, plan=plan, changed_at=at, next_run_at=next_run_at, created_by=maker, created_at=at)

    def changed(self, plan: Plan, *, next_run_at: datetime | None, by: Actor, at: datetime) -> "Schedule":
        """With another plan; `next_run_at` counts where that says other times. Raises `RoleForbidden` or `InvalidValue`."""
        manager(by)
        changed = evolve(self, version=self.version + 1, plan=plan, changed_at=at)
        if plan.times == self.plan.times:
            return changed
        if plan.times[:-1] != self.plan.times[:-1]:
            _require_some(plan, next_run_at)
        return evolve(changed, next_run_at=next_run_at)

    def turn(self, recurrence: Recurrence, *, at: datetime) -> Turn:
        """What starts at a moment, and when the next turn is.

        What is within its window starts, however late; what was over before anybody could start it was missed.
        """
        if self.next_run_at is None:
            return Turn(start=(), next_run_at=None)
        come = list(self.plan.occurrences(recurrence, first=self.next_run_at, until=at))
        open_now = [one for one in come if one + self.plan.duration > at]
        missed = [one for one in come if one + self.plan.duration <= at and one >= self.changed_at]
        late = missed[-1:] if self.plan.catch_up is CatchUp.LATEST else []
        return Turn(start=(*late, *open_now), next_run_at=self.plan.next(recurrence, first=max(self.next_run_at, at + _MOMENT)))

    def turned(self, turn: Turn) -> "Schedule":
        """After its turn."""
        return evolve(self, next_run_at=turn.next_run_at, last_run_at=turn.start[-1] if turn.start else self.last_run_at)

    def run_by_hand(self, *, by: Actor, at: datetime) -> "Schedule":
        """After somebody started it beside its times; no two of its runs are of the same moment. Raises `RoleForbidden`."""
        manager(by)
        last = at if self.last_run_at is None else max(at, self.last_run_at + _MOMENT)
        return evolve(self, version=self.version + 1, last_run_at=last)

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` for a version that somebody acts on and that it has no longer."""
        if expected is not None and expected != self.version:
            raise VersionConflict("schedule", expected, self.version)


def manager(by: Actor) -> Person:
    """Who may manage schedules. Raises `RoleForbidden`."""
    require_role(by, Permission.MANAGE_MAINTENANCE)
    return person(by, Permission.MANAGE_MAINTENANCE)


def local_time(field: str, text: str) -> datetime:
    """A local time with seconds and without an offset. Raises `InvalidValue`."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  (by whose clock stands beside it)
    except ValueError:
        raise InvalidValue(field, "must be a local time such as 2027-03-01T22:00:00, without an offset") from None


def _by_wall(moment: datetime, here: ZoneInfo) -> datetime:
    return moment.astimezone(here).replace(tzinfo=None)


def _require_some(plan: Plan, next_run_at: datetime | None) -> None:
    if plan.active and next_run_at is None:
        raise InvalidValue(FIELD if plan.rrule else "starts_at", "never comes from now on")
