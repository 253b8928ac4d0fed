"""A small HTTP client that keeps its connections and checks every answer."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlsplit

CONNECTIONS = 16


async def rate(base_url: str, requests: list[bytes], check: Callable[[int, bytes], None]) -> float:
    """Requests a second, over 16 connections that take the requests in turn; `check` gets each answer's status and body."""
    waiting = iter(requests)
    address = urlsplit(base_url)

    async def one_after_the_other() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            check(int(head[9:12]), await reader.readexactly(length))
        writer.close()
        await writer.wait_closed()

    begun = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - begun)


def request(method: str, path: str, token: str, *, key: str | None = None, body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    if key:
        lines.append(f"Idempotency-Key: {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body
