"""A few connections shared by many tasks.

Our own, since psycopg_pool's locks, waits and logging cost two thirds of the round trip they are for (measured: 18 µs on top of 27), and a
task cancelled while it gives a connection back can lose it one. Here taking and giving back do not wait unless there is nothing to take,
and what does wait, the mending of a connection left in the middle of something, is the pool's own task, which nobody's cancellation
reaches.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from types import TracebackType
from typing import Any, Final

import psycopg

from .connection import Connection
from .statement import Statement

_ROLLBACK: Final = Statement("rollback", "ROLLBACK")
_RESET: Final = Statement("reset settings", "RESET ALL")
_CLEANED: Final = (_ROLLBACK(), _RESET())

_PATIENCE: Final = 1.0
"""Seconds in which what a cancelled task left running usually ends by itself; after that the server is asked to stop it."""
_MENDING: Final = 5.0
"""Seconds after which a connection that will not come to rest is closed."""

_Place = tuple[float, "asyncio.Future[Connection | None]"]
"""When it is given up, by the loop's clock, and what whoever stands there waits for: a connection, or `None` for room to make one."""


NOTICING: Final[dict[str, Any]] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
"""How soon a server that vanished without a word counts as gone, over TCP: within about half a minute."""


class PoolTimeout(psycopg.OperationalError):
    """No connection became free in time."""


class PoolClosed(psycopg.OperationalError):
    """The pool is closed, or being closed."""


