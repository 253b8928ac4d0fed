"""Wake-ups over PostgreSQL: enough for any number of processes on one database.

A notification is sent after the commit, in a transaction of its own and on a connection of its own: inside the transaction of the
change it would queue all commits of the database behind one lock, and could fail them. It holds ids of accounts and nothing else,
because every role may listen to every channel.
"""

import asyncio
import logging
import select
from collections.abc import Callable, Collection
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Jitter
from flowpilot_core.ports.notifications import Heard

from .sending import Sending

log = logging.getLogger("flowpilot.push")

CHANNEL: Final = b"flowpilot_events"
LISTEN: Final = b"LISTEN " + CHANNEL
NOTIFY: Final = b"SELECT pg_notify($1, $2)"
PATIENCE: Final = 5.0
"""Seconds for a connection, and for one notification."""
LONGEST_PAUSE: Final = 10.0
"""Seconds between tries to listen again."""
NOTICING: Final[dict[str, Any]] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


class _Line:
    """A connection that is read whenever the server says something.

    Of its own, on psycopg's `pgconn`: a cursor and two waits took a tenth of the time of a whole claim for each notification.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], told: Callable[[str], None]) -> None:
        self._connection = connection
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._asked: asyncio.Future[None] | None = None
        self._failed: psycopg.Error | None = None
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self.closed = False
        """Whether nothing can be asked any more."""
        self._socket = connection.pgconn.socket
        self._loop.add_reader(self._socket, self._read)

    async def ask(self, statement: bytes, *values: bytes) -> None:
        """Have it done. Raises `psycopg.Error`; then it may not have been, and the line is to be closed."""
        pgconn = self._connection.pgconn
        self._failed = None
        self._asked = asked = self._loop.create_future()
        pgconn.send_query_params(statement, values)
        if pgconn.flush():
            raise psycopg.OperationalError("the server takes no more")
        await asked
        if self._failed:
            raise self._failed

    async def lost(self) -> None:
        """Raises `psycopg.Error` once the server is gone."""
        await self._lost

    def close(self) -> None:
        """Hang up."""
        # Once: afterwards the number of the socket may be another's.
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket)
            self._connection.pgconn.finish()

    def _read(self) -> None:
        pgconn = self._connection.pgconn
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        try:
            # uvloop calls once for a socket in error, and then never again.
            while True:
                pgconn.consume_input()
                while self._asked and not pgconn.is_busy():
                    result = pgconn.get_result()
                    if result is None:
                        self._answered()
                    elif result.status == ExecStatus.FATAL_ERROR:
                        self._failed = error_from_result(result)
                while notification := pgconn.notifies():
                    self._told(notification.extra.decode())
                if not waiting.poll(0):
                    return
        except psycopg.Error as gone:
            self.close()
            self._failed = gone
            self._answered()
            if not self._lost.done():
                self._lost.set_exception(gone)
                # Whoever only asks learns of it there.
                self._lost.exception()

    def _answered(self) -> None:
        if self._asked and not self._asked.done():
            self._asked.set_result(None)
        self._asked = None


class PostgresEventStream:
    """One connection for notifying, and one for each `hear`, which does nothing else."""

    def __init__(self, url: str, *, jitter: Jitter) -> None:
        self._url = url
        self._jitter = jitter
        self._sending = Sending(self._notify)
        self._line: _Line | None = None

    def publish(self, account_id: AccountId) -> None:
        """As `EventStream.publish` says."""
        self._sending.add(account_id)

    async def hear(self, heard: Heard) -> None:
        """As `EventStream.hear` says: it listens first and then has everybody look, so that nothing falls in between."""
        failures = 0

        def told(payload: str) -> None:
            for account_id in _accounts(payload):
                heard(account_id)

        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    line = _Line(await self._connect(), told)
                try:
                    async with asyncio.timeout(PATIENCE):
                        await line.ask(LISTEN)
                    failures = 0
                    heard(None)
                    await line.lost()
                finally:
                    line.close()
            except (psycopg.Error, TimeoutError) as exc:
                failures += 1
                log.warning("wake-ups not to be heard, listening again", extra={"error": type(exc).__name__, "failures": failures})
            await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2 ** min(failures, 10)) * self._jitter())

    async def close(self) -> None:
        """Notify nobody more."""
        await self._sending.close()
        if self._line is not None:
            self._line.close()

    async def _notify(self, accounts: Collection[AccountId]) -> None:
        async with asyncio.timeout(PATIENCE):
            if self._line is None or self._line.closed:
                self._line = _Line(await self._connect(), _unheard)
            try:
                await self._line.ask(NOTIFY, CHANNEL, b" ".join(account_id.hex.encode() for account_id in accounts))
            except BaseException:
                self._line.close()
                raise

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True, application_name="flowpilot push", **NOTICING)


def _unheard(_: str) -> None:
    """Nothing is said on a line that listens to nothing."""


def _accounts(payload: str) -> list[AccountId]:
    """The accounts that a notification names; anybody may have sent it, and what is no account is nothing."""
    try:
        return [AccountId(UUID(hex=one)) for one in payload.split(" ")]
    except ValueError:
        return []
