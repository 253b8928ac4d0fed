"""One schedule: what is looked after and when, what became of it, and what may be done with it."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import MaintenanceRunId
from flowpilot_core.domain.maintenance.schedule import CatchUp
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.moves import Made, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.pages.sessions.walking import ToFollow
from flowpilot_http.responses import Body

from .room import MAINTENANCE, SCHEDULE, AsRead, maintained

MOST: Final = 10
"""Runs of a page: each may have 200 sessions."""
LATE: Final = ((CatchUp.SKIP, "Nothing is started"), (CatchUp.LATEST, "The last one is started late"))
move: Final = Moves()


class Asked(OfAccount, kw_only=True, frozen=True):
    """Which dialog is open, and from where on in the runs."""

    do: str | None = None
    before: UUID | None = None


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Asked)
    person = request.person_for(wanted.account)
    maintenance = request.flowpilot.maintenance
    schedule, runs, colleagues = await asyncio.gather(
        maintenance.get(person, request.schedule_id),
        maintenance.runs(
            person, request.schedule_id, before=None if wanted.before is None else MaintenanceRunId(wanted.before), limit=MOST + 1
        ),
        Colleagues.of(request, person),
    )
    return await maintained(
        request,
        "maintenance_schedule.html",
        made,
        refusal,
        do=wanted.do,
        schedule=schedule,
        plan=schedule.plan,
        minutes=schedule.plan.duration // timedelta(minutes=1),
        follows=schedule.plan.tree and await followed(request, person, schedule.plan.tree.id),
        names=colleagues.names,
        late=dict(LATE),
        runs=runs[:MOST],
        older=runs[MOST - 1].id if len(runs) > MOST else None,
    )


async def followed(request: Visit, person: Person, tree_id: UUID) -> ToFollow | None:
    """The tree that sessions follow; None where it cannot be read any more."""
    try:
        return await ToFollow.of(request, person, tree_id)
    except NotFound:
        return None


@move("run", AsRead)
async def run_now(request: Visit, person: Person, form: AsRead) -> Made:
    """Beside its times; its run is the first that the page shows."""
    maintenance = request.flowpilot.maintenance
    await request.do(form, lambda change: maintenance.run_now(person, request.schedule_id, request=change), version=form.version)
    return None


@move("delete", AsRead)
async def drop_schedule(request: Visit, person: Person, form: AsRead) -> Made:
    """With its runs; the sessions stay."""
    maintenance = request.flowpilot.maintenance
    await request.do(form, lambda change: maintenance.drop(person, request.schedule_id, request=change), version=form.version)
    return MAINTENANCE


ROUTES = formed(SCHEDULE, _shown, move)
