"""What follows from a handoff and is another area's business: written in the same unit of work, to commit with it or not at all."""

from datetime import datetime
from typing import Generic, TypeVar

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.ports.handoffs import Basis, HandoffDetail, HandoffWork

W_contra = TypeVar("W_contra", bound=HandoffWork, contravariant=True)


class HandoffFollower(Generic[W_contra]):
    """An area that does something of its own when a handoff is made or moves; here, nothing."""

    roles: frozenset[Role] = frozenset()
    """Whose people it has to know of when a handoff is made: they are read with what that is made from."""

    async def made(self, work: W_contra, basis: Basis, detail: HandoffDetail) -> HandoffDetail:
        """A handoff was made. Returns its detail with what is to be seen there of what follows."""
        return detail

    async def moved(self, work: W_contra, before: Handoff, after: Handoff, event: Event) -> None:
        """It was given back, withdrawn or rerouted, or it lapsed: `event` says which."""

    async def may_lapse(self, work: W_contra, handoff: Handoff, *, warned_of: datetime, at: datetime) -> None:
        """Its claim is about to lapse, for having been quiet since `warned_of`."""
