"""Who is mailed the figures of each week."""

import asyncio

from attrs import frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.identifiers import UserId


@frozen
class MemoryWeeklyDigests:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, weekly_digest: WeeklyDigest) -> None:
        """As `WeeklyDigests.add` says."""
        reading.require_user(self._work.rows, weekly_digest.user_id)
        self._work.rows.weekly_digests.put(weekly_digest.user_id, weekly_digest)

    async def get(self, user_id: UserId) -> WeeklyDigest | None:
        """As `WeeklyDigests.get` says."""
        await asyncio.sleep(0)
        return self._work.rows.weekly_digests.get(user_id)

    async def save(self, weekly_digest: WeeklyDigest) -> None:
        """As `WeeklyDigests.save` says."""
        if self._work.rows.weekly_digests.get(weekly_digest.user_id):
            self._work.rows.weekly_digests.put(weekly_digest.user_id, weekly_digest)

    async def drop(self, user_id: UserId) -> None:
        """As `WeeklyDigests.drop` says."""
        self._work.rows.weekly_digests.drop(user_id)