class Pool:
    """Up to `size` connections to `conninfo`, made when first needed and lent to one task at a time.

    What comes free goes to whoever holds the fewest, and of those in turn: one account that asks for many at once keeps another waiting for
    one unit of work and not for all of its own.

    A connection that the server has hung up on is noticed when it is taken, and another made: after a restart of the server nothing needs
    to be done. A connection comes back as clean as it was lent: a transaction left open is rolled back, settings are reset, and what will
    not come to rest is closed. `timeout` bounds, in seconds, the wait for a connection and the making of one.
    """

    def __init__(self, conninfo: str, *, size: int = 8, timeout: float = 5.0) -> None:
        self._conninfo = conninfo
        self._size = size
        self._timeout = timeout
        self._idle: list[Connection] = []
        self._made = 0
        """How many connections there are or may be made by somebody; those being mended count."""
        self._waiting: deque[_Place] = deque()
        """Everybody who waits, as they came; who has been served meanwhile is passed over."""
        self._lines: dict[Hashable, deque[asyncio.Future[Connection | None]]] = {}
        """The same by who they wait for, those who were served longest ago first."""
        self._lent: Counter[Hashable] = Counter()
        """How many connections each has, or has been promised."""
        self._timer: asyncio.TimerHandle | None = None
        """Set while somebody waits, for the first of them: all wait equally long, so that one timer does for all."""
        self._mending: set[asyncio.Future[None]] = set()
        self._closed = False

    @property
    def idle(self) -> int:
        """How many connections are open and free."""
        return len(self._idle)

    @property
    def lent(self) -> int:
        """How many connections somebody holds, is making, or that are being mended."""
        return self._made - len(self._idle)

    def connection(self, who: Hashable = None) -> "Loan":
        """A connection for the length of an `async with`, lent to `who`: an account.

        Entering raises `PoolTimeout`, `PoolClosed`, or `psycopg.OperationalError` where the server cannot be reached.
        """
        return Loan(self, who)

    async def close(self) -> None:
        """Close what is free, and what is lent as it comes back; return once nothing is being mended."""
        self._closed = True
        for _, place in self._waiting:
            if not place.done():
                place.set_exception(PoolClosed("the pool was closed"))
        self._waiting.clear()
        self._lines.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._discard(self._idle.pop())
        while self._mending:
            await asyncio.wait(self._mending)

    async def _take(self, who: Hashable) -> Connection:
        if self._closed:
            raise PoolClosed("the pool is closed")
        while self._idle:
            connection = self._idle.pop()
            if connection.silent:
                self._lent[who] += 1
                return connection
            self._discard(connection)
        if self._made < self._size:
            self._made += 1
            self._lent[who] += 1
            return await self._make(who)
        return await self._wait(who) or await self._make(who)

    async def _make(self, who: Hashable) -> Connection:
        """A new connection, in the room that the caller has."""
        try:
            async with asyncio.timeout(self._timeout):
                connection = await Connection.connect(self._conninfo, autocommit=True, client_encoding="utf8", **NOTICING)
        except BaseException as failure:
            self._has_back(who)
            self._pass_on_room()
            if isinstance(failure, TimeoutError):
                raise PoolTimeout(f"no connection was made within {self._timeout} s") from failure
            raise
        return connection

    async def _wait(self, who: Hashable) -> Connection | None:
        """A connection given back, or `None` where there is now room to make one."""
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append((loop.time() + self._timeout, place))
        self._lines.setdefault(who, deque()).append(place)
        if not self._timer:
            self._timer = loop.call_later(self._timeout, self._time_out)
        try:
            return await place
        except asyncio.CancelledError:
            # Cancelled between being given something and waking up: somebody else may have it.
            if place.done() and not place.cancelled() and not place.exception():
                self._has_back(who)
                if connection := place.result():
                    self._give_back(connection)
                else:
                    self._pass_on_room()
            raise

    def _time_out(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting:
            deadline, place = self._waiting[0]
            if not place.done():
                if deadline > now:
                    self._timer = loop.call_at(deadline, self._time_out)
                    return
                place.set_exception(PoolTimeout(f"no connection became free within {self._timeout} s"))
            self._waiting.popleft()

    def _next(self) -> "asyncio.Future[Connection | None] | None":
        """Whose turn it is, no longer in line."""
        while self._lines:
            who = min(self._lines, key=self._lent.__getitem__)
            line = self._lines.pop(who)
            while line:
                place = line.popleft()
                if not place.done():
                    self._lent[who] += 1
                    if line:
                        self._lines[who] = line
                    return place
        return None

    def _has_back(self, who: Hashable) -> None:
        self._lent[who] -= 1
        if not self._lent[who]:
            del self._lent[who]

    def _give_back(self, connection: Connection) -> None:
        if not (connection.idle or connection.closed or self._closed):
            loop = asyncio.get_running_loop()
            mended = loop.create_task(self._mend(connection)) if connection.answering else self._rolled_back(connection, loop)
            self._mending.add(mended)
            mended.add_done_callback(self._mending.discard)
        elif connection.closed or not connection.reusable or self._closed:
            self._discard(connection)
        elif place := self._next():
            place.set_result(connection)
        else:
            self._idle.append(connection)

    def _pass_on_room(self) -> None:
        # What is passed on stays counted, so that nobody who comes now takes it as well.
        if place := self._next():
            place.set_result(None)
        else:
            self._made -= 1

    def _discard(self, connection: Connection) -> None:
        connection.drop()
        self._pass_on_room()

    def _rolled_back(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
        """Take back the transaction that was left open, as whoever comes second at a claim leaves one: without a task, which costs more."""
        mended = loop.create_future()
        late = loop.call_later(_MENDING, connection.drop)

        def over() -> None:
            late.cancel()
            if not connection.idle:
                connection.drop()
            mended.set_result(None)
            self._give_back(connection)

        try:
            connection.send(_CLEANED, over)
        except psycopg.Error:
            over()
        return mended

    async def _mend(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_MENDING):
                if connection.answering:
                    await _settle(connection)
                if not connection.closed:
                    await connection.round_trip(_CLEANED)
        except (TimeoutError, psycopg.Error):
            connection.drop()
        except BaseException:
            self._discard(connection)
            raise
        self._give_back(connection)


async def _settle(connection: Connection) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await connection.settled()
    except TimeoutError:
        await connection.cancel_safe()
        await connection.settled()


class Loan:
    """The use of one connection for the length of an `async with`."""

    __slots__ = ("_connection", "_pool", "_who")

    def __init__(self, pool: Pool, who: Hashable) -> None:
        self._pool = pool
        self._who = who

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool._take(self._who)
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._pool._has_back(self._who)
        self._pool._give_back(self._connection)
