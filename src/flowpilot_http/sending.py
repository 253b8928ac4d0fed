"""Sending a large answer: a part at a time, and from a file once whoever asked does not read on, so that no memory waits for them."""

import asyncio
import ctypes
from collections.abc import Awaitable, Callable
from tempfile import TemporaryFile
from typing import IO, Any, Final, TypeVar

import structlog
from attrs import define
from litestar.types import Message, Receive, Scope, Send

log = structlog.get_logger()

F = TypeVar("F", bound=Callable[..., object])

Rest = Callable[[Receive, Send], Awaitable[None]]
"""What is left to send of an answer that has begun."""

HANG_UP: Final = "flowpilot.hang_up"
"""The extension of the server that drops a connection without waiting for what was not read."""
READS_ON: Final = "flowpilot.reads_on"
"""The extension of the server that says whether whoever asked reads on, so that the next part is taken at once."""
SEND_NOW: Final = "flowpilot.send_now"
"""The extension of the server that sends a part of an answer without waiting, where it can, and says whether it did."""
GO_ON: Final = "flowpilot.go_on"
"""The extension of the server that goes on with an answer once everything else is done with its request, which then takes no memory."""
PART: Final = 64 * 1024
"""Bytes that are sent at once."""
SOON: Final = 0.5
"""Seconds for which an answer stays in memory while nobody reads on."""
MOST_HELD: Final = 32 * 1024 * 1024
"""Bytes of large answers that stay in memory at all; others go to a file at once."""
MOST_ASIDE: Final = 1024 * 1024 * 1024
"""Bytes in files of one process; whoever does not read on while there are as many is cut off."""


_MMAP_THRESHOLD: Final = -3
"""`M_MMAP_THRESHOLD` of mallopt(3)."""


def give_large_pieces_back() -> None:
    """Have the process return memory of two `PART`s and more as soon as it is free.

    glibc raises that bound to the size of what it has freed, up to 32 MiB, and then keeps the holes that large answers leave: several
    hundred MiB after twenty of them at once. To set the bound keeps it. Other systems return such memory by themselves.
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 2 * PART)


@define
class _Large:
    """Bytes of the large answers that are under way."""

    held: int = 0
    aside: int = 0


_LARGE: Final = _Large()


def hang_up(scope: Any) -> None:
    """Drop the connection of a request, where the server can."""
    hanging_up(scope)()


def hanging_up(scope: Any) -> Callable[[], None]:
    """What drops the connection of a request, where the server can."""
    return _of_server(scope, HANG_UP, _nothing)


def _nothing() -> None:
    """Where the server cannot."""


def reading_on(scope: Any) -> Callable[[], bool]:
    """What says whether the next part of an answer is taken at once; where the server does not say, it may not be."""
    return _of_server(scope, READS_ON, _perhaps_not)


def _perhaps_not() -> bool:
    return False


def sending_now(scope: Any) -> Callable[[bytes], bool]:
    """What sends a part of an answer that has begun without waiting, and says whether it did; where the server cannot, it never does."""
    return _of_server(scope, SEND_NOW, _not_sent)


def _not_sent(_: bytes) -> bool:
    return False


def _of_server(scope: Any, extension: str, otherwise: F) -> F:
    """What an extension of the server does; where it is another server's, which has none, something else."""
    found: F = (scope.get("extensions") or {}).get(extension, {}).get("now", otherwise)
    return found


async def go_on(scope: Any, receive: Receive, send: Send, rest: Rest) -> None:
    """Have the rest of an answer sent: by the server, once the request is done with, or else here and now."""
    if later := (scope.get("extensions") or {}).get(GO_ON):
        later["with"](rest)
    else:
        await rest(receive, send)


async def send_in_parts(scope: Scope, send: Send, given: list[bytes]) -> None:
    """Send the one body that is given, and taken out of the list so that nobody else holds it."""
    size = len(given[0])
    sent = 0
    _LARGE.held += size
    try:
        if _LARGE.held <= MOST_HELD or _LARGE.held == size:
            sent = await _send_while_it_is_read(send, given[0])
    finally:
        _LARGE.held -= size
    if sent < size:
        await _send_from_file(scope, send, given, sent)


async def _send_while_it_is_read(send: Send, body: bytes) -> int:
    """How far it came."""
    for begin in range(0, len(body), PART):
        try:
            async with asyncio.timeout(SOON):
                await send(_part(body[begin : begin + PART], more=begin + PART < len(body)))
        except TimeoutError:
            # Nothing of the part is sent: the server waits before it takes one, and never after.
            return begin
    return len(body)


async def _send_from_file(scope: Scope, send: Send, given: list[bytes], begin: int) -> None:
    left = size = len(given[0]) - begin
    if _LARGE.aside + size > MOST_ASIDE:
        hang_up(scope)
        return
    _LARGE.aside += size
    try:
        with TemporaryFile() as file:
            await asyncio.to_thread(_write, file, given, begin)
            while left:
                part = await asyncio.to_thread(file.read, PART)
                left -= len(part)
                await send(_part(part, more=left > 0))
    except OSError as exc:
        log.warning("an answer that nobody reads cannot be put aside", problem=str(exc))
        hang_up(scope)
    finally:
        _LARGE.aside -= size


def _write(file: IO[bytes], given: list[bytes], begin: int) -> None:
    file.write(memoryview(given.pop())[begin:])
    file.seek(0)


def _part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
