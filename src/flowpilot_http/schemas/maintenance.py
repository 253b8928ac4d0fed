"""Maintenance schedules and runs, as clients write and read them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.maintenance.calendar import CalendarEntry
from flowpilot_core.domain.maintenance.run import Run, RunState, RunTarget
from flowpilot_core.domain.maintenance.schedule import LONGEST_MINUTES, CatchUp, Plan, Schedule, Target, local_time
from flowpilot_core.domain.sessions.session import Status
from flowpilot_http.schemas.kernel import Closed, Instant, Line, MaybeLine, MaybeText
from flowpilot_http.schemas.knowledge.content import ValueIO

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""Read by itself: a number in a query would be taken for seconds since 1970."""
LocalTime = Annotated[str, Meta(description="By the clock of the time zone, with seconds and no offset.", examples=["2027-03-01T22:00:00"])]
TimeZone = Annotated[str, Meta(description="As IANA names it.", examples=["Europe/Vienna"])]
RRule = Annotated[
    str | None,
    Meta(description="A recurrence rule of RFC 5545, hourly at the most often; null: it comes once.", examples=["FREQ=MONTHLY;BYDAY=2TU"]),
]
Minutes = Annotated[int, Meta(ge=1, le=LONGEST_MINUTES)]
Targets = Annotated[list["MaintenanceTargetIO"], Meta(min_length=1, max_length=200)]
Tree = Annotated[UUID | None, Meta(description="A published tree that its sessions follow.")]
Parameters = Annotated[
    dict[str, ValueIO], Meta(description="What that tree asks for, the same for every target; secrets are never among them.")
]
Quiet = Annotated[bool, Meta(description="Whether what is not urgent about its clients waits until it is over.")]
Late = Annotated[CatchUp, Meta(description="What becomes of an occurrence whose window was over before anybody could start it.")]


class MaintenanceTargetIO(Closed, kw_only=True, frozen=True):
    """Something that is looked after: it gets a session of its own each time."""

    label: Annotated[Line, Meta(examples=["srv-mail-01"])]
    client_name: Annotated[MaybeLine | None, Meta(examples=["Lakeside Dental"])] = None
    notes: MaybeText | None = None


class NewSchedule(Closed, kw_only=True, frozen=True):
    """What is looked after, when, and by whom."""

    name: Annotated[Line, Meta(examples=["Patch night"])]
    targets: Targets
    starts_at: LocalTime
    time_zone: TimeZone
    duration_minutes: Minutes
    assignee_id: UUID
    tree_id: Tree = None
    parameters: Parameters = {}
    rrule: RRule = None
    quiet: Quiet = False
    catch_up: Late = CatchUp.SKIP
    active: bool = True

    def plan(self) -> Plan:
        """As the core has it, its tree apart. Raises `InvalidValue`."""
        return Plan(
            name=self.name,
            targets=_targets(self.targets),
            starts_at=local_time("starts_at", self.starts_at),
            time_zone=self.time_zone,
            rrule=self.rrule,
            parameters=self.parameters,
            duration=timedelta(minutes=self.duration_minutes),
            assignee_id=UserId(self.assignee_id),
            quiet=self.quiet,
            catch_up=self.catch_up,
            active=self.active,
        )


class ChangeSchedule(Closed, kw_only=True, frozen=True):
    """What is to be different; what is left out stays."""

    name: Line | UnsetType = UNSET
    targets: Targets | UnsetType = UNSET
    starts_at: LocalTime | UnsetType = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    duration_minutes: Minutes | UnsetType = UNSET
    assignee_id: UUID | UnsetType = UNSET
    tree_id: Tree | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET
    rrule: RRule | UnsetType = UNSET
    quiet: Quiet | UnsetType = UNSET
    catch_up: Late | UnsetType = UNSET
    active: bool | UnsetType = UNSET

    def changes(self) -> Mapping[str, Any]:
        """As the core has them, by its names. Raises `InvalidValue`."""
        said = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}
        if "targets" in said:
            said["targets"] = _targets(said["targets"])
        if "starts_at" in said:
            said["starts_at"] = local_time("starts_at", said["starts_at"])
        if "duration_minutes" in said:
            said["duration"] = timedelta(minutes=said.pop("duration_minutes"))
        return said


class ScheduleOut(msgspec.Struct, kw_only=True, frozen=True):
    """A maintenance schedule."""

    id: UUID
    version: int
    name: str
    tree_id: UUID | None
    parameters: Parameters
    targets: list[MaintenanceTargetIO]
    starts_at: LocalTime
    time_zone: TimeZone
    rrule: RRule
    duration_minutes: int
    assignee_id: UUID
    quiet: Quiet
    catch_up: Late
    active: bool
    next_run_at: Annotated[Instant | None, Meta(description="Null: never.")]
    last_run_at: Annotated[Instant | None, Meta(description="When its last occurrence was due, or it was started by hand.")]
    created_at: Instant

    @classmethod
    def of(cls, schedule: Schedule) -> "ScheduleOut":
        """As clients read it."""
        plan = schedule.plan
        return cls(
            id=schedule.id,
            version=schedule.version,
            name=plan.name,
            tree_id=None if plan.tree is None else plan.tree.id,
            parameters=dict(plan.parameters),
            targets=[MaintenanceTargetIO(label=one.label, client_name=one.client_name, notes=one.notes) for one in plan.targets],
            starts_at=plan.starts_at.isoformat(),
            time_zone=plan.time_zone,
            rrule=plan.rrule,
            duration_minutes=plan.duration // timedelta(minutes=1),
            assignee_id=plan.assignee_id,
            quiet=plan.quiet,
            catch_up=plan.catch_up,
            active=plan.active,
            next_run_at=schedule.next_run_at,
            last_run_at=schedule.last_run_at,
            created_at=schedule.created_at,
        )


