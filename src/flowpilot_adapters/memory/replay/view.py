"""What there is to see of imported logs in one account."""

from collections.abc import Mapping

from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_adapters.memory.replay import imports
from flowpilot_core.ports.replay import Figures, ImportedCase


class MemoryReplayView(MemoryReading):
    """As `ReplayView` says."""

    async def imported(self, log: str) -> Mapping[str, ImportedCase]:
        """As `ReplayView.imported` says."""
        return imports.imported(await self._now(), log)

    async def figures(self, log: str) -> Figures:
        """As `ReplayView.figures` says."""
        return imports.figures(await self._now(), self._tables.events, log)
