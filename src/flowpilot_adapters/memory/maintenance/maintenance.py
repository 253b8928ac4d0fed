"""The schedules of one account and their runs."""

import asyncio
from collections.abc import Sequence

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import MaintenanceNoticeId, MaintenanceRunId, MaintenanceScheduleId, SessionId
from flowpilot_core.domain.maintenance.run import Notice, Run, RunTarget
from flowpilot_core.domain.maintenance.schedule import Schedule


@frozen
class MemoryMaintenance:
    """Inside one unit of work."""

    _work: Transaction

    async def schedule(self, schedule_id: MaintenanceScheduleId) -> Schedule:
        """As `Maintenance.schedule` says."""
        await asyncio.sleep(0)
        found = self._work.rows.maintenance_schedules.get(schedule_id)
        if found is None:
            raise NotFound("schedule")
        return found

    async def schedules(self, *, after: MaintenanceScheduleId | None, limit: int) -> Sequence[Schedule]:
        """As `Maintenance.schedules` says."""
        await asyncio.sleep(0)
        found = (one for one in self._work.rows.maintenance_schedules.values() if after is None or one.id > after)
        return sorted(found, key=lambda one: one.id)[:limit]

    async def active(self) -> Sequence[Schedule]:
        """As `Maintenance.active` says."""
        await asyncio.sleep(0)
        return sorted((one for one in self._work.rows.maintenance_schedules.values() if one.plan.active), key=lambda one: one.id)

    async def add(self, schedule: Schedule) -> None:
        """As `Maintenance.add` says."""
        self._require(schedule)
        self._work.rows.maintenance_schedules.put(schedule.id, schedule)

    async def save(self, schedule: Schedule, *, before: Schedule) -> None:
        """As `Maintenance.save` says."""
        self._require(schedule)
        rows = self._work.rows.maintenance_schedules
        stored = rows.get(schedule.id)
        if stored is None or _edition(stored) != _edition(before):
            raise Stale
        self._work.builds_on(rows, schedule.id, stored)
        rows.put(schedule.id, schedule)

    async def drop(self, schedule_id: MaintenanceScheduleId) -> None:
        """As `Maintenance.drop` says."""
        rows = self._work.rows
        gone = {run.id for run in rows.maintenance_runs.values() if run.schedule_id == schedule_id}
        for notice in [one for one in rows.maintenance_notices.values() if one.run_id in gone]:
            rows.maintenance_notices.drop(notice.id)
        for key in [one for one in rows.maintenance_sessions.named() if one[0] in gone]:
            rows.maintenance_sessions.drop(key)
        for run_id in gone:
            rows.maintenance_runs.drop(run_id)
        rows.maintenance_schedules.drop(schedule_id)

    async def add_run(self, run: Run) -> None:
        """As `Maintenance.add_run` says."""
        await self._work.lock("maintenance run", run.schedule_id, run.occurrence_at)
        of = (run.schedule_id, run.occurrence_at)
        if any((one.schedule_id, one.occurrence_at) == of for one in self._work.rows.maintenance_runs.values()):
            raise Stale
        self._work.rows.maintenance_runs.put(run.id, run)

    async def run(self, run_id: MaintenanceRunId) -> Run:
        """As `Maintenance.run` says."""
        await asyncio.sleep(0)
        found = self._work.rows.maintenance_runs.get(run_id)
        if found is None:
            raise NotFound("run")
        return self._with_sessions(found)

    async def runs(self, schedule_id: MaintenanceScheduleId, *, before: MaintenanceRunId | None, limit: int) -> Sequence[Run]:
        """As `Maintenance.runs` says."""
        await asyncio.sleep(0)
        found = [one for one in self._work.rows.maintenance_runs.values() if one.schedule_id == schedule_id]
        page = sorted((one for one in found if before is None or one.id < before), key=lambda one: one.id, reverse=True)[:limit]
        return [self._with_sessions(one) for one in page]

    async def save_run(self, run: Run) -> None:
        """As `Maintenance.save_run` says."""
        self._work.rows.maintenance_runs.put(run.id, run)

    async def keep_session(self, run_id: MaintenanceRunId, number: int, session_id: SessionId) -> None:
        """As `Maintenance.keep_session` says."""
        await self._work.lock("maintenance session", run_id, number)
        if self._work.rows.maintenance_sessions.get((run_id, number)) is not None:
            raise Stale
        self._work.rows.maintenance_sessions.put((run_id, number), session_id)

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """As `Maintenance.add_notices` says."""
        rows = self._work.rows
        known = {(one.run_id, one.user_id) for one in rows.maintenance_notices.values()}
        if any((one.run_id, one.user_id) in known for one in notices):
            raise Stale
        for one in notices:
            rows.maintenance_notices.put(one.id, one)

    async def notice(self, notice_id: MaintenanceNoticeId) -> Notice:
        """As `Maintenance.notice` says."""
        await asyncio.sleep(0)
        found = self._work.rows.maintenance_notices.get(notice_id)
        if found is None:
            raise NotFound("notice")
        return found

    async def save_notice(self, notice: Notice) -> None:
        """As `Maintenance.save_notice` says."""
        self._work.rows.maintenance_notices.put(notice.id, notice)

    async def calendar_edition(self) -> int:
        """As `Maintenance.calendar_edition` says."""
        await asyncio.sleep(0)
        return self._work.rows.calendar_editions.get(self._work.account_id) or 0

    async def renew_calendar(self) -> int:
        """As `Maintenance.renew_calendar` says."""
        await self._work.lock("maintenance calendar")
        edition = await self.calendar_edition() + 1
        self._work.rows.calendar_editions.put(self._work.account_id, edition)
        return edition

    def _require(self, schedule: Schedule) -> None:
        if self._work.rows.users.get(schedule.plan.assignee_id) is None:
            raise NotFound("user")

    def _with_sessions(self, run: Run) -> Run:
        return evolve(run, targets=tuple(_target(self._work.rows, run, number) for number in range(len(run.plan.targets))))


def _edition(one: Schedule) -> tuple[object, ...]:
    return one.version, one.next_run_at, one.last_run_at


def _target(rows: Working, run: Run, number: int) -> RunTarget:
    target, session_id = run.plan.targets[number], rows.maintenance_sessions.get((run.id, number))
    session = None if session_id is None else rows.sessions.get(session_id)
    one = RunTarget(target=target)
    if session is None:
        return one
    branch_id = session.branches.active_id
    return one.with_session(session.id, session.status, session.step_count, session.walk, branch_id, session.parked_with)
