"""A mark that is gone with the process."""

from typing import Final

from attrs import define

from flowpilot_core.ports.relay import Whereabouts

HERE: Final = Whereabouts(database="memory", store="memory", address="memory")


@define
class MemoryMarks:
    """As `Marks` says; `number` may be put back by a test that restores something."""

    number: int = 0
    reason: str | None = None
    here: Whereabouts = HERE

    async def whereabouts(self) -> Whereabouts:
        """As `Marks.whereabouts` says."""
        return self.here

    async def advance(self, known: int) -> int | None:
        """As `Marks.advance` says."""
        if self.reason is not None or self.number < known:
            return None
        self.number += 1
        return self.number

    async def pause(self, reason: str) -> None:
        """As `Marks.pause` says."""
        self.reason = self.reason or reason

    async def why_paused(self) -> str | None:
        """As `Marks.why_paused` says."""
        return self.reason

    async def resume(self, above: int) -> int:
        """As `Marks.resume` says."""
        self.number = max(self.number, above) + 1_000_000
        self.reason = None
        return self.number
