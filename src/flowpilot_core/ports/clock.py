"""Time, ids and chance: what a pure core must be handed."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The time in UTC, aware. It may jump back: nothing stored ever does."""


NewId = Callable[[], UUID]
"""A UUID of version 7 that was never given out before."""

NewSecret = Callable[[], bytes]
"""32 bytes that nobody can guess."""

Jitter = Callable[[], float]
"""A number from 0 to 1, evenly spread."""
