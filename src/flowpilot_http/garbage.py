"""How often a process that serves looks for garbage, and among what.

Python looks through all that lives each time there is a quarter more of it, and meanwhile nobody is answered: with ten thousand streams
open a third of a second, every few seconds. What was looked at once and is still there is a stream, a connection or part of the program;
it is let go when its last holder lets go of it, and is garbage next to never.
"""

import asyncio
import gc
from types import TracebackType
from typing import Any, Final

OFTEN: Final = (5_000, 3, 3)
"""As `gc.set_threshold` takes it.

Python's 700 new things are what a few dozen requests hold at once; and ten times ten looks until a full one would have that take long.
"""
EVERY: Final = 3_600.0
"""Seconds between counts of what is spared: to look through all of it takes half a second with ten thousand streams."""
FULL: Final = 2


class Garbage:
    """While inside, what outlives one full look is spared by those that follow, until there is twice as much of it."""

    def __enter__(self) -> "Garbage":
        self._before = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(*OFTEN)
        gc.callbacks.append(_spare)
        self._spared = gc.get_freeze_count()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        gc.callbacks.remove(_spare)
        gc.set_threshold(*self._before)
        gc.unfreeze()

    async def run(self, stop: asyncio.Event) -> None:
        """Look at what is spared now and then, until `stop` is set."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(EVERY):
                    await stop.wait()
            except TimeoutError:
                self.look()

    def look(self) -> None:
        """Look through everything, if there is twice as much as after the last time."""
        if gc.get_freeze_count() >= 2 * self._spared:
            gc.unfreeze()
            gc.collect()
            self._spared = gc.get_freeze_count()


def _spare(phase: str, about: dict[str, Any]) -> None:
    if phase == "stop" and about["generation"] == FULL:
        gc.freeze()
