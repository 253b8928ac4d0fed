"""What both ways of waking share: accounts that are to be published, sent by a task of its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from flowpilot_core.domain.kernel.identifiers import AccountId

log = logging.getLogger("flowpilot.push")

MOST_AT_ONCE = 100
"""Accounts in one message: their ids fit into any notification, which may have 8,000 bytes."""
PAUSE = 0.005
"""Seconds after a message in which what comes waits for the next: each message wakes every process that listens."""


class Sending:
    """Publishes what it is given, each account once for as long as it has not gone out. What cannot be sent is dropped: it is advice."""

    def __init__(self, send: Callable[[Collection[AccountId]], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: dict[AccountId, None] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, account_id: AccountId) -> None:
        """Publish it soon; returns at once."""
        self._waiting[account_id] = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Send nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = [*self._waiting][:MOST_AT_ONCE]
                for account_id in batch:
                    del self._waiting[account_id]
                try:
                    await self._send(batch)
                except Exception as exc:
                    # Whatever it is: those who wait look by themselves soon.
                    log.debug("wake-ups lost", extra={"accounts": len(batch), "error": type(exc).__name__})
                await asyncio.sleep(PAUSE)
        finally:
            self._task = None
