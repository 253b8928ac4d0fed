"""Sending a large answer: a part at a time, and from a file once whoever asked does not read on, so that no memory waits for them."""

import asyncio
from tempfile import TemporaryFile
from typing import IO, Any, Final

import structlog
from attrs import define
from litestar.types import Message, Scope, Send

log = structlog.get_logger()

HANG_UP: Final = "flowpilot.hang_up"
"""The extension of the server that drops a connection without waiting for what was not read."""
PART: Final = 64 * 1024
"""Bytes that are sent at once."""
SOON: Final = 0.5
"""Seconds for which an answer stays in memory while nobody reads on."""
MOST_ASIDE: Final = 1024 * 1024 * 1024
"""Bytes in files of one process; whoever does not read on while there are as many is cut off."""


@define
class _Aside:
    """What waits in files for those who were asked for it."""

    size: int = 0


_ASIDE: Final = _Aside()


def hang_up(scope: Any) -> None:
    """Drop the connection of a request, where the server can."""
    if ends := (scope.get("extensions") or {}).get(HANG_UP):
        ends["now"]()


async def send_in_parts(scope: Scope, send: Send, given: list[bytes]) -> None:
    """Send the one body that is given, and taken out of the list so that nobody else holds it."""
    body = given.pop()
    for sent in range(0, len(body), PART):
        try:
            async with asyncio.timeout(SOON):
                await send(_part(body[sent : sent + PART], more=sent + PART < len(body)))
        except TimeoutError:
            # The part was not taken yet: the server waits before it takes one, and never after.
            rest = [body[sent:]]
            del body
            await _send_from_file(scope, send, rest)
            return


async def _send_from_file(scope: Scope, send: Send, given: list[bytes]) -> None:
    size = len(given[0])
    if _ASIDE.size + size > MOST_ASIDE:
        hang_up(scope)
        return
    _ASIDE.size += size
    try:
        with TemporaryFile() as file:
            await asyncio.to_thread(_write, file, given)
            left = size
            while left:
                part = await asyncio.to_thread(file.read, PART)
                left -= len(part)
                await send(_part(part, more=left > 0))
    except OSError as exc:
        log.warning("an answer that nobody reads cannot be put aside", problem=str(exc))
        hang_up(scope)
    finally:
        _ASIDE.size -= size


def _write(file: IO[bytes], given: list[bytes]) -> None:
    file.write(given.pop())
    file.seek(0)


def _part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
