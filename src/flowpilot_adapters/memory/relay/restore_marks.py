"""A mark that is gone with the process."""

from attrs import define


@define
class MemoryMarks:
    """As `Marks` says; `number` may be put back by a test that restores something."""

    number: int = 0
    reason: str | None = None

    async def database(self) -> str:
        """As `Marks.database` says."""
        return "memory"

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
