"""Wake-ups over PostgreSQL: enough for any number of processes on one database.

A notification is sent after the commit, in a transaction of its own and on a connection of its own: inside the transaction of the
change it would queue all commits of the database behind one lock, and could fail them. It holds ids of accounts and nothing else,
because every role may listen to every channel.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import psycopg

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Jitter
from flowpilot_core.ports.notifications import Heard

from .sending import Sending

log = logging.getLogger("flowpilot.push")

CHANNEL: Final = "flowpilot_events"
PATIENCE: Final = 5.0
"""Seconds for a connection, and for one notification."""
LONGEST_PAUSE: Final = 10.0
"""Seconds between tries to listen again."""
NOTICING: Final[dict[str, Any]] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


class PostgresEventStream:
    """One connection for notifying, and one for each `hear`, which does nothing else."""

    def __init__(self, url: str, *, jitter: Jitter) -> None:
        self._url = url
        self._jitter = jitter
        self._sending = Sending(self._notify)
        self._connection: psycopg.AsyncConnection[Any] | None = None

    def publish(self, account_id: AccountId) -> None:
        """As `EventStream.publish` says."""
        self._sending.add(account_id)

    async def hear(self, heard: Heard) -> None:
        """As `EventStream.hear` says: it listens first and then has everybody look, so that nothing falls in between."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    connection = await self._connect()
                async with connection:
                    async with asyncio.timeout(PATIENCE):
                        await connection.execute(f"LISTEN {CHANNEL}".encode())
                    failures = 0
                    heard(None)
                    async for notification in connection.notifies():
                        for account_id in _accounts(notification.payload):
                            heard(account_id)
            except (psycopg.Error, TimeoutError) as exc:
                failures += 1
                log.warning("wake-ups not to be heard, listening again", extra={"error": type(exc).__name__, "failures": failures})
            await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2 ** min(failures, 10)) * self._jitter())

    async def close(self) -> None:
        """Notify nobody more."""
        await self._sending.close()
        if self._connection is not None:
            await self._connection.close()

    async def _notify(self, accounts: Collection[AccountId]) -> None:
        async with asyncio.timeout(PATIENCE):
            if self._connection is None or self._connection.closed:
                self._connection = await self._connect()
            try:
                await self._connection.execute(b"SELECT pg_notify(%s, %s)", (CHANNEL, " ".join(account_id.hex for account_id in accounts)))
            except BaseException:
                await self._connection.close()
                raise

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True, application_name="flowpilot push", **NOTICING)


def _accounts(payload: str) -> list[AccountId]:
    """The accounts that a notification names; anybody may have sent it, and what is no account is nothing."""
    try:
        return [AccountId(UUID(hex=one)) for one in payload.split(" ")]
    except ValueError:
        return []
