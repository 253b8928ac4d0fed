"""Reading about the API: the OpenAPI document, and a page made from it."""

from typing import Any

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from flowpilot_http.answers import HTML, Body
from flowpilot_http.calls import Call
from flowpilot_http.pages.reference import page

_SHARED = ((b"cache-control", b"public, max-age=300"),)


def routes(document: dict[str, Any]) -> tuple[HTTPRouteHandler, ...]:
    """The document, and the page for it; both are made now."""
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=1)
    html, policy = page(document)

    @get("/openapi.json")
    async def openapi(request: Call) -> Body:
        """The OpenAPI 3.1 document."""
        return Body(encoded, headers=_SHARED)

    @get(["/docs", "/"])
    async def reference(request: Call) -> Body:
        """What there is to call, for people."""
        return Body(html, media_type=HTML, headers=(*_SHARED, policy))

    return openapi, reference
