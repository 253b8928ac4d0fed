"""Use cases of maintenance: schedules, runs and the calendar."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound, Unavailable
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, MaintenanceRunId, MaintenanceScheduleId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Matches
from flowpilot_core.domain.maintenance.calendar import AFTER, BEFORE, CalendarEntry, entries, span
from flowpilot_core.domain.maintenance.rule import Rule
from flowpilot_core.domain.maintenance.run import Run
from flowpilot_core.domain.maintenance.schedule import Plan, Recurrence, Schedule, manager
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, Compute, NewId
from flowpilot_core.ports.knowledge import KnowledgeWork
from flowpilot_core.ports.maintenance import MaintenanceWork
from flowpilot_core.ports.relay import RelayWork, Work, WorkKind
from flowpilot_core.ports.sessions import SessionWork

from .beginning import begin_run, footing_of


class SchedulesNeeds(MaintenanceWork, KnowledgeWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class CalendarPage:
    """What a calendar shows, and which edition of its address holds."""

    entries: Sequence[CalendarEntry]
    edition: int


@frozen(kw_only=True)
class PublishedCalendar:
    """What another calendar is given."""

    account_name: str
    entries: Sequence[CalendarEntry]


@frozen(kw_only=True)
class Schedules:
    """Maintenance of the actor's account. Everything raises `NotFound` for what is not there."""

    units: Units[SchedulesNeeds]
    clock: Clock
    new_id: NewId
    recurrence: Recurrence
    compute: Compute
    matches: Matches

    async def list(self, actor: Actor, *, after: MaintenanceScheduleId | None, limit: int) -> Sequence[Schedule]:
        """All of the account, oldest first."""
        async with self.units.begin(actor.account_id) as work:
            return await work.maintenance.schedules(after=after, limit=limit)

    async def get(self, actor: Actor, schedule_id: MaintenanceScheduleId) -> Schedule:
        """One schedule."""
        async with self.units.begin(actor.account_id) as work:
            return await work.maintenance.schedule(schedule_id)

    async def add(self, actor: Actor, plan: Plan, *, tree_id: TreeId | None = None, request: Request = PLAIN) -> Schedule:
        """A new one, which is due when it says. Raises `InvalidValue` for one that never comes, or that nobody could start."""
        at = self.clock.now()
        next_run_at = await self._next(actor, plan, at)

        async def unit(work: SchedulesNeeds) -> Schedule:
            whole = await self._with_tree(work, actor, plan, tree_id)
            made = Schedule.made(MaintenanceScheduleId(self.new_id()), whole, next_run_at=next_run_at, by=actor, at=at)
            await self._require_doable(work, actor, whole)
            await work.maintenance.add(made)
            await self._due(work, made)
            await self._enter(work, DeedKind.MAINTENANCE_ADDED, made, actor, request)
            return made

        return await self.units.run(actor, unit, request)

    async def change(
        self, actor: Actor, schedule_id: MaintenanceScheduleId, changes: Mapping[str, Any], *, request: Request = PLAIN
    ) -> Schedule:
        """Another plan: `changes` has those of its fields that are different, and `tree_id`. Raises as `add` does."""
        said = {name: value for name, value in changes.items() if name != "tree_id"}
        before = await self.get(actor, schedule_id)
        at = self.clock.now()
        next_run_at = await self._next(actor, evolve(before.plan, **said), at)

        async def unit(work: SchedulesNeeds) -> Schedule:
            schedule = await work.maintenance.schedule(schedule_id)
            plan = evolve(schedule.plan, **said)
            if "tree_id" in changes:
                plan = await self._with_tree(work, actor, plan, changes["tree_id"])
            if plan.tree != schedule.plan.tree and "parameters" not in said:
                # They were another tree's.
                plan = evolve(plan, parameters={})
            changed = schedule.changed(plan, next_run_at=next_run_at, by=actor, at=at)
            schedule.require_version(request.if_match)
            if schedule.plan.times != before.plan.times:
                # What was worked out is for times that somebody else has changed meanwhile.
                schedule.require_version(before.version)
            await self._require_doable(work, actor, plan, schedule.plan)
            await work.maintenance.save(changed, before=schedule)
            await work.due.withdraw([schedule_id])
            await self._due(work, changed)
            await self._enter(work, DeedKind.MAINTENANCE_CHANGED, changed, actor, request)
            return changed

        return await self.units.run(actor, unit, request)

    async def drop(self, actor: Actor, schedule_id: MaintenanceScheduleId, *, request: Request = PLAIN) -> Schedule:
        """Forget one with its runs; the sessions that they started stay."""

        async def unit(work: SchedulesNeeds) -> Schedule:
            schedule = await work.maintenance.schedule(schedule_id)
            manager(actor)
            schedule.require_version(request.if_match)
            # Whoever holds its work has lost it, and whoever would begin a run meanwhile waits and finds no schedule.
            await work.due.withdraw([schedule_id])
            await work.maintenance.save(schedule, before=schedule)
            await work.maintenance.drop(schedule_id)
            await self._enter(work, DeedKind.MAINTENANCE_REMOVED, schedule, actor, request)
            return schedule

        return await self.units.run(actor, unit, request)

    async def run_now(self, actor: Actor, schedule_id: MaintenanceScheduleId, *, request: Request = PLAIN) -> Run:
        """Start it now, beside its times; what it needs may be gone, and then the run says so."""

        async def unit(work: SchedulesNeeds) -> Run:
            schedule = await work.maintenance.schedule(schedule_id)
            at = self.clock.now()
            begun = schedule.run_by_hand(by=actor, at=at)
            schedule.require_version(request.if_match)
            await work.maintenance.save(begun, before=schedule)
            run = Run.of(begun, MaintenanceRunId(self.new_id()), begun.last_run_at or at, at=at)
            run = await begin_run(work, run, actor.account_id, matches=self.matches, new_id=self.new_id, at=at)
            await self._enter(work, DeedKind.MAINTENANCE_STARTED, schedule, actor, request)
            return run

        return await self.units.run(actor, unit, request)

    async def runs(self, actor: Actor, schedule_id: MaintenanceScheduleId, *, before: MaintenanceRunId | None, limit: int) -> Sequence[Run]:
        """The runs of a schedule, newest first, without sessions that are parked and private to others."""
        async with self.units.begin(actor.account_id) as work:
            await work.maintenance.schedule(schedule_id)
            return [_readable(one, actor) for one in await work.maintenance.runs(schedule_id, before=before, limit=limit)]

    async def run(self, actor: Actor, run_id: MaintenanceRunId) -> Run:
        """One run, without sessions that are parked and private to others."""
        async with self.units.begin(actor.account_id) as work:
            return _readable(await work.maintenance.run(run_id), actor)

    async def calendar(self, actor: Actor, *, first: datetime | None = None, until: datetime | None = None) -> CalendarPage:
        """What begins from `first` to `until`; without them from now on. Raises `InvalidValue` for too much at once."""
        first, until = span(first, until, at=self.clock.now())
        async with self.units.begin(actor.account_id) as work:
            active, edition = await work.maintenance.active(), await work.maintenance.calendar_edition()
        found = await self.compute(actor.account_id, entries, active, self.recurrence, first, until)
        return CalendarPage(entries=found, edition=edition)

    async def renew_calendar(self, actor: Actor, *, request: Request = PLAIN) -> int:
        """The calendar has another address from now on, and the one before leads nowhere; returns its edition."""

        async def unit(work: SchedulesNeeds) -> int:
            manager(actor)
            edition = await work.maintenance.renew_calendar()
            deed = Deed.of(
                DeedKind.MAINTENANCE_CALENDAR_RENEWED, by=actor, at=self.clock.now(), changed={"edition": edition}, request_id=request.id
            )
            await work.audit.add(deed)
            return edition

        return await self.units.run(actor, unit, request)

    async def published_calendar(self, account_id: AccountId, edition: int) -> PublishedCalendar:
        """What whoever holds the address of that edition is given. Raises `NotFound` where it was renewed, or the account is closed."""
        async with self.units.begin(account_id) as work:
            account = await work.people.account()
            if account.closed_at is not None or edition != await work.maintenance.calendar_edition():
                raise NotFound("link")
            active = await work.maintenance.active()
        now = self.clock.now()
        found = await self.compute(account_id, entries, active, self.recurrence, now - BEFORE, now + AFTER)
        return PublishedCalendar(account_name=account.name, entries=found)

    async def _next(self, actor: Actor, plan: Plan, at: datetime) -> datetime | None:
        """When it comes next, for who may manage schedules: nobody else is worked for. Raises `InvalidValue` or `Unavailable`."""
        if not permits(actor, Permission.MANAGE_MAINTENANCE, ()):
            return None
        return await self.compute(actor.account_id, _next_of, plan, self.recurrence, at)

    async def _with_tree(self, work: SchedulesNeeds, actor: Actor, plan: Plan, tree_id: TreeId | None) -> Plan:
        if tree_id is None:
            return evolve(plan, tree=None)
        tree = await work.trees.get(tree_id)
        tree.require_readable(actor)
        return evolve(plan, tree=Ref(id=tree.id, owner=tree.owner))

    async def _require_doable(self, work: SchedulesNeeds, actor: Actor, plan: Plan, before: Plan | None = None) -> None:
        """Raises `InvalidValue` where what is new about a plan lets no session start, and `NotFound` for who is not here."""
        footing = await footing_of(work, plan, actor.account_id)
        same = before is not None and _follows(before) == _follows(plan)
        if same and before is not None and (before.assignee_id, before.active) == (plan.assignee_id, plan.active):
            return
        if plan.active and footing.gone is not None:
            raise InvalidValue("assignee_id" if footing.person is None else "tree_id", footing.gone)
        if plan.active or not same:
            footing.require_values(self.matches)

    async def _due(self, work: SchedulesNeeds, schedule: Schedule) -> None:
        if schedule.next_run_at is not None:
            await work.due.add(Work(id=schedule.id, kind=WorkKind.MAINTENANCE, due_at=schedule.next_run_at))

    async def _enter(self, work: SchedulesNeeds, kind: DeedKind, schedule: Schedule, actor: Actor, request: Request) -> None:
        said: dict[str, Plain] = {"name": schedule.plan.name, "active": schedule.plan.active}
        deed = Deed.of(kind, by=actor, at=self.clock.now(), thing_id=schedule.id, changed=said, request_id=request.id)
        await work.audit.add(deed)


def no_recurrence(rule: Rule | None, _: ZoneInfo, start: datetime, since: datetime) -> Iterator[datetime]:
    """For a program that knows no rules: a schedule that has one is refused."""
    if rule is not None:
        raise Unavailable("recurrence")
    return iter((start,) if start >= since else ())


def _follows(plan: Plan) -> tuple[object, ...]:
    # For Python 1 and True are the same, for a tree they are not.
    return plan.tree, {name: (type(value), value) for name, value in plan.parameters.items()}


def _next_of(plan: Plan, recurrence: Recurrence, at: datetime) -> datetime | None:
    return plan.next(recurrence, first=at)


def _readable(run: Run, reader: Actor) -> Run:
    targets = (
        one.without_session() if one.parked_with and not permits(reader, Permission.READ_PARKED, one.parked_with) else one
        for one in run.targets
    )
    return evolve(run, targets=tuple(targets))
