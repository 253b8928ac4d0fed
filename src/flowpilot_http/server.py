"""Running the application: uvicorn, until somebody asks it to end."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from enum import Enum, auto
from functools import partial
from typing import Any, Final, cast

import structlog
import uvicorn
from attrs import frozen
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flowpilot_core.application.kernel.counting import PlacesHere
from flowpilot_core.ports.kernel import Places

from .auth.attempts import source
from .connections import Connections, Limits
from .metrics import Metrics
from .middleware import Edge
from .problems import NO_ROOM, TOO_LARGE_A_HEAD, Problem
from .sending import GO_ON, HANG_UP, READS_ON, SEND_NOW, Rest

log = structlog.get_logger()

_EXPECT: Final = "flowpilot.expect"
"""The extension of the server that says how long the next part of an answer is, which then goes as it is."""
_OF_THE_ANSWER: Final = frozenset({"type", "method", "http_version"})
"""What is still asked of a request whose answer goes on."""
GRACE = 30
"""Seconds that running requests have to end."""

LARGEST_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
HEAD_LASTS = 10.0
"""Seconds until a head is whole."""
BODY_LASTS = 30.0
"""Seconds until a body is whole, or more of them where it comes at `BODY_RATE`."""
BODY_RATE = 16 * 1024
"""Bytes a second."""
MOST_IGNORED = 8 * 1024 * 1024
"""Bytes of a body that are taken in and thrown away once its request is answered: most clients read only when they have sent all."""
UNREAD_LASTS = 10.0
"""Seconds in which somebody reads something of what they were answered."""
LOOK = 1.0
"""Seconds between looks at what lasts too long."""
LINGER = 2.0
"""Seconds for which we listen to whoever was turned away: on a connection that is closed earlier the reason may be lost."""
AGAIN = 0.1
"""Seconds until we try again to take a connection."""
_AT_ONCE: Final = 500
"""Connections that are looked at before others have their turn."""


class CannotListen(Exception):
    """The address is taken, not ours, or not allowed."""


class _Reading(Enum):
    """What comes next over a connection."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()
    """Until the request is answered."""


class _Few(list[Any]):
    """Requests that wait for the one before them, mostly none: uvicorn's deque takes half a kilobyte for that."""

    def appendleft(self, one: Any) -> None:
        """The last that is had."""
        self.insert(0, one)


class _Unawaited(asyncio.Event):
    """An event that nobody, or one, waits for: of its two for each connection, most of what asyncio's take is for a deque of waiters."""

    def __init__(self) -> None:
        super().__init__()
        self._waiters: Any = []


