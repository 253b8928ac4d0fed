"""What maintenance comes, day by day, the schedules that bring it, and where other calendars read it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import MaintenanceScheduleId
from flowpilot_core.domain.maintenance.calendar import CalendarEntry, span
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.responses import Body

from .room import MAINTENANCE, maintained

MONTH: Final = timedelta(days=30)
"""What one page shows."""
MOST_ENTRIES: Final = 500
MOST: Final = 50
"""Schedules of a page."""
move: Final = Moves()
Day = tuple[date, Sequence[tuple[CalendarEntry, str]]]


class Wanted(OfAccount, kw_only=True, frozen=True):
    """From which day on, without one from now on; and from where on in the schedules."""

    start: date | None = msgspec.field(default=None, name="from")
    after: UUID | None = None


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Wanted)
    person = request.person_for(wanted.account)
    flowpilot, now = request.flowpilot, request.now()
    here = ZoneInfo((await flowpilot.escalation.preferences(person)).hours.time_zone)
    today = now.astimezone(here).date()
    first, until = (now, now + MONTH) if wanted.start is None else _whole_days(wanted.start, here, now)
    page, schedules = await asyncio.gather(
        flowpilot.maintenance.calendar(person, first=first, until=until),
        flowpilot.maintenance.list(person, after=None if wanted.after is None else MaintenanceScheduleId(wanted.after), limit=MOST + 1),
    )
    begins = wanted.start or today
    return await maintained(
        request,
        "maintenance.html",
        made,
        refusal,
        wanted=wanted,
        days=_by_day(page.entries[:MOST_ENTRIES], here),
        more=len(page.entries) > MOST_ENTRIES,
        here=here.key,
        begins=begins,
        ends=begins + MONTH,
        before=begins - MONTH,
        schedules=schedules[:MOST],
        later=schedules[MOST - 1].id if len(schedules) > MOST else None,
        address=request.links.calendar(person.account_id, page.edition),
    )


def _whole_days(start: date, here: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Raises `InvalidValue` for a day of a year in which no maintenance comes."""
    span(datetime.combine(start, time.min, UTC), None, at=now)
    return datetime.combine(start, time.min, here), datetime.combine(start + MONTH, time.min, here) - timedelta(microseconds=1)


def _by_day(entries: Sequence[CalendarEntry], here: ZoneInfo) -> list[Day]:
    """Each with what the clock says when it begins and when it ends."""

    def day(entry: CalendarEntry) -> date:
        return entry.starts_at.astimezone(here).date()

    return [(on, [(one, _hours(one, on, here)) for one in found]) for on, found in groupby(entries, day)]


def _hours(entry: CalendarEntry, on: date, here: ZoneInfo) -> str:
    starts, ends = entry.starts_at.astimezone(here), entry.ends_at.astimezone(here)
    return f"{starts:%H:%M} to {ends:%H:%M}" if ends.date() == on else f"{starts:%H:%M} to {ends:%Y-%m-%d %H:%M}"


@move("renew", Move)
async def renew_address(request: Visit, person: Person, form: Move) -> Made:
    """The one before leads nowhere."""
    await request.do(form, lambda change: request.flowpilot.maintenance.renew_calendar(person, request=change))
    return None


ROUTES = formed(MAINTENANCE, _shown, move)
