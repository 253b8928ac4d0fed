"""The PSAs that accounts may connect, and what opens them."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.text import one_of
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.psa import Access, Psa

PURPOSE = "psa"
"""What credentials are sealed for."""


@frozen(kw_only=True)
class Psas:
    """The vendors, by system, and where their customers' credentials are kept."""

    vendors: Mapping[str, Psa] = MappingProxyType({})
    safe: Safe

    def of(self, system: str) -> Psa:
        """Raises `InvalidValue` for a system that nobody here speaks to."""
        if system not in self.vendors:
            raise InvalidValue("system", one_of(self.vendors) if self.vendors else "cannot be connected: this server connects to no PSA")
        return self.vendors[system]

    async def lock_away(self, work: AccessWork, account_id: AccountId, connection: PsaConnection, credentials: Mapping[str, str]) -> None:
        """Keep what opens a connection, in place of what did before."""
        secret = json.dumps(dict(credentials))
        await self.safe.put(work, account_id, PURPOSE, secret, in_place_of=connection.secret_id)

    async def access(self, work: AccessWork, account_id: AccountId, connection: PsaConnection) -> Access:
        """A connection as its vendor is spoken to. Raises `SecretUnreadable`."""
        return Access(
            account_id=account_id,
            connection_id=connection.id,
            version=connection.version,
            base_url=connection.base_url,
            credentials=json.loads(await self.safe.open(work, account_id, PURPOSE, connection.secret_id)),
            settings=connection.settings,
        )
