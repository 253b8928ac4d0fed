"""The tokens that models used up."""

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction


@frozen
class MemoryTokenUse:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def reserve(self, month: str, tokens: int, *, most: int) -> bool:
        """As `TokenUse.reserve` says: one waits for another."""
        await self._work.lock("token use", month)
        used = await self.used(month)
        if used + tokens > most:
            return False
        self._work.rows.token_use.put(month, used + tokens)
        return True

    async def settle(self, month: str, *, reserved: int, used: int) -> None:
        """As `TokenUse.settle` says."""
        await self._work.lock("token use", month)
        self._work.rows.token_use.put(month, max(0, await self.used(month) - reserved + used))

    async def used(self, month: str) -> int:
        """As `TokenUse.used` says."""
        return self._work.rows.token_use.get(month) or 0
