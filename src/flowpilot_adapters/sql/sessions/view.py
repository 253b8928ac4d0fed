"""What there is to see of sessions and their timelines in one account."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Select, Uuid, and_, any_, bindparam, exists, func, or_, select

from flowpilot_adapters.sql.kernel.view import AFTER, ENTRIES
from flowpilot_adapters.sql.queries import (
    HIGHEST,
    LIMIT,
    branches_of,
    if_given,
    names_of,
    of_sessions,
    own,
    people_in_fork_points,
    people_in_sessions,
)
from flowpilot_adapters.sql.reading import ENTER, ENTER_PLANNED, SqlReading
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.records import sessions as sessions_records
from flowpilot_adapters.sql.schema import (
    branch,
    event,
    fork_point,
    handoff,
    session,
)
from flowpilot_adapters.sql.sessions import sessions
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PictureId, SessionId, StepId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.ports.kernel import Entry
from flowpilot_core.ports.sessions import SessionDetail, SessionFilter, StoredPicture

READER: Final = bindparam("reader_id", type_=Uuid())

READS_ALL: Final = bindparam("reads_all", type_=Boolean())

_perhaps_of_assignee = if_given(session.c.assignee_id, "assignee_id")
_of_assignee = session.c.assignee_id == bindparam("assignee_id")
_of_ticket = and_(
    _perhaps_of_assignee, session.c.ticket_system == bindparam("ticket_system"), session.c.ticket_id == bindparam("ticket_id")
)


def _page(which: ColumnElement[bool]) -> Select[Any]:
    return (
        select(session.c.id)
        .where(
            own(session),
            session.c.id < bindparam("before"),
            which,
            if_given(session.c.status, "status"),
            or_(session.c.status != Status.PARKED, READS_ALL, any_(session.c.parked_with) == READER),
        )
        .order_by(session.c.id.desc())
        .limit(LIMIT)
    )


def _in(page: Select[Any], session_id: ColumnElement[Any]) -> ColumnElement[bool]:
    # As an array, each looked up by its key: who does not know how long the page is takes it for a tenth of the table.
    return session_id == any_(func.array(page.scalar_subquery()))


def _sessions(name: str, page: Select[Any]) -> Statement:
    in_page = _in(page, session.c.id)
    names = names_of(people_in_sessions(in_page), people_in_fork_points(_in(page, fork_point.c.session_id)))
    return compiled(name, select(*of_sessions(), *names.c).where(own(session), in_page).order_by(session.c.id.desc()))


def _branches(name: str, page: Select[Any]) -> Statement:
    return compiled(name, branches_of(_in(page, branch.c.session_id)))


SESSIONS: Final = _sessions("sessions", _page(_perhaps_of_assignee))
BRANCHES: Final = _branches("branches of sessions", _page(_perhaps_of_assignee))
OF_ASSIGNEE: Final = _sessions("sessions of assignee", _page(_of_assignee))
BRANCHES_OF_ASSIGNEE: Final = _branches("branches of sessions of assignee", _page(_of_assignee))
OF_TICKET: Final = _sessions("sessions of ticket", _page(_of_ticket))
BRANCHES_OF_TICKET: Final = _branches("branches of sessions of ticket", _page(_of_ticket))

READABLE: Final = compiled(
    "session to read of",
    select(session.c.id).where(
        own(session),
        session.c.id == bindparam("session_id"),
        or_(session.c.status != Status.PARKED, READS_ALL, any_(session.c.parked_with) == READER),
    ),
)

TO_BE_READ: Final = ENTRIES.where(
    or_(
        event.c.private.is_(False),
        READS_ALL,
        exists().where(own(handoff), handoff.c.id == event.c.handoff_id, any_(handoff.c.readers) == READER),
    )
)
"""Events as a timeline shows them, without the private ones that its reader may not read."""

TIMELINE: Final = compiled("timeline", TO_BE_READ.where(event.c.session_id == bindparam("session_id"), event.c.number > AFTER))


class SqlSessionView(SqlReading):
    """As `SessionView` says."""

    async def session(self, session_id: SessionId) -> SessionDetail:
        """As `SessionView.session` says."""
        return sessions.detail_of(await self._read(*sessions.detail_calls(self._account_id, session_id)))

    async def picture(self, session_id: SessionId, step_id: StepId, picture_id: PictureId) -> StoredPicture:
        """As `SessionView.picture` says."""
        of_session = {"account_id": self._account_id, "session_id": session_id}
        found, branches, step, content = await self._read(
            sessions.GET(**of_session),
            sessions.BRANCHES(**of_session),
            sessions.STEP(**of_session, id=step_id),
            sessions.PICTURE(**of_session, step_id=step_id, id=picture_id),
        )
        if found.first is None or step.first is None or content.first is None:
            raise NotFound("picture")
        (picture,) = (one for one in sessions_records.step(step.first).pictures if one.id == picture_id)
        return StoredPicture(
            session=sessions_records.session(found.first, branches.rows), picture=picture, content=bytes(content.first.content)
        )

    async def details(self, session_ids: Sequence[SessionId]) -> Sequence[SessionDetail]:
        """As `SessionView.details` says."""
        calls = [sessions.detail_calls(self._account_id, session_id) for session_id in session_ids]
        found = iter(await self._read(*chain.from_iterable(calls)))
        return [sessions.detail_of(list(islice(found, len(of_one)))) for of_one in calls]

    async def sessions(
        self, where: SessionFilter, reader: Actor, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """As `SessionView.sessions` says."""
        page = {
            "account_id": self._account_id,
            "before": after or HIGHEST,
            "status": where.status,
            "assignee_id": where.assignee_id,
            "most": limit,
            **reads(reader),
        }
        listing, branching, enter = SESSIONS, BRANCHES, ENTER
        if where.assignee_id is not None:
            # Found by an index of its own, so that one plan is as good for all: with many sessions, planning took longer than reading.
            listing, branching, enter = OF_ASSIGNEE, BRANCHES_OF_ASSIGNEE, ENTER_PLANNED
        if where.ticket is not None:
            listing, branching, enter = OF_TICKET, BRANCHES_OF_TICKET, ENTER
            page |= {"ticket_system": where.ticket.system, "ticket_id": where.ticket.id}
        found, branches = await self._read(listing(**page), branching(**page), enter=enter)
        by_session: dict[SessionId, list[Any]] = {}
        for row in branches.rows:
            by_session.setdefault(row.session_id, []).append(row)
        names = kernel_records.names(found.first) if found.first else {}
        return [sessions_records.session(row, by_session[row.id]) for row in found.rows], names

    async def timeline(self, session_id: SessionId, reader: Actor, *, after: int, limit: int) -> Sequence[Entry]:
        """As `SessionView.timeline` says."""
        of_session = {"account_id": self._account_id, "session_id": session_id, **reads(reader)}
        session, found = await self._read(READABLE(**of_session), TIMELINE(after=after, most=limit, **of_session))
        if session.first is None:
            raise NotFound("session")
        return [kernel_records.entry(row) for row in found.rows]


def reads(reader: Actor) -> dict[str, Any]:
    """What of others' parks `reader` may read, as the core's table says: all, where they are the reader's own, or none."""
    user_id = reader.user_id if isinstance(reader, Person) else None
    own_parks = user_id is not None and permits(reader, Permission.READ_PARKED, (user_id,))
    return {"reads_all": permits(reader, Permission.READ_PARKED, ()), "reader_id": user_id if own_parks else None}