class _Flow(FlowControl):
    """uvicorn's."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_writable_event = _Unawaited()
        self._is_writable_event.set()


class _Protocol(HttpToolsProtocol):
    """A connection on which heads, bodies and answers have bounds in size and time; uvicorn has none.

    It lets an answer hang up on somebody who no longer reads, so that what they did not read is kept no longer. And it lets one go
    without chunks, where uvicorn would send some to whoever does not know them.
    """

    # Beside uvicorn's, which as few as that share their names among all connections: with more, each would take a kilobyte for them.
    __slots__ = ("_came", "_connections", "_ended", "_metrics", "_reading", "_since", "_unsent", "_unsent_since")

    def __init__(self, connections: Connections, metrics: Metrics, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.pipeline = cast(Any, _Few())
        self._connections = connections
        self._metrics = metrics
        self._reading = _Reading.HEAD
        self._since = self.loop.time()
        self._came = 0
        """Bytes of what is read."""
        self._unsent = 0
        self._unsent_since = self._since
        self._ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)
        host = self.client[0] if self.client else ""
        if not self._connections.admit(self, host, source({"client": self.client})):
            # Not listened to, as others are who are turned away: it would be one connection more meanwhile.
            self._ends("no_room")
            transport.write(_answer(NO_ROOM))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        while data and not (self._ended or self.transport.is_closing()):
            part = data
            if self._reading is _Reading.HEAD:
                part = data[: LARGEST_HEAD - self._came]
                if not part:
                    self._turn_away("head_too_large", TOO_LARGE_A_HEAD)
                    return
                self._came += len(part)
            data = data[len(part) :]
            super().data_received(part)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._since = self.loop.time()
        self.scope["extensions"] = {
            HANG_UP: {"now": self.transport.abort},
            READS_ON: {"now": self._reads_on},
            SEND_NOW: {"now": self._send_now},
            _EXPECT: {"bytes": self._expect},
        }

    def on_headers_complete(self) -> None:
        self._connections.works(self)
        self._reads(_Reading.BODY)
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            # Its task has not begun yet.
            self.cycle.transport = cast(asyncio.Transport, HeadWithBody(self.transport, self.loop))
            self.cycle.message_event = _Unawaited()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._came += len(body)
        if self._came > MOST_IGNORED and self.cycle.response_complete:
            self._abort("body_too_large")

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reads(_Reading.NOTHING)
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent = 0

    def make_room(self) -> None:
        self._abort("made_room")

    def look(self, now: float) -> None:
        """End it where what it waits for lasts too long."""
        if self._ended:
            return
        unsent, lasts = self.transport.get_write_buffer_size(), now - self._since
        if unsent != self._unsent or not unsent:
            self._unsent, self._unsent_since = unsent, now
        if now - self._unsent_since >= UNREAD_LASTS:
            self._abort("unread")
        elif unsent or self.flow.read_paused:
            # Nothing can be asked of them before they have read the answer, and before we have read what they sent.
            self._since = now
        elif self._reading is _Reading.HEAD and lasts >= HEAD_LASTS:
            self._abort("head_too_slow")
        elif self._reading is _Reading.BODY and lasts >= max(BODY_LASTS, self._came / BODY_RATE):
            self._abort("body_too_slow")

    def _reads(self, what: _Reading) -> None:
        self._reading, self._since, self._came = what, self.loop.time(), 0

    def _wait(self) -> None:
        """For the next head, once the request before is both read and answered."""
        if self._reading is _Reading.NOTHING and self.cycle.response_complete:
            self._reads(_Reading.HEAD)
            self._connections.waits(self)

    def _reads_on(self) -> bool:
        return not self.flow.write_paused

    def _send_now(self, part: bytes) -> bool:
        # What waits in the pipeline has its cycle in the place of the one that is answered.
        if self.pipeline or self.flow.write_paused or self.transport.is_closing() or not self.cycle.chunked_encoding:
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        return True

    def _expect(self, number: int) -> None:
        self.cycle.chunked_encoding = False
        self.cycle.expected_content_length = number

    def _turn_away(self, why: str, problem: Problem) -> None:
        before: Any = self.cycle  # None, until the first head was whole.
        if before and not before.response_complete:
            # In the middle of an answer nothing else can be said.
            self._abort(why)
            return
        self._ends(why)
        self.transport.write(_answer(problem))
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)

    def _abort(self, why: str) -> None:
        self._ends(why)
        self.transport.abort()

    def _ends(self, why: str) -> None:
        self._ended = True
        self._metrics.connection_ended(why)


class HeadWithBody:
    """Where one answer is written to: its head goes out with the first of its body, or by itself where nothing follows at once.

    uvloop sends each piece that it is given, and uvicorn gives it two for every answer: one too many for us, and for who reads it.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        """Empty once it went out."""

    def write(self, data: bytes) -> None:
        """Send it, the head soon."""
        if self._head is None:
            self._head = data
            self._loop.call_soon(self._let_go)
            return
        head, self._head = self._head, b""
        self._transport.write(head + data if head else data)

    def close(self) -> None:
        """End the connection once all is sent."""
        self._let_go()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport.is_closing()

    def _let_go(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)


def _answer(problem: Problem) -> bytes:
    """A whole answer, for who is turned away before there is a request."""
    body = problem.body()
    head = [b"HTTP/1.1 %d %s" % (body.status, problem.title.encode()), b"connection: close"]
    return b"\r\n".join([*head, *(b"%s: %s" % header for header in body.headers), b"", body.body])


