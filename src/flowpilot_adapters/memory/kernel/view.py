"""What there is to see of the event log in one account."""

from collections.abc import Sequence

from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_core.domain.kernel.events import LoggedEvent


class MemoryKernelView(MemoryReading):
    """As `KernelView` says."""

    async def events(self, *, after: int, limit: int) -> Sequence[LoggedEvent]:
        """As `KernelView.events` says."""
        await self._now()
        return self._logged()[max(after, 0) :][:limit]

    async def last_number(self) -> int:
        """As `KernelView.last_number` says."""
        await self._now()
        return len(self._tables.events)
