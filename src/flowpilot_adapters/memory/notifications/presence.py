"""Who of one account has a stream open where, inside one unit of work."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import UserId


@frozen
class MemoryPresence:
    """Inside one unit of work."""

    _work: Transaction

    async def online(self) -> frozenset[UserId]:
        """As `Presence.online` says."""
        now = self._work.clock.now()
        return frozenset(user_id for user_id, _, until in self._work.rows.presence.values() if until > now)

    async def here(self, node_id: UUID, user_ids: Collection[UserId], *, seconds: float) -> None:
        """As `Presence.here` says."""
        rows, now = self._work.rows.presence, self._work.clock.now()
        for user_id, at_node, until in [*rows.values()]:
            if until <= now or (at_node == node_id and user_id not in user_ids):
                rows.drop((user_id, at_node))
        for user_id in user_ids:
            rows.put((user_id, node_id), (user_id, node_id, now + timedelta(seconds=seconds)))