@frozen
class _Outermost:
    """Goes on with answers once their requests are done with."""

    app: Edge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        rest: list[Rest] = []
        scope["extensions"][GO_ON] = {"with": rest.append}
        if scope.get("http_version") == "1.0":
            send = _without_chunks(scope, send)
        await self.app(scope, receive, send)
        for goes_on in rest:
            for name in scope.keys() - _OF_THE_ANSWER:
                del scope[name]
            await goes_on(receive, send)


def _without_chunks(scope: Any, send: Any) -> Any:
    """Sends what has no length, such as a stream, until the connection ends: chunks are of HTTP/1.1 (RFC 9112, 6.1)."""
    expect = scope["extensions"][_EXPECT]["bytes"]
    sized = False

    async def tell(message: Any) -> None:
        nonlocal sized
        sized = sized or any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        if not sized:
            expect(len(message.get("body", b"")))
        await send(message)

    return tell


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: whoever runs it says when to end, so that the program ends with 0 and after its relay."""
        yield

    def end(self, _: object) -> None:
        """Nobody is let in any more, for whatever reason."""
        self.should_exit = True


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to that address, port 0 for a free one. Raises `CannotListen`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as exc:
        raise CannotListen(f"cannot listen on {host} port {port}: {exc.strerror or exc}; name another with --host and --port") from exc
    # The connections inherit it. What nobody reads stays with us, where it is seen, and not in the kernel, which would take megabytes.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, 64 * 1024)
    return listener


def address(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: Edge,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
    addresses: Places | None = None,
) -> None:
    """Answer requests until `stop` is set; running ones have `GRACE` seconds to end.

    `metrics` says what became of connections; `addresses` counts those of each where other processes share the socket.
    """
    metrics = metrics or Metrics()
    config = uvicorn.Config(
        _Outermost(app),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    believed = ProxyHeadersMiddleware(cast(Any, app), config.forwarded_allow_ips).trusted_hosts
    limits = limits or Limits()
    possible = limits.within_files()
    if possible != limits:
        log.warning("fewer connections than set: the process may not open as many files", connections=possible.of_process)
    connections = Connections(limits=possible, believed=believed.__contains__, addresses=addresses or PlacesHere())
    metrics.watch_connections(lambda: len(connections))
    config.load()
    server = _Server(config)
    protocol = partial(_Protocol, connections, metrics, config=config, server_state=server.server_state, app_state={})
    accepting = asyncio.create_task(_accept(listener, protocol))
    accepting.add_done_callback(server.end)
    besides = [asyncio.create_task(_end(accepting, stop)), asyncio.create_task(_look(server))]
    log.info("serving", address=address(listener), reference=f"{address(listener)}/docs")
    try:
        await server.serve(sockets=[])
    finally:
        for task in (accepting, *besides):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await accepting
    log.info("served")


async def _accept(listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
    """Let whoever connects in, one at a time with everybody else's turn in between.

    A loop that accepts by itself takes all that wait at once: where thousands do, nobody is answered meanwhile.
    """
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    with listener:
        while True:
            try:
                # Taken by ourselves: the loop's own `sock_accept` loses whom it took where it is cancelled before it says so.
                accepted, _ = listener.accept()
            except BlockingIOError:
                await _readable(listener)
                continue
            except OSError as exc:
                # There is no file left for it, most likely, and soon there will be.
                log.warning("a connection cannot be taken", problem=exc.strerror)
                await asyncio.sleep(AGAIN)
                continue
            try:
                await loop.connect_accepted_socket(protocol, accepted)
            except OSError:
                # Whoever connected has gone already.
                accepted.close()


async def _readable(listener: socket.socket) -> None:
    """Until somebody waits there, whom another process may still be first to take."""
    loop = asyncio.get_running_loop()
    somebody = asyncio.Event()
    loop.add_reader(listener.fileno(), somebody.set)
    try:
        await somebody.wait()
    finally:
        loop.remove_reader(listener.fileno())


async def _end(accepting: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    await stop.wait()
    log.info("ending", grace_seconds=GRACE)
    accepting.cancel()


async def _look(server: uvicorn.Server) -> None:
    """Look at all connections now and then."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK)
        for number, connection in enumerate([*server.server_state.connections], 1):
            cast(_Protocol, connection).look(loop.time())
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
