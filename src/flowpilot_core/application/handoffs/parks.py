"""A park ends with the session that goes on, and is read by whoever has it next."""

from typing import Protocol

from attrs import evolve

from flowpilot_core.application.sessions.following import SessionFollower
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.sessions import SessionWork


class ParkNeeds(HandoffWork, SessionWork, Protocol):
    """What is done here asks this of a unit of work."""


class Parks(SessionFollower[ParkNeeds]):
    """Keeps the park of a session in step with it."""

    async def resumed(self, work: ParkNeeds, parked: Session) -> None:
        """Its park ends."""
        if parked.latest_handoff_id is not None:
            park = await work.handoffs.get(parked.latest_handoff_id)
            await work.handoffs.save(park.resumed())

    async def reassigned(self, work: ParkNeeds, before: Session, to: UserId) -> None:
        """Whoever has a parked session now may read its park, and so may those who had it."""
        if before.status is Status.PARKED and before.latest_handoff_id is not None:
            park = await work.handoffs.get(before.latest_handoff_id)
            await work.handoffs.save(evolve(park, readers=park.readers | {to}))
