"""What there is to see of sessions and their timelines in one account."""

from collections.abc import Mapping, Sequence

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PictureId, SessionId, StepId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.ports.kernel import Entry
from flowpilot_core.ports.sessions import SessionDetail, SessionFilter, StoredPicture


class MemorySessionView(MemoryReading):
    """As `SessionView` says."""

    async def session(self, session_id: SessionId) -> SessionDetail:
        """As `SessionView.session` says."""
        return reading.session_detail(await self._now(), session_id)

    async def picture(self, session_id: SessionId, step_id: StepId, picture_id: PictureId) -> StoredPicture:
        """As `SessionView.picture` says."""
        rows = await self._now()
        step, content = rows.steps.get(step_id), rows.pictures.get(picture_id)
        found = [one for one in step.pictures if one.id == picture_id] if step and step.session_id == session_id else []
        if not found or content is None:
            raise NotFound("picture")
        return StoredPicture(session=reading.session(rows, session_id), picture=found[0], content=content)

    async def details(self, session_ids: Sequence[SessionId]) -> Sequence[SessionDetail]:
        """As `SessionView.details` says."""
        rows = await self._now()
        return [reading.session_detail(rows, session_id) for session_id in session_ids]

    async def sessions(
        self, where: SessionFilter, reader: Actor, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """As `SessionView.sessions` says."""
        rows = await self._now()
        found = sorted(
            (
                reading.with_ticket(rows, session)
                for session in rows.sessions.values()
                if where.status in (None, session.status)
                and where.assignee_id in (None, session.assignee_id)
                and where.ticket in (None, session.ticket)
                and (after is None or session.id < after)
                and (session.status is not Status.PARKED or permits(reader, Permission.READ_PARKED, session.parked_with))
            ),
            key=lambda session: session.id,
            reverse=True,
        )[:limit]
        return found, reading.names(rows, (user_id for session in found for user_id in reading.in_session(session)))

    async def timeline(self, session_id: SessionId, reader: Actor, *, after: int, limit: int) -> Sequence[Entry]:
        """As `SessionView.timeline` says."""
        rows = await self._now()
        reading.session(rows, session_id).require_readable(reader)
        return reading.entries(rows, self._logged(), session_id, reader, after=after)[:limit]
