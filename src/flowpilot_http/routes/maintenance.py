"""Maintenance: schedules, what they have started, and when they come back."""

from uuid import UUID

from flowpilot_core.domain.kernel.identifiers import MaintenanceRunId, MaintenanceScheduleId, TreeId
from flowpilot_core.domain.maintenance.run import Run
from flowpilot_core.domain.maintenance.schedule import Schedule
from flowpilot_http.api_request import Call
from flowpilot_http.calendar_file import ICS, calendar_file
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing, Page
from flowpilot_http.schemas.maintenance import (
    CalendarEntryOut,
    CalendarLinkOut,
    CalendarOut,
    CalendarToken,
    CalendarWanted,
    ChangeSchedule,
    NewSchedule,
    RunOut,
    ScheduleOut,
)

part = Part("Maintenance")

SCHEDULE = "/maintenance-schedules/{schedule_id:str}"


@part.makes("/maintenance-schedules", ScheduleOut, body=NewSchedule, problems=("not_found",))
async def add_schedule(request: Call) -> Body:
    """Have machines looked after when it says: each target gets a session of its own, which is its assignee's."""
    new = await request.read(NewSchedule)
    plan, tree_id = new.plan(), None if new.tree_id is None else TreeId(new.tree_id)
    return await request.changed(
        lambda change: request.flowpilot.maintenance.add(request.user, plan, tree_id=tree_id, request=change), ScheduleOut.of, status=201
    )


@part.reads("/maintenance-schedules", Listed[ScheduleOut], query=Page, problems=("invalid_cursor",))
async def list_schedules(request: Call) -> Body:
    """The maintenance schedules of your account, oldest first."""
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[Schedule]:
        last = None if after is None else MaintenanceScheduleId(after)
        return list(await request.flowpilot.maintenance.list(request.user, after=last, limit=limit))

    return await request.listed(page, "maintenance schedules", UUID, more, shown=ScheduleOut.of, at=lambda one: one.id)


@part.reads(SCHEDULE, ScheduleOut, etag=True)
async def get_schedule(request: Call) -> Body:
    """One maintenance schedule."""
    await request.wanted(Nothing)
    found = await request.flowpilot.maintenance.get(request.user, request.schedule_id)
    return request.shown(ScheduleOut.of(found), version=found.version)


@part.mends(SCHEDULE, ScheduleOut, body=ChangeSchedule)
async def change_schedule(request: Call) -> Body:
    """Change a maintenance schedule; what has begun stays as it was."""
    new = await request.read(ChangeSchedule)
    changes = new.changes()
    return await request.changed(
        lambda change: request.flowpilot.maintenance.change(request.user, request.schedule_id, changes, request=change), ScheduleOut.of
    )


@part.drops(SCHEDULE)
async def drop_schedule(request: Call) -> Body:
    """Delete a maintenance schedule with its runs; the sessions that it started stay."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.maintenance.drop(request.user, request.schedule_id, request=change), lambda _: None, status=204
    )


@part.makes(f"{SCHEDULE}/run-now", RunOut, body=Nothing)
async def run_schedule_now(request: Call) -> Body:
    """Start a maintenance schedule now, beside its times."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.maintenance.run_now(request.user, request.schedule_id, request=change), RunOut.of, status=201
    )


@part.reads(f"{SCHEDULE}/runs", Listed[RunOut], query=Page, problems=("invalid_cursor",))
async def list_runs(request: Call) -> Body:
    """What a maintenance schedule has started, newest first."""
    schedule_id = request.schedule_id
    page = await request.wanted(Page)

    async def more(before: UUID | None, limit: int) -> list[Run]:
        last = None if before is None else MaintenanceRunId(before)
        return list(await request.flowpilot.maintenance.runs(request.user, schedule_id, before=last, limit=limit))

    return await request.listed(page, f"maintenance runs {schedule_id}", UUID, more, shown=RunOut.of, at=lambda one: one.id)


@part.reads("/maintenance-runs/{run_id:str}", RunOut)
async def get_run(request: Call) -> Body:
    """One run of a maintenance schedule, and how far its sessions are."""
    await request.wanted(Nothing)
    return request.shown(RunOut.of(await request.flowpilot.maintenance.run(request.user, request.run_id)))


@part.reads("/maintenance-schedules/calendar", CalendarOut, query=CalendarWanted)
async def maintenance_calendar(request: Call) -> Body:
    """When maintenance comes, and the address under which other calendars read it."""
    wanted = await request.wanted(CalendarWanted)
    first, until = wanted.span()
    page = await request.flowpilot.maintenance.calendar(request.user, first=first, until=until)
    address = request.links.calendar(request.user.account_id, page.edition)
    return request.shown(CalendarOut(ics_url=address, items=[CalendarEntryOut.of(one) for one in page.entries]))


@part.moves("/maintenance-schedules/calendar/renew", CalendarLinkOut, body=Nothing)
async def renew_maintenance_calendar(request: Call) -> Body:
    """Give the calendar another address; the one before leads nowhere. A repeat of the request is not told the address."""
    await request.read(Nothing)

    def shown(edition: int) -> CalendarLinkOut:
        return CalendarLinkOut(ics_url=request.links.calendar(request.user.account_id, edition))

    return await request.changed(
        lambda change: request.flowpilot.maintenance.renew_calendar(request.user, request=change),
        shown,
        again=lambda _: CalendarLinkOut(ics_url=None),
    )


@part.publishes("/maintenance-schedules/calendar.ics", ICS, query=CalendarToken)
async def maintenance_calendar_file(request: Call) -> Body:
    """The calendar as other calendars read it, from a month ago to a year ahead. Nobody signs in: the address is the key."""
    account_id, edition = request.links.calendar_of((await request.wanted(CalendarToken)).token)
    found = await request.flowpilot.maintenance.published_calendar(account_id, edition)
    written = calendar_file(f"{found.account_name}: maintenance", found.entries, at=request.now())
    return Body(written.encode(), media_type=f"{ICS}; charset=utf-8".encode())


ROUTES = (
    add_schedule,
    list_schedules,
    get_schedule,
    change_schedule,
    drop_schedule,
    run_schedule_now,
    list_runs,
    get_run,
    maintenance_calendar,
    renew_maintenance_calendar,
)
OPEN = (maintenance_calendar_file,)
"""What other calendars call: nobody is signed in there."""
