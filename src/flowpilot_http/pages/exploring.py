"""The page to search and try the API on: Swagger UI over the OpenAPI document. Whoever runs no script reads `reference`."""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from flowpilot_http.responses import Header

_FILES = files(__package__).joinpath("static", "swagger_ui")
_STYLE: Final = b"text/css; charset=utf-8"
_SCRIPT: Final = b"text/javascript; charset=utf-8"

PAGE: Final = "explore.html"
NAMED: Final[Mapping[str, tuple[str, bytes]]] = MappingProxyType(
    {
        "swagger-ui.js": ("swagger-ui-bundle.js", _SCRIPT),
        "swagger-ui.css": ("swagger-ui.css", _STYLE),
        "explore.js": ("explore.js", _SCRIPT),
        "explore.css": ("explore.css", _STYLE),
    }
)
"""What the page loads from `/static`: the file that has it, and its type."""

POLICY: Final[Header] = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)
"""Our own files, our own API and pictures that stand in the style sheet; nothing inline, nothing evaluated, nothing from elsewhere."""


def read(name: str) -> bytes:
    """A file of the page's."""
    return _FILES.joinpath(name).read_bytes()
