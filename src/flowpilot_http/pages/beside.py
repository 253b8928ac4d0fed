"""The list that an item was opened from, beside it on a wide screen: the address says which, so that it shows the same once more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

from attrs import frozen

from flowpilot_core.application.handoffs.handoffs import Waiting
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.sessions.session import Session

from .page_request import Visit

MOST: Final = 100
"""Items of a list that stands beside something; the whole of it is a page of its own."""


@frozen(kw_only=True)
class Beside:
    """A list that stands beside one of its items."""

    name: str
    address: str
    live: str
    """What happens that it shows: as the list's own page says."""
    waiting: Sequence[Waiting] = ()
    sessions: Sequence[Session] = ()

    @property
    def query(self) -> str:
        """What the address of another item says, so that this list stands beside that one too."""
        return urlencode({"beside": self.address})


List = Callable[[Visit, Person, str, bytes], Awaitable[Beside]]
_LISTS: Final[dict[str, List]] = {}


def stands_beside(path: str) -> Callable[[List], List]:
    """The list of the page at `path`: for whom, at which address, and by which choice."""

    def keep(found: List) -> List:
        _LISTS[path] = found
        return found

    return keep


async def beside(request: Visit, person: Person, address: str | None) -> Beside | None:
    """The list at this address; None where there is none. Raises `Refused` for a choice that the list does not know."""
    parts = urlsplit(address or "")
    if parts.scheme or parts.netloc or parts.path not in _LISTS:
        return None
    return await _LISTS[parts.path](request, person, f"{parts.path}?{parts.query}".rstrip("?"), parts.query.encode())
