"""Reading about the API: the OpenAPI document, and two pages made from it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from flowpilot_core.ports.kernel import Clock
from flowpilot_http.api_request import Call
from flowpilot_http.pages import exploring
from flowpilot_http.pages.reference import page
from flowpilot_http.responses import HTML, Body

_SHARED = ((b"cache-control", b"public, max-age=300"),)

SECURITY: Final = "/.well-known/security.txt"
PLAIN: Final = "/docs/plain"
_GOOD_FOR: Final = timedelta(days=180)


def security(contact: str, clock: Clock) -> HTTPRouteHandler:
    """Whom to tell of a weakness (RFC 9116); good for half a year from whenever it is asked for."""

    @get(SECURITY)
    async def security_txt(request: Call) -> Body:
        """Whom to tell of a weakness."""
        expires = (clock.now() + _GOOD_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
        text = f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT%H:%M:%SZ}\nPreferred-Languages: en\n"
        return Body(text.encode(), media_type=b"text/plain; charset=utf-8", headers=_SHARED)

    return security_txt


def routes(document: Callable[[], dict[str, Any]]) -> tuple[HTTPRouteHandler, ...]:
    """The document, and the page for it; both are made once somebody reads one, so that no start waits for them."""

    @cache
    def written() -> tuple[bytes, bytes, tuple[bytes, bytes]]:
        made = document()
        return msgspec.json.format(msgspec.json.encode(made), indent=1), *page(made)

    # In a thread: making them takes longer than others should wait. Two readers at once may both make them, and make the same.
    @get("/openapi.json")
    async def openapi(request: Call) -> Body:
        """The OpenAPI 3.1 document."""
        encoded, _, _ = await asyncio.to_thread(written)
        return Body(encoded, headers=_SHARED)

    @get("/docs")
    async def explore(request: Call) -> Body:
        """What there is to call, to search and to try."""
        return Body(exploring.read(exploring.PAGE), media_type=HTML, headers=(*_SHARED, exploring.POLICY))

    @get(PLAIN)
    async def reference(request: Call) -> Body:
        """The same to read, without a script."""
        _, html, policy = await asyncio.to_thread(written)
        return Body(html, media_type=HTML, headers=(*_SHARED, policy))

    return openapi, explore, reference, *(_static(name) for name in exploring.NAMED)


def _static(name: str) -> HTTPRouteHandler:
    file, media_type = exploring.NAMED[name]

    @get(f"/static/{name}")
    async def static(request: Call) -> Body:
        """What the page is made with."""
        return Body(await asyncio.to_thread(exploring.read, file), media_type=media_type, headers=_SHARED)

    return static
