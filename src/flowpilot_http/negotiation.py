"""Whether whoever asks an address of the API is a browser, which is to be led to the page for people instead."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from litestar.connection import Request

from .responses import HTML, Body

PAGE: Final = "page_of"
"""The option of a route that names the page for what it answers, with the parameters of its own path, and its query after a `?`."""

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_QUALITY: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"{(\w+):str}")


def page_instead(request: Request[Any, Any, Any]) -> Body | None:
    """The way to the page, where this route has one and a page is what is asked for first; whoever takes anything gets JSON."""
    page = request.scope["route_handler"].opt.get(PAGE)
    if page is None or not is_of_browser(request):
        return None
    named = request.scope["path_params"]
    path = _PARAMETER.sub(lambda found: quote(str(named[found[1]]), safe=""), page)
    query = request.scope["query_string"] if page.endswith("?") else b""
    return Body(b"", status=303, media_type=HTML, headers=((b"location", path.encode() + query),))


def is_of_browser(request: Request[Any, Any, Any]) -> bool:
    """Whether somebody opens this address to look at it, rather than a program to read it."""
    return request.scope["method"] == "GET" and wants_page(value for name, value in request.scope["headers"] if name == b"accept")


def wants_page(accept: Iterable[bytes]) -> bool:
    """Whether the first choice of an `Accept` is a page."""
    wanted = list(choices(b",".join(accept).decode("latin-1")))
    return bool(wanted) and max(wanted, key=lambda choice: choice[1])[0] in _PAGES


def choices(accept: str) -> Iterator[tuple[str, float]]:
    """Each thing that a header would take with its quality, in the order they are named, without what it refuses."""
    for choice in accept.split(","):
        kind, *parameters = (part.strip() for part in choice.split(";"))
        quality = next((found for parameter in parameters if (found := _QUALITY.fullmatch(parameter))), None)
        if kind and (quality is None or float(quality[1])):
            yield kind.lower(), float(quality[1]) if quality else 1.0
