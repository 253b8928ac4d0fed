"""Row locks: what one unit of work holds, another waits for."""

import asyncio
from collections.abc import Hashable


class Locks:
    """Locks by key, each held by one owner until it lets go of all of its own."""

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[object, asyncio.Event]] = {}

    async def take(self, key: Hashable, owner: object) -> None:
        """Hold `key`, once whoever holds it has let go."""
        while (holding := self._held.get(key)) and holding[0] is not owner:
            await holding[1].wait()
        self._held.setdefault(key, (owner, asyncio.Event()))

    def free(self, key: Hashable) -> bool:
        """Whether nobody holds `key`."""
        return key not in self._held

    def let_go(self, owner: object) -> None:
        """Give back all that `owner` holds."""
        for key in [key for key, (holder, _) in self._held.items() if holder is owner]:
            self._held.pop(key)[1].set()
