"""Live push as Server-Sent Events: how an event reads on the wire, and a stream of them as an answer."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.notifications.push import Ended, Push, Stream
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.notifications.pushed import told_as
from flowpilot_core.ports.notifications import News
from flowpilot_http.schemas.kernel import By, Instant, PersonOut

from .cursors import Cursors
from .problems import Refused
from .responses import Header, encode
from .sending import go_on, hanging_up, reading_on, sending_now

PATIENCE: Final = 10.0
"""Seconds that somebody may take to read what is sent before they are cut off."""
SOONEST: Final = 1_000
LATEST: Final = 5_000
"""Milliseconds until somebody whose stream ends here comes back: at random, so that not all of them come at once."""

_LIST: Final = "events"
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"private, no-store"),
    (b"vary", b"Authorization"),
    # What nginx and its like would otherwise collect before they pass it on.
    (b"x-accel-buffering", b"no"),
)


class HappenedOut(msgspec.Struct, kw_only=True, frozen=True):
    """Something happened, as an open stream tells of it: read the rest where the ids lead to."""

    session_id: UUID
    handoff_id: Annotated[UUID | UnsetType, Meta(description="Where it is about a handoff.")] = UNSET
    by: By
    at: Instant


class EventIds:
    """The ids of events in streams: opaque, and good in the account they were made for alone."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def make(self, account_id: AccountId, number: int) -> str:
        """The id of an event by its number in the account's log."""
        return self._cursors.make(account_id, _LIST, number)

    def read(self, account_id: AccountId, event_id: str) -> int | None:
        """The number in an id; None for what is no id of this account."""
        try:
            return self._cursors.read(event_id, account_id, _LIST, int)
        except Refused:
            return None


class Sse:
    """How a stream says things."""

    beat: Final = b": still here\n\n"

    def __init__(self, ids: EventIds) -> None:
        self._ids = ids

    def news(self, account_id: AccountId, news: News) -> bytes:
        """As `Wire.news` says."""
        logged, name = news.entry.logged, news.entry.name
        event = logged.event
        data = HappenedOut(
            session_id=event.session_id,
            handoff_id=event.handoff_id or UNSET,
            by="system" if event.by is None else PersonOut(event.by, name or ""),
            at=event.at,
        )
        return self._event(told_as(event.kind) or event.kind, self._ids.make(account_id, logged.number), encode(data))

    def resync(self, account_id: AccountId, number: int) -> bytes:
        """As `Wire.resync` says."""
        return self._event("resync", self._ids.make(account_id, number), b"{}")

    @staticmethod
    def _event(kind: str, event_id: str, data: bytes) -> bytes:
        return b"event: %s\nid: %s\ndata: %s\n\n" % (kind.encode(), event_id.encode(), data)


class Streamed:
    """An open stream as an answer: an ASGI application that sends what comes until one side hangs up.

    It looks by itself whether the client is still there: nobody closes what only waits for something to send (litestar#3772).
    """

    def __init__(self, push: Push, stream: Stream, *, patience: float = PATIENCE) -> None:
        self._push = push
        self._stream = stream
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
        except BaseException:
            self._push.close(self._stream)
            raise
        self._stream.send_with(sending_now(scope))
        await go_on(scope, receive, send, partial(self._go_on, hanging_up(scope), reading_on(scope)))

    async def _go_on(self, hang_up: Callable[[], None], reads_on: Callable[[], bool], receive: Receive, send: Send) -> None:
        stream = self._stream
        leaving = asyncio.create_task(self._left(receive))
        try:
            text = b": welcome\n\n"
            while text:
                part: HTTPResponseBodyEvent = {"type": "http.response.body", "body": text, "more_body": True}
                if reads_on():
                    # A timer for each of thousands a second takes a sixth of the time that they do.
                    await send(part)
                else:
                    async with asyncio.timeout(self._patience):
                        await send(part)
                text = await stream.next()
            if stream.ended is not Ended.LEFT:
                farewell = b"retry: %d\n\n" % (SOONEST + (LATEST - SOONEST) * self._push.jitter())
                await send({"type": "http.response.body", "body": farewell, "more_body": False})
        except TimeoutError:
            stream.end(Ended.CUT_OFF)
            hang_up()
        finally:
            leaving.cancel()
            self._push.close(stream)

    async def _left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.end(Ended.LEFT)
