"""How much one session may hold, so that whoever reads all of it is done in time."""

from enum import StrEnum

from attrs import frozen

from flowpilot_core.domain.kernel.errors import PictureLimit, SessionFull
from flowpilot_core.domain.kernel.identifiers import SessionId


class Bound(StrEnum):
    """What is bounded."""

    STEPS = "steps"
    BRANCHES = "branches"
    LEVELS = "levels"
    BYTES = "bytes"


@frozen(kw_only=True)
class Bounds:
    """How much a session may grow to. One that is over its bounds is read, handed off, closed and resolved like any other."""

    steps: int = 2_000
    branches: int = 200
    levels: int = 40
    """Of branches that were split off others; the root is at level 0."""
    bytes: int = 16 * 1024 * 1024
    """Of UTF-8, in all its steps and branches."""
    pictures: int = 20

    def require_room(self, session_id: SessionId, **grown: int) -> None:
        """Raises `SessionFull` where it would hold more of something than it may: say what it is to grow to."""
        for bound in Bound:
            most: int = getattr(self, bound)
            if grown.get(bound, 0) > most:
                raise SessionFull(session_id, bound, most)

    def require_room_for_picture(self, session_id: SessionId, pictures: int) -> None:
        """Raises `PictureLimit` where it would have more of them than it may."""
        if pictures > self.pictures:
            raise PictureLimit(session_id, self.pictures)


BOUNDS = Bounds()


def size(*texts: str | None) -> int:
    """Bytes of UTF-8 that texts take."""
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts if text)
