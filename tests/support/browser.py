"""A browser without scripts: it keeps cookies, sends a page's forms, and goes where it is told to."""

import re
from html import unescape

import httpx
from attrs import define, field

from flowpilot_http.middleware import Edge

from .http import BASE

_FIELD = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')


def _client(app: Edge) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)  # type: ignore[arg-type]


@define
class Browser:
    """Somebody's."""

    app: Edge
    client: httpx.AsyncClient = field(init=False)
    page: httpx.Response = field(init=False)
    """What it shows."""

    def __attrs_post_init__(self) -> None:
        self.client = _client(self.app)

    @property
    def path(self) -> str:
        """Where it is."""
        return self.page.url.raw_path.decode()

    @property
    def csrf_token(self) -> str:
        """What the page's forms hold."""
        return self.hidden["csrf_token"]

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page."""
        return {name: unescape(value) for name, value in _FIELD.findall(self.page.text)}

    async def open(self, path: str) -> httpx.Response:
        """Go to a page, and wherever it leads on to."""
        self.page = await self.client.get(path, follow_redirects=True)
        return self.page

    async def send(self, path: str | None = None, **fields: str) -> httpx.Response:
        """Fill a form of the page in and send it, to the page itself if to nowhere else."""
        self.page = await self.client.post(path or self.path, data={**self.hidden, **fields}, follow_redirects=True)
        return self.page
