"""Connections to one mail server, used again while they are good."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiosmtplib import SMTP, SMTPException
from attrs import define, field

from .opening import drop, farewell


@define(kw_only=True, eq=False)
class Connections:
    """At most `most` at once. One that served without trouble serves again, the youngest first; after any trouble it never does.

    Before a connection is used again the server is asked whether it still listens, which also ends whatever was half said. One that
    nobody has wanted for `idle` seconds says goodbye.
    """

    open: Callable[[], Awaitable[SMTP]]
    most: int
    idle: float
    patience: float
    """Seconds for a turn, and again for opening."""
    _room: asyncio.Semaphore = field(init=False)
    _waiting: int = field(default=0, init=False)
    _free: list[SMTP] = field(factory=list, init=False)
    _ends: dict[SMTP, asyncio.TimerHandle] = field(factory=dict, init=False)
    _leaving: set[asyncio.Task[None]] = field(factory=set, init=False)

    @_room.default
    def _as_many_as_may_be(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.most)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[SMTP]:
        """One for a mail, waited for where all are in use.

        Raises `TimeoutError`, or what `open` raises; whatever is raised inside is the end of the connection.
        """
        self._waiting += 1
        try:
            async with asyncio.timeout(self.patience):
                await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            async with asyncio.timeout(self.patience):
                client = await self._used_before() or await self.open()
            try:
                yield client
            except BaseException:
                drop(client)
                raise
            await self._put_back(client)
        finally:
            self._room.release()

    async def close(self) -> None:
        """Say goodbye to all that nobody uses."""
        while self._free:
            self._leave(self._taken())
        await asyncio.gather(*self._leaving)

    async def _used_before(self) -> SMTP | None:
        while self._free:
            client = self._taken()
            try:
                await client.rset()
            except (SMTPException, OSError):
                # It went stale, or the server hung up meanwhile, as they do: there is another where it came from.
                drop(client)
            except BaseException:
                drop(client)
                raise
            else:
                return client
        return None

    async def _put_back(self, client: SMTP) -> None:
        if not self.idle and not self._waiting:
            await farewell(client)
            return
        self._free.append(client)
        self._ends[client] = asyncio.get_running_loop().call_later(self.idle, self._expire, client)

    def _taken(self) -> SMTP:
        client = self._free.pop()
        self._ends.pop(client).cancel()
        return client

    def _expire(self, client: SMTP) -> None:
        self._free.remove(client)
        del self._ends[client]
        self._leave(client)

    def _leave(self, client: SMTP) -> None:
        leaving = asyncio.create_task(farewell(client))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
