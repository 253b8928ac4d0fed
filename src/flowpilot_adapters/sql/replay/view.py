"""What there is to see of imported logs in one account."""

from collections.abc import Mapping

from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.replay import imports
from flowpilot_core.ports.replay import Figures, ImportedCase


class SqlReplayView(SqlReading):
    """As `ReplayView` says."""

    async def imported(self, log: str) -> Mapping[str, ImportedCase]:
        """As `ReplayView.imported` says."""
        return imports.imported_of(await self._read_one(imports.imported_call(self._account_id, log)))

    async def figures(self, log: str) -> Figures:
        """As `ReplayView.figures` says."""
        return imports.figures_of(await self._read_one(imports.figures_call(self._account_id, log)))
