"""The lists of sessions: what is mine, and all that I may read."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import SessionId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body

MINE: Final = (
    (Status.ACTIVE, "Active"),
    (Status.PARKED, "Parked"),
    (Status.ESCALATED, "Waiting for a colleague"),
    (Status.RESOLVED, "Lately resolved"),
)
MOST: Final = 50


class Chosen(OfAccount, kw_only=True, frozen=True):
    """Which sessions, and from where on."""

    status: Status | None = None
    assignee: UUID | None = None
    after: UUID | None = None


@shows("/work")
async def work_page(request: Visit) -> Body:
    """What is mine, newest first."""
    person = request.person_for((await request.wanted(OfAccount)).account)
    found = await asyncio.gather(*(_mine(request, person, status) for status, _ in MINE))
    return await request.framed(
        "work.html",
        lists=[(name, sessions) for (_, name), sessions in zip(MINE, found, strict=True) if sessions],
        may_start=permits(person, Permission.START, ()),
    )


@shows("/sessions")
async def sessions_page(request: Visit) -> Body:
    """All that I may read, newest first."""
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    where = SessionFilter(status=wanted.status, assignee_id=None if wanted.assignee is None else UserId(wanted.assignee))
    after = None if wanted.after is None else SessionId(wanted.after)
    (found, _), colleagues = await asyncio.gather(
        request.flowpilot.sessions.list(person, where, after=after, limit=MOST + 1), Colleagues.of(request, person)
    )
    return await request.framed(
        "sessions.html",
        sessions=found[:MOST],
        names=colleagues.names,
        older=found[MOST - 1].id if len(found) > MOST else None,
        wanted=wanted,
        colleagues=colleagues,
        statuses=[(status, status.capitalize()) for status in Status],
        may_start=permits(person, Permission.START, ()),
    )


async def _mine(request: Visit, person: Person, status: Status) -> Sequence[Session]:
    where = SessionFilter(status=status, assignee_id=person.user_id)
    found, _ = await request.flowpilot.sessions.list(person, where, after=None, limit=MOST)
    return found


ROUTES = (work_page, sessions_page)
