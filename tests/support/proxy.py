"""A network that loses things: forwards TCP to a database, and cuts or swallows where a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from attrs import define, field

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""How Postgres says that a COMMIT was done: CommandComplete, its length, the tag."""

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@define(kw_only=True)
class Proxy:
    """Forwards to wherever `connect` leads, byte by byte, over any number of connections."""

    connect: Connect
    port: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)
    """How many bytes went to the database."""
    swallowed: int = field(default=0, init=False)
    """How many answers never arrived."""
    _swallow: bytes | None = field(default=None, init=False)
    _left: int | None = field(default=None, init=False)
    _open: set["asyncio.Task[None]"] = field(factory=set, init=False)

    def swallow(self, answer: bytes) -> None:
        """Cut the connection in place of the next answer with these bytes in it: the database has done it, and nobody hears."""
        self._swallow = answer

    def cut_after(self, sent: int) -> None:
        """Cut every connection once so many more bytes have gone to the database."""
        self._left = sent

    def mend(self) -> None:
        """Forward everything again."""
        self._swallow = self._left = None

    def cut_all(self) -> None:
        """Cut every connection now."""
        for task in self._open:
            task.cancel()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listens on 127.0.0.1 until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut_all()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            from_database, to_database = await self.connect()
            try:
                await self._forward(reader, to_database, from_database, writer)
            finally:
                to_database.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass  # the database is down, or the test cuts
        finally:
            writer.transport.abort()
            self._open.discard(task)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        to_database: asyncio.StreamWriter,
        from_database: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        ways = {asyncio.create_task(self._there(reader, to_database)), asyncio.create_task(self._back(from_database, writer))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._left is not None:
                data, self._left = data[: self._left], max(0, self._left - len(data))
            self.sent += len(data)
            writer.write(data)
            await writer.drain()
            if self._left == 0:
                return

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tail = b""
        while data := await reader.read(65536):
            if self._swallow is not None:
                if self._swallow in tail + data:
                    self._swallow = None
                    self.swallowed += 1
                    return
                # An answer may come in two pieces: its beginning is not held back, which does no harm since it says nothing alone.
                tail = data[-len(self._swallow) :]
            writer.write(data)
            await writer.drain()
