"""A small HTTP client that keeps its connections and checks every answer. It is lean, since it shares the processors with what it asks."""

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast
from urllib.parse import urlsplit

CONNECTIONS = 16
_LENGTH = b"content-length:"


async def rate(base_url: str, requests: list[bytes], check: Callable[[int, bytes], None], *, connections: int = CONNECTIONS) -> float:
    """Requests a second, over connections that take the requests in turn; `check` gets each answer's status and body."""
    loop = asyncio.get_running_loop()
    address = urlsplit(base_url)
    waiting = iter(requests)
    ends = [loop.create_future() for _ in range(connections)]
    begun = time.perf_counter()
    for end in ends:
        await loop.create_connection(partial(_Client, waiting, check, end), address.hostname or "", address.port or 0)
    await asyncio.gather(*ends)
    return len(requests) / (time.perf_counter() - begun)


class _Client(asyncio.Protocol):
    def __init__(self, waiting: Iterator[bytes], check: Callable[[int, bytes], None], end: "asyncio.Future[None]") -> None:
        self._waiting = waiting
        self._check = check
        self._end = end
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its class.
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._received = b""
        try:
            self._check(int(head[9:12]), body)
        except RuntimeError as wrong:
            self._stop(wrong)
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(exc or RuntimeError("the server hung up"))

    def _next(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self._stop(None)
        else:
            self._transport.write(request)

    def _stop(self, error: Exception | None) -> None:
        self._transport.close()
        if not self._end.done():
            if error:
                self._end.set_exception(error)
            else:
                self._end.set_result(None)


def request(method: str, path: str, token: str, *, key: str | None = None, body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}"]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    if body:
        lines.append("Content-Type: application/json")
    if key:
        lines.append(f"Idempotency-Key: {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body
