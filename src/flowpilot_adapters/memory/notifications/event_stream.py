"""Wake-ups within one process."""

import asyncio

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.notifications import Heard


class MemoryEventStream:
    """Calls whoever hears at once: all that share this object."""

    def __init__(self) -> None:
        self._hearing: list[Heard] = []

    def publish(self, account_id: AccountId) -> None:
        """As `EventStream.publish` says."""
        for heard in self._hearing:
            heard(account_id)

    async def hear(self, heard: Heard) -> None:
        """As `EventStream.hear` says."""
        self._hearing.append(heard)
        try:
            heard(None)
            await asyncio.Event().wait()
        finally:
            self._hearing.remove(heard)
