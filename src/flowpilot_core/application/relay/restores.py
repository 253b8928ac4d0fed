"""A relay that finds a restored database rests until somebody has looked: what was sent since the backup is due in it once more."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from attrs import define, field

from flowpilot_core.ports.relay import Marks, Memory

log = logging.getLogger("flowpilot.relay")

BETWEEN_MARKS = timedelta(seconds=10)
"""What a backup must be older than for its restore to be noticed; as often the relay looks whether it is to rest."""
RESTORED = "the database is older than this relay has known it: it was restored, and what was sent since would be sent again"


@define(kw_only=True)
class RestoreGuard:
    """Whether a relay may take work now. It leaves a mark in the database now and then, and remembers it elsewhere."""

    marks: Marks
    memory: Memory
    monotonic: Callable[[], float] = time.monotonic
    _may: bool = field(default=False, init=False)
    _looked: float | None = field(default=None, init=False)

    async def __call__(self) -> bool:
        """Raises `Unavailable`."""
        now = self.monotonic()
        if self._looked is None or now - self._looked >= BETWEEN_MARKS / timedelta(seconds=1):
            self._may = await self._look()
            self._looked = now
        return self._may

    async def _look(self) -> bool:
        here = await self.marks.whereabouts()
        number = await self.marks.advance(self.memory.read(here))
        if number is not None:
            self.memory.write(here, number)
            return True
        if await self.marks.why_paused() is None:
            await self.marks.pause(RESTORED)
        log.error("this relay rests: when it is clear what may be sent again, run `flowpilot relay resume`")
        return False
