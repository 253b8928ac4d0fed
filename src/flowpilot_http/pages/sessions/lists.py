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
from flowpilot_http import decoding
from flowpilot_http.pages.beside import MOST as MOST_BESIDE
from flowpilot_http.pages.beside import Beside, stands_beside
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body

WORK: Final = "/work"
SESSIONS: Final = "/sessions"
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


@shows(WORK)
async def work_page(request: Visit) -> Body:
    """What is mine, newest first."""
    person = request.person_for((await request.wanted(OfAccount)).account)
    lists = [(name, sessions) for name, sessions in await _mine(request, person) if sessions]
    return await request.framed(
        "work.html",
        lists=lists,
        priorities=await request.flowpilot.handoffs.priorities(person, [one for _, sessions in lists for one in sessions]),
        may_start=permits(person, Permission.START, ()),
    )


@shows(SESSIONS)
async def sessions_page(request: Visit) -> Body:
    """All that I may read, newest first."""
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    sessions, colleagues = await asyncio.gather(_found(request, person, wanted, most=MOST + 1), Colleagues.of(request, person))
    return await request.framed(
        "sessions.html",
        sessions=sessions[:MOST],
        names=colleagues.names,
        priorities=await request.flowpilot.handoffs.priorities(person, sessions),
        older=sessions[MOST - 1].id if len(sessions) > MOST else None,
        wanted=wanted,
        colleagues=colleagues,
        statuses=[(status, status.capitalize()) for status in Status],
        may_start=permits(person, Permission.START, ()),
    )


async def _found(request: Visit, person: Person, wanted: Chosen, *, most: int) -> Sequence[Session]:
    """Those that were chosen, newest first."""
    where = SessionFilter(status=wanted.status, assignee_id=None if wanted.assignee is None else UserId(wanted.assignee))
    after = None if wanted.after is None else SessionId(wanted.after)
    sessions, _ = await request.flowpilot.sessions.list(person, where, after=after, limit=most)
    return sessions


async def _mine(request: Visit, person: Person) -> Sequence[tuple[str, Sequence[Session]]]:
    """What is somebody's, by what it waits for."""
    wanted = (Chosen(status=status, assignee=person.user_id) for status, _ in MINE)
    lists = await asyncio.gather(*(_found(request, person, one, most=MOST) for one in wanted))
    return [(name, sessions) for (_, name), sessions in zip(MINE, lists, strict=True)]


@stands_beside(WORK)
async def _work_beside(request: Visit, person: Person, address: str, _: bytes) -> Beside:
    sessions = [session for _, some in await _mine(request, person) for session in some]
    return Beside(name="My work", address=address, live="sessions", sessions=sessions[:MOST_BESIDE])


@stands_beside(SESSIONS)
async def _sessions_beside(request: Visit, person: Person, address: str, query: bytes) -> Beside:
    sessions = await _found(request, person, decoding.query(query, Chosen), most=MOST_BESIDE)
    return Beside(name="Sessions", address=address, live="sessions", sessions=sessions)


ROUTES = (work_page, sessions_page)
