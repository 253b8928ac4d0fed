"""A maintenance schedule that is due, and whoever looks after it and dies over it."""

from datetime import timedelta

from attrs import frozen

from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_adapters.patterns import matches
from flowpilot_adapters.recurrence import recurrence
from flowpilot_adapters.system import SystemClock, jitter, new_id
from flowpilot_core.application.flowpilot import reactions
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.maintenance.notices import SendNotice
from flowpilot_core.application.maintenance.running import StartOccurrences, StartSessions
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.kernel.identifiers import MaintenanceScheduleId
from flowpilot_core.domain.maintenance.run import Run
from flowpilot_core.domain.maintenance.schedule import Plan, Schedule, Target
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Outbox, Work, WorkKind
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import Staff, a_staff
from flowpilot_core.testing.redaction import as_it_is


@frozen(kw_only=True)
class Scheduled:
    """A schedule of two targets that came due a moment ago, and who is there."""

    staff: Staff
    schedule: Schedule

    @classmethod
    async def of(cls, begin: BeginWork[UnitOfWork]) -> "Scheduled":
        """A new one in an account of its own."""
        staff = await a_staff(f"Scheduled {new_id()}").kept(begin)
        now = SystemClock().now()
        due_at = (now - timedelta(minutes=1)).replace(microsecond=0)
        plan = Plan(
            name="Patch night",
            targets=(Target(label="srv-01"), Target(label="srv-02")),
            starts_at=due_at.replace(tzinfo=None),
            time_zone="UTC",
            duration=timedelta(hours=6),
            assignee_id=staff.anna.user_id,
        )
        schedule = Schedule.made(MaintenanceScheduleId(new_id()), plan, next_run_at=due_at, by=staff.olga, at=due_at)
        async with begin(staff.account_id) as work:
            await work.maintenance.add(schedule)
            await work.due.add(Work(id=schedule.id, kind=WorkKind.MAINTENANCE, due_at=due_at))
            await work.commit()
        return cls(staff=staff, schedule=schedule)

    async def runs(self, begin: BeginWork[UnitOfWork]) -> list[Run]:
        """What was begun of it."""
        async with begin(self.staff.account_id) as work:
            return list(await work.maintenance.runs(self.schedule.id, before=None, limit=200))

    async def sessions(self, view: ViewOf[View]) -> list[Session]:
        """All that the account has."""
        return list((await view(self.staff.account_id).sessions(SessionFilter(), self.staff.olga, after=None, limit=200))[0])


def a_caretaker(begin: BeginWork[UnitOfWork], outbox: Outbox, mailbox: MemoryNotifier | None = None) -> Relay:
    """A relay for maintenance, and for nothing else."""
    units = Units(begin=begin, committed=lambda _: None, new_id=new_id, reactions=reactions(new_id))
    clock = SystemClock()
    handlers: dict[WorkKind, Handler] = {
        WorkKind.MAINTENANCE: StartOccurrences(
            units=units, clock=clock, new_id=new_id, recurrence=recurrence, compute=compute_here, matches=matches
        ),
        WorkKind.MAINTENANCE_RUN: StartSessions(units=units, clock=clock, new_id=new_id, matches=matches),
        WorkKind.MAINTENANCE_NOTICE: SendNotice(
            begin=begin,
            notifier=mailbox or MemoryNotifier(),
            clock=clock,
            jitter=jitter,
            redact=as_it_is,
            base_url="https://flowpilot.test",
            mail_domain="acme.test",
        ),
    }
    return Relay(outbox=outbox, begin=begin, handlers=handlers, jitter=jitter)
