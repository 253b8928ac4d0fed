"""What there is to see of PSAs in one account."""

from collections.abc import Sequence

from flowpilot_adapters.memory.psa import ledger as psa_ledger
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_core.domain.kernel.identifiers import PsaPostId
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.ports.psa import PostFilter


class MemoryPsaView(MemoryReading):
    """As `PsaView` says."""

    async def psa_connections(self) -> Sequence[PsaConnection]:
        """As `PsaView.psa_connections` says."""
        return psa_ledger.connections(await self._now())

    async def psa_posts(self, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """As `PsaView.psa_posts` says."""
        return psa_ledger.posts(await self._now(), where, after=after, limit=limit)
