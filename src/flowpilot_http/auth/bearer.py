"""Tokens in the `Authorization` header."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from flowpilot_core.domain.access.identity_provider import LONGEST_JWT
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import Unauthenticated

from .credential_cache import Known

_LONGEST: Final = LONGEST_JWT + 10


class Bearer:
    """Tells who a bearer token stands for."""

    def __init__(self, authenticate: Callable[[str], Awaitable[Person]], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._known = Known(authenticate, monotonic=monotonic)

    async def again(self, headers: Iterable[tuple[bytes, bytes]]) -> Person:
        """As `person`, asked anew: for who signed in long ago and stays."""
        return await self._known.again(_token(headers))

    async def person(self, headers: Iterable[tuple[bytes, bytes]]) -> Person:
        """Who the one bearer token among `headers` stands for. Raises `Unauthenticated`."""
        return await self._known.person(_token(headers))


def given(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What comes in `Authorization`, good or not: its last word; empty where nothing does."""
    words = b" ".join(value for name, value in headers if name == b"authorization").decode("latin-1").split()
    return words[-1] if words else ""


def _token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The one bearer token among `headers`. Raises `Unauthenticated`."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1 or given[0][:7].lower() != b"bearer " or len(given[0]) > _LONGEST or not given[0].isascii():
        raise Unauthenticated
    return given[0][7:].strip().decode("ascii")
