"""What follows from a session's moves and is another area's business: written in the same unit of work."""

from typing import Generic, TypeVar

from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.ports.sessions import SessionWork

W_contra = TypeVar("W_contra", bound=SessionWork, contravariant=True)


class SessionFollower(Generic[W_contra]):
    """An area that does something of its own when a session moves; here, nothing."""

    async def resumed(self, work: W_contra, parked: Session) -> None:
        """A parked session, here as it was, goes on."""

    async def reassigned(self, work: W_contra, before: Session, to: UserId) -> None:
        """A session, here as it was, is somebody else's."""

    async def resolved(self, work: W_contra, session: Session) -> None:
        """The session is resolved, and not kept yet."""
