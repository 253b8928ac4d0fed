"""What pages load: our own style, script and icon, and htmx, each named by its digest, so that a browser keeps it for ever."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from attrs import frozen
from litestar import get
from litestar.handlers import HTTPRouteHandler

from flowpilot_http.api_request import Call
from flowpilot_http.negotiation import choices
from flowpilot_http.responses import Body, Header

_STATIC: Final = files(__package__).joinpath("static")
_FOR_EVER: Final[tuple[Header, ...]] = ((b"cache-control", b"public, max-age=31536000, immutable"), (b"vary", b"Accept-Encoding"))


@frozen
class Asset:
    """A file as it is sent."""

    path: str
    body: bytes
    zipped: bytes
    media_type: bytes

    @classmethod
    def of(cls, name: str, media_type: bytes, *sources: str) -> "Asset":
        """The files one after the other, as one."""
        body = b"".join(_STATIC.joinpath(*source.split("/")).read_bytes() for source in sources)
        stem, _, kind = name.rpartition(".")
        return cls(f"/static/{stem}.{sha256(body).hexdigest()[:16]}.{kind}", body, gzip.compress(body, mtime=0), media_type)


ASSETS: Final[Mapping[str, Asset]] = MappingProxyType(
    {
        "style": Asset.of("pages.css", b"text/css; charset=utf-8", "tokens.css", "pages.css"),
        "script": Asset.of("pages.js", b"text/javascript; charset=utf-8", "pages.js"),
        "htmx": Asset.of("htmx.js", b"text/javascript; charset=utf-8", "htmx/htmx.js"),
        "icon": Asset.of("icon.svg", b"image/svg+xml", "icon.svg"),
    }
)
"""By what templates call them."""


def takes_gzip(request: Call) -> bool:
    """Whether who asks can read an answer that was made smaller."""
    accepted = b",".join(value for name, value in request.scope["headers"] if name == b"accept-encoding")
    return "gzip" in dict(choices(accepted.decode("latin-1")))


def _route(asset: Asset) -> HTTPRouteHandler:
    @get(asset.path)
    async def static(request: Call) -> Body:
        """What pages are made with."""
        if takes_gzip(request):
            return Body(asset.zipped, media_type=asset.media_type, headers=(*_FOR_EVER, (b"content-encoding", b"gzip")))
        return Body(asset.body, media_type=asset.media_type, headers=_FOR_EVER)

    return static


ROUTES = tuple(_route(asset) for asset in ASSETS.values())
