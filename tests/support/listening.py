"""Streams of events, as a client over a real socket listens to them; and a world that pushes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from attrs import define, field, frozen

from flowpilot_adapters.memory import MemoryEventStream, MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.notifications.push import MOST_STREAMS, Push
from flowpilot_core.ports.notifications import EventStream
from flowpilot_core.testing.contracts import Adapter
from flowpilot_http import server
from flowpilot_http.cursors import Cursors
from flowpilot_http.metrics import Metrics
from flowpilot_http.sse import EventIds, Sse
from tests.support.http import SECRET_KEY, Somebody, World, a_world_in

LONGEST_WAIT = 60
"""Seconds until what never comes counts as that; no test waits for them to pass."""


@frozen
class Heard:
    """One event of a stream."""

    kind: str
    id: str
    data: Any


@define
class Listening:
    """An open stream."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: dict[str, str]
    retry: int | None = None
    last: str | None = None
    """The id of what was heard last."""
    _text: str = ""

    async def next(self) -> Heard | None:
        """The next event; None where the stream has ended."""
        while (said := await self._block()) is not None:
            if "data" in said:
                self.last = said["id"]
                return Heard(said["event"], said["id"], json.loads(said["data"]))
            if "retry" in said:
                self.retry = int(said["retry"])
        return None

    async def comment(self) -> str | None:
        """The next comment."""
        while (said := await self._block()) is not None:
            if "" in said:
                return said[""]
        return None

    async def some(self, number: int, *, of: str = "") -> list[Heard]:
        """So many events, of the kinds that begin like this."""
        heard: list[Heard] = []
        while len(heard) < number:
            one = await self.next()
            assert one, "the stream ended"
            heard += [one] if one.kind.startswith(of) else []
        return heard

    async def rest(self, *, of: str = "") -> list[Heard]:
        """What comes until the stream ends, of the kinds that begin like this."""
        heard = []
        while (one := await self.next()) is not None:
            heard += [one] if one.kind.startswith(of) else []
        return heard

    async def body(self) -> Any:
        """The answer of a request that was refused."""
        return json.loads(await self.reader.readexactly(int(self.headers["content-length"])))

    def hang_up(self) -> None:
        """Go without a word."""
        self.writer.transport.abort()

    async def _block(self) -> dict[str, str] | None:
        async with asyncio.timeout(LONGEST_WAIT):
            while "\n\n" not in self._text:
                if (more := await self._chunk()) is None:
                    return None
                self._text += more
        block, _, self._text = self._text.partition("\n\n")
        return {name: value.strip() for name, _, value in (line.partition(":") for line in block.split("\n"))}

    async def _chunk(self) -> str | None:
        try:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2].decode() if size else None
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


async def listen(port: int, token: str | None, path: str = "/events", **headers: str) -> Listening:
    """Ask for a stream, with a token or with what `headers` hold; whether it was opened says its `status`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.1", "Host: flowpilot.test", *([f"Authorization: Bearer {token}"] if token else [])]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    return Listening(reader, writer, int(head[0].split()[1]), fields)


@define
class Pushing:
    """A world over a real socket, with push."""

    world: World
    push: Push
    waking: EventStream
    stop: asyncio.Event
    port: int
    opened: list[Listening] = field(factory=list)

    async def listen(self, who: Somebody | None, *, path: str = "/events", **headers: str) -> Listening:
        """A stream of somebody's, or of who the headers say, open once this returns."""
        listening = await listen(self.port, who.token if who else None, path, **headers)
        self.opened.append(listening)
        return listening

    async def until(self, so: Callable[[], bool]) -> None:
        """Come back once it is so; a request is the pause between looks."""
        async with asyncio.timeout(LONGEST_WAIT):
            while not so():
                (await listen(self.port, "", "/health/live")).hang_up()

    async def until_online(self, *people: Somebody) -> None:
        """Come back once these of the first account are online, and nobody else."""
        expected = {who.user.id for who in people}
        async with asyncio.timeout(LONGEST_WAIT):
            while await self.world.view(self.world.senior.account_id).online() != expected:
                (await listen(self.port, "", "/health/live")).hang_up()


@asynccontextmanager
async def pushing(
    adapter: Adapter | None = None,
    *,
    waking: EventStream | None = None,
    metrics: Metrics | None = None,
    most_of_account: int = MOST_STREAMS,
    most_of_person: int = MOST_STREAMS,
) -> AsyncIterator[Pushing]:
    """A world in memory, or in a store that is given, until the block ends."""
    store = adapter or MemoryStore(clock=SystemClock(), new_token=new_id)
    waking = waking or MemoryEventStream()
    push = Push(
        begin=store.begin,
        view=store.view,
        wire=Sse(EventIds(Cursors([SECRET_KEY]))),
        jitter=lambda: 0.5,
        node_id=new_id(),
        most_of_account=most_of_account,
        most_of_person=most_of_person,
    )
    world = await a_world_in(store.begin, store.view, store.outbox, push=push, committed=waking.publish, metrics=metrics)
    push.standing = world.flowpilot.accounts.standing
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        listener = server.listening("127.0.0.1", 0)
        running = Pushing(world, push, waking, stop, listener.getsockname()[1])
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(push.run(waking, stop))
        tasks.create_task(server.serve(world.app, listener, stop))
        try:
            await asyncio.sleep(0)
            yield running
        finally:
            stop.set()
            for listening in running.opened:
                listening.hang_up()