class RunNodeOut(msgspec.Struct, kw_only=True, frozen=True):
    """A node that waits to be done."""

    id: str
    text: str


class RunTargetOut(msgspec.Struct, kw_only=True, frozen=True):
    """A target of a run, and where its session stands."""

    label: str
    client_name: str | None
    session_id: Annotated[UUID | None, Meta(description="Null: none yet, or it is parked and private to others.")]
    status: Status | None
    steps: Annotated[int, Meta(description="That its session has.")]
    node: Annotated[
        RunNodeOut | None, Meta(description="Where its walk waits in the active branch; null: it follows no tree there, or is at an end.")
    ]

    @classmethod
    def of(cls, one: RunTarget) -> "RunTargetOut":
        """As clients read it."""
        return cls(
            label=one.target.label,
            client_name=one.target.client_name,
            session_id=one.session_id,
            status=one.status,
            steps=one.steps,
            node=None if one.node is None else RunNodeOut(id=one.node.node_id, text=one.node.text),
        )


class RunOut(msgspec.Struct, kw_only=True, frozen=True):
    """One occurrence, with a session for each target."""

    id: UUID
    schedule_id: UUID
    name: str
    state: RunState
    problem: Annotated[str | None, Meta(description="Of one that is blocked: what it needs and is gone.")]
    occurrence_at: Annotated[Instant, Meta(description="When it was due.")]
    until: Annotated[Instant, Meta(description="The end of its window.")]
    targets: list[RunTargetOut]
    created_at: Instant

    @classmethod
    def of(cls, run: Run) -> "RunOut":
        """As clients read it."""
        return cls(
            id=run.id,
            schedule_id=run.schedule_id,
            name=run.plan.name,
            state=run.state,
            problem=run.problem,
            occurrence_at=run.occurrence_at,
            until=run.until,
            targets=[RunTargetOut.of(one) for one in run.targets],
            created_at=run.created_at,
        )


class CalendarWanted(Closed, kw_only=True, frozen=True):
    """Which time."""

    start: Annotated[Moment | None, Meta(description="Without it: now.")] = msgspec.field(default=None, name="from")
    end: Annotated[Moment | None, Meta(description="Without it: 31 days later. At most 366 days later.")] = msgspec.field(
        default=None, name="to"
    )

    def span(self) -> tuple[datetime | None, datetime | None]:
        """From when, and until when. Raises `InvalidValue`."""
        return _moment("from", self.start), _moment("to", self.end)


class CalendarEntryOut(msgspec.Struct, kw_only=True, frozen=True):
    """When maintenance comes, as its schedule has it now."""

    schedule_id: UUID
    name: str
    starts_at: Instant
    ends_at: Instant
    targets: list[str]
    quiet: bool

    @classmethod
    def of(cls, entry: CalendarEntry) -> "CalendarEntryOut":
        """As clients read it."""
        return cls(
            schedule_id=entry.schedule_id,
            name=entry.name,
            starts_at=entry.starts_at,
            ends_at=entry.ends_at,
            targets=list(entry.targets),
            quiet=entry.quiet,
        )


class CalendarLinkOut(msgspec.Struct, kw_only=True, frozen=True):
    """Where other calendars read it."""

    ics_url: Annotated[str | None, Meta(description="Whoever has it may read the calendar. Null: a repeat is not told; the calendar is.")]


class CalendarOut(msgspec.Struct, kw_only=True, frozen=True):
    """What begins in a time, in order: of each schedule the first thousand."""

    ics_url: Annotated[str, Meta(description="Where other calendars read it. Whoever has it may read the calendar.")]
    items: list[CalendarEntryOut]


class CalendarToken(Closed, kw_only=True, frozen=True):
    """What the address of the calendar brings."""

    token: Annotated[str, Meta(min_length=1, description="As `ics_url` has it.")]


def _moment(field: str, said: str | None) -> datetime | None:
    try:
        return msgspec.convert(said, Instant | None)
    except msgspec.ValidationError:
        raise InvalidValue(field, "must be a time with an offset, such as 2027-03-01T22:00:00Z") from None


def _targets(targets: list[MaintenanceTargetIO]) -> tuple[Target, ...]:
    return tuple(Target(label=one.label, client_name=one.client_name, notes=one.notes) for one in targets)
