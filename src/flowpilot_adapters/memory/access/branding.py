"""How an account looks and signs."""

from attrs import frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.branding import Branding, LogoFiles, Worn
from flowpilot_core.domain.kernel.errors import Stale


@frozen
class MemoryBrand:
    """What the account says of itself."""

    _work: Transaction

    async def get(self) -> Branding:
        """As `Brand.get` says."""
        return reading.branding(self._work.rows, self._work.account_id)

    async def save(self, branding: Branding, *, files: LogoFiles | None = None) -> None:
        """As `Brand.save` says, one after the other."""
        await self._work.lock("branding")
        rows, account_id = self._work.rows, self._work.account_id
        if reading.branding(rows, account_id).version + 1 != branding.version:
            raise Stale
        rows.brandings.put(account_id, branding)
        if branding.logo is None:
            rows.logos.drop(account_id)
        elif files is not None:
            rows.logos.put(account_id, files)

    async def worn(self) -> Worn:
        """As `Brand.worn` says."""
        return reading.worn(self._work.rows, self._work.account_id)
