"""What the relay does of maintenance: begin the occurrences that are due, and start the sessions of a run one by one.

Each step is one unit of work under the lease: whoever takes over after a crash finds whole steps, and goes on with the next.
"""

import logging
from datetime import datetime, timedelta

from attrs import frozen

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.relay.leases import drop
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId, MaintenanceRunId, MaintenanceScheduleId, SessionId
from flowpilot_core.domain.knowledge.parameter import Matches
from flowpilot_core.domain.maintenance.run import CAUSE, Run, RunState, started
from flowpilot_core.domain.maintenance.schedule import Recurrence, Schedule, Turn
from flowpilot_core.ports.kernel import Clock, Compute, NewId
from flowpilot_core.ports.relay import Lease, Work, WorkKind

from .beginning import begin_run, footing_of, notify
from .schedules import SchedulesNeeds

log = logging.getLogger("flowpilot.maintenance")

AGAIN = timedelta(hours=1)
"""After so long a schedule is tried again whose times nobody could work out."""


@frozen(kw_only=True)
class StartOccurrences:
    """Begins what is due of a schedule, and comes back for what is due next."""

    units: Units[SchedulesNeeds]
    clock: Clock
    new_id: NewId
    recurrence: Recurrence
    compute: Compute
    matches: Matches

    async def do(self, lease: Lease) -> None:
        """Take the turn of the moment, unless the schedule is changed while it is worked out: then its edit has said what is due."""
        by = System(account_id=lease.account_id, cause=CAUSE)
        try:
            async with self.units.begin(lease.account_id) as work:
                schedule = await work.maintenance.schedule(MaintenanceScheduleId(lease.work_id))
        except NotFound:
            await drop(self.units.begin, lease)
            return
        at = self.clock.now()
        turn = await self.compute(lease.account_id, _turn, schedule, self.recurrence, at)

        async def unit(work: SchedulesNeeds) -> None:
            if not await work.due.holds(lease):
                return
            if (await work.maintenance.schedule(schedule.id)).version != schedule.version:
                await work.due.postpone(lease, seconds=0)
                return
            if turn.start or turn.next_run_at != schedule.next_run_at:
                await work.maintenance.save(schedule.turned(turn), before=schedule)
            for moment in turn.start:
                run = Run.of(schedule, MaintenanceRunId(self.new_id()), moment, at=at)
                await begin_run(work, run, lease.account_id, matches=self.matches, new_id=self.new_id, at=at)
            await _done_until(work, lease, turn.next_run_at)

        await self.units.run(by, unit)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It is looked at again in a while: a schedule that nobody looks at any more would be missed for ever."""
        log.error("maintenance not started", extra={"schedule_id": str(lease.work_id), "problem": problem})
        async with self.units.begin(lease.account_id) as work:
            await _done_until(work, lease, self.clock.now() + AGAIN)
            await work.commit()


@frozen(kw_only=True)
class StartSessions:
    """Starts the sessions of a run, tells whoever does it once of all of them, and ends its window."""

    units: Units[SchedulesNeeds]
    clock: Clock
    new_id: NewId
    matches: Matches

    async def do(self, lease: Lease) -> None:
        """Go on from where the run stands, one target at a time."""
        by = System(account_id=lease.account_id, cause=CAUSE)

        async def unit(work: SchedulesNeeds) -> bool:
            return await work.due.holds(lease) and await self._step(work, lease, by)

        while await self.units.run(by, unit):
            pass

    async def give_up(self, lease: Lease, problem: str) -> None:
        """No further session is started, for a reason that lies here; account owners and admins are told."""
        log.error("maintenance run given up", extra={"run_id": str(lease.work_id), "problem": problem})
        async with self.units.begin(lease.account_id) as work:
            at = self.clock.now()
            try:
                run = await work.maintenance.run(MaintenanceRunId(lease.work_id))
            except NotFound:
                await work.due.finish(lease)
            else:
                if run.state is RunState.STARTING:
                    run = run.blocked(problem)
                    await notify(work, run, new_id=self.new_id, at=at)
                await self._rest(work, lease, run, at)
            await work.commit()

    async def _step(self, work: SchedulesNeeds, lease: Lease, by: System) -> bool:
        """One step; whether there may be another now."""
        at = self.clock.now()
        try:
            run = await work.maintenance.run(MaintenanceRunId(lease.work_id))
        except NotFound:
            await work.due.finish(lease)
            return False
        if run.state is not RunState.STARTING:
            await self._rest(work, lease, run, at)
            return False
        number = run.waiting
        footing = await footing_of(work, run.plan, lease.account_id)
        problem = None if number is None else footing.problem(self.matches)
        if number is None or problem is not None:
            run = run.finished() if problem is None else run.blocked(problem)
            await notify(work, run, new_id=self.new_id, at=at)
            await self._rest(work, lease, run, at)
            return False
        session_id, branch_id = SessionId(self.new_id()), BranchId(self.new_id())
        session, events = started(run, number, footing, session_id, branch_id, matches=self.matches, by=by, at=at)
        await work.sessions.add(session)
        await work.maintenance.keep_session(run.id, number, session_id)
        for event in events:
            await self.units.record(work, event)
        return True

    async def _rest(self, work: SchedulesNeeds, lease: Lease, run: Run, at: datetime) -> None:
        """Until its window ends, or for good."""
        lasts = run.is_open and at < run.until
        await work.maintenance.save_run(run if lasts else run.closed())
        await _done_until(work, lease, run.until if lasts else None, kind=WorkKind.MAINTENANCE_RUN)


async def _done_until(work: SchedulesNeeds, lease: Lease, due_at: datetime | None, *, kind: WorkKind = WorkKind.MAINTENANCE) -> None:
    """The work is done, and is due again then as if it were new: how often it was taken is how often it failed."""
    if await work.due.finish(lease) and due_at is not None:
        await work.due.add(Work(id=lease.work_id, kind=kind, due_at=due_at))


def _turn(schedule: Schedule, recurrence: Recurrence, at: datetime) -> Turn:
    return schedule.turn(recurrence, at=at)
