"""The sessions and their steps."""

import asyncio
from collections.abc import Mapping

from attrs import evolve, frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.tables import KnownTicket
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import PictureId, SessionId, StepId
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step
from flowpilot_core.ports.sessions import SessionDetail


async def _others() -> None:
    """Whoever else is ready to run has a turn, as at every call of a store that is somewhere else."""
    await asyncio.sleep(0)


@frozen
class MemorySessions:
    """The sessions of one account and their steps."""

    _work: Transaction

    async def get(self, session_id: SessionId) -> Session:
        """As `Sessions.get` says."""
        await _others()
        return reading.session(self._work.rows, session_id)

    async def detail(self, session_id: SessionId) -> SessionDetail:
        """As `Sessions.detail` says."""
        await _others()
        return reading.session_detail(self._work.rows, session_id)

    async def step(self, session_id: SessionId, step_id: StepId) -> Step:
        """As `Sessions.step` says."""
        await _others()
        step = self._work.rows.steps.get(step_id)
        if step is None or step.session_id != session_id:
            raise NotFound("step")
        return step

    async def add(self, session: Session) -> None:
        """As `Sessions.add` says."""
        self._work.sessions.added(session.id)
        self._work.rows.sessions.put(session.id, session)

    async def save(self, session: Session) -> Session:
        """As `Sessions.save` says."""
        saved = evolve(session, version=self._work.sessions.next(session.id, session.version))
        self._work.rows.sessions.put(session.id, saved)
        if session.taken and session.taken.worked_at:
            self._work.rows.first_steps.put(session.taken.handoff_id, session.taken.worked_at)
        elif session.taken:
            self._work.rows.first_steps.drop(session.taken.handoff_id)
        return saved

    async def know_ticket(self, session_id: SessionId, facts: Mapping[str, Plain], *, client_name: str | None) -> None:
        """As `Sessions.know_ticket` says."""
        if self._work.rows.sessions.get(session_id) is not None:
            self._work.rows.known_tickets.put(session_id, KnownTicket(facts=facts, client_name=client_name))

    async def add_step(self, step: Step) -> None:
        """As `Sessions.add_step` says."""
        self._work.rows.steps.put(step.id, step)

    async def save_step(self, step: Step) -> None:
        """As `Sessions.save_step` says."""
        self._work.rows.steps.put(step.id, step)

    async def add_picture(self, step: Step, picture_id: PictureId, content: bytes) -> None:
        """As `Sessions.add_picture` says."""
        self._work.rows.pictures.put(picture_id, content)
