"""What a route gives back: bytes that are ready to be sent."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from litestar.types import Receive, Scope, Send

from flowpilot_core.domain.kernel.image import Image

from .sending import PART, send_in_parts

Header = tuple[bytes, bytes]

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
HTML: Final = b"text/html; charset=utf-8"

EMPTY: Final = 204
"""The status of an answer without a body."""

TURN: Final = 256 * 1024
"""Bytes that are encoded in one go."""

encode: Final = msgspec.json.Encoder().encode
"""Any answer as JSON: times in UTC with `Z`, ids as text."""


async def encoded_in_turns(things: Sequence[msgspec.Struct]) -> msgspec.Raw:
    """A list as JSON, to stand in an answer: of a large one a part at a time, and others go on in between."""
    made, since = bytearray(b"["), 0
    for thing in things:
        if len(made) - since > TURN:
            since = len(made)
            await asyncio.sleep(0)
        made += encode(thing)
        made += b","
    made[-1:] = b"]" if things else b"[]"
    return msgspec.Raw(made)


class Body:
    """An answer whose bytes are known, as an ASGI application that sends them."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes, *, status: int = 200, media_type: bytes = JSON, headers: Sequence[Header] = ()) -> None:
        self.status = status
        self.body = body
        about = () if status == EMPTY else ((b"content-type", media_type), (b"content-length", b"%d" % len(body)))
        self.headers = [*about, *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if len(self.body) <= PART:
            await send({"type": "http.response.body", "body": self.body, "more_body": False})
            return
        given, self.body = [self.body], b""
        await send_in_parts(scope, send, given)


def of_file(file: Image) -> Body:
    """A picture, which does nothing but show."""
    return Body(file.content, media_type=file.type.encode(), headers=((b"content-security-policy", b"default-src 'none'; sandbox"),))


class NotModified(Body):
    """The client has it already; no content."""

    __slots__ = ()

    def __init__(self, headers: Sequence[Header]) -> None:
        super().__init__(b"", status=304)
        self.headers = [*headers]
