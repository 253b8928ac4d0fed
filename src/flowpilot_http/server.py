"""Running the application: uvicorn, until somebody asks it to end."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import structlog
import uvicorn
from attrs import frozen
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .middleware import Edge
from .sse import HANG_UP

log = structlog.get_logger()

_EXPECT: Final = "flowpilot.expect"
"""The extension of the server that says how long the next part of an answer is, which then goes as it is."""
GRACE = 30
"""Seconds that running requests have to end."""


class CannotListen(Exception):
    """The address is taken, not ours, or not allowed."""


class _Protocol(HttpToolsProtocol):
    """Lets an answer hang up on somebody who no longer reads, so that what they did not read is kept no longer.

    And lets it go without chunks, where uvicorn would send some to whoever does not know them.
    """

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: {"now": self.transport.abort}, _EXPECT: {"bytes": self._expect}}

    def _expect(self, number: int) -> None:
        self.cycle.chunked_encoding = False
        self.cycle.expected_content_length = number


@frozen
class _WithoutChunks:
    """Answers in HTTP/1.0 what has no length, such as a stream, until the connection ends: chunks are of 1.1 (RFC 9112, 6.1)."""

    app: Edge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("http_version") != "1.0":
            await self.app(scope, receive, send)
            return
        expect = scope["extensions"][_EXPECT]["bytes"]
        sized = False

        async def tell(message: Any) -> None:
            nonlocal sized
            sized = sized or any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
            if not sized:
                expect(len(message.get("body", b"")))
            await send(message)

        await self.app(scope, receive, tell)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: whoever runs it says when to end, so that the program ends with 0 and after its relay."""
        yield


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to that address, port 0 for a free one. Raises `CannotListen`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as exc:
        raise CannotListen(f"cannot listen on {host} port {port}: {exc.strerror or exc}; name another with --host and --port") from exc


def address(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: Edge, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests until `stop` is set; running ones have `GRACE` seconds to end."""
    config = uvicorn.Config(
        _WithoutChunks(app),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    ending = asyncio.create_task(_end(server, stop))
    log.info("serving", address=address(listener), reference=f"{address(listener)}/docs")
    try:
        await server.serve(sockets=[listener])
    finally:
        ending.cancel()
    log.info("served")


async def _end(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    log.info("ending", grace_seconds=GRACE)
    server.should_exit = True
