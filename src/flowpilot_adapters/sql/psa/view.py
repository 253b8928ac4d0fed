"""What there is to see of PSAs in one account."""

from collections.abc import Sequence

from flowpilot_adapters.sql.psa import ledger as psa_ledger
from flowpilot_adapters.sql.queries import HIGHEST
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_core.domain.kernel.identifiers import PsaPostId
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.ports.psa import PostFilter


class SqlPsaView(SqlReading):
    """As `PsaView` says."""

    async def psa_connections(self) -> Sequence[PsaConnection]:
        """As `PsaView.psa_connections` says."""
        return psa_ledger.connections_of(await self._read_one(psa_ledger.CONNECTIONS(account_id=self._account_id)))

    async def psa_posts(self, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """As `PsaView.psa_posts` says."""
        return psa_ledger.posts_of(await self._read_one(psa_ledger.posts_call(self._account_id, where, after or HIGHEST, limit)))
