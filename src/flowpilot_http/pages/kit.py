"""The kit that pages are made of, each thing once: for whoever writes a page, where the server stands on a developer's machine."""

from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_http.responses import Body

from .page_request import Visit, shows

_AT_HOME: Final = frozenset({"localhost", "127.0.0.1", "::1"})
STATES: Final = MappingProxyType(
    {
        "step": ("worked", "failed", "inconclusive", "none"),
        "branch": ("open", "solved", "dead_end", "abandoned"),
        "delivery": ("pending", "sent", "delivered", "seen", "dead", "suppressed"),
    }
)


@shows("/kit")
async def kit_page(request: Visit) -> Body:
    """Everything in it. Nowhere but on the machine itself is there such a page."""
    if urlsplit(request.ours("")).hostname not in _AT_HOME:
        raise NotFound("page")
    return request.page("kit.html", states=STATES)


ROUTES = (kit_page,)
