"""What follows from the end of a session and is another area's business: written in the same unit of work."""

from typing import Generic, TypeVar

from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.ports.sessions import SessionWork

W_contra = TypeVar("W_contra", bound=SessionWork, contravariant=True)


class SessionFollower(Generic[W_contra]):
    """An area that does something of its own when a session ends; here, nothing."""

    async def resolved(self, work: W_contra, session: Session) -> None:
        """The session is resolved, and not kept yet."""
