"""API tokens in the `Authorization` header."""

import time
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from typing import Any, Final

from litestar.connection import Request

from flowpilot_core.domain.actor import Person
from flowpilot_core.domain.errors import Unauthenticated

REMEMBERED: Final = 1.0
"""Seconds for which a token counts as good once it was: a deactivated person is out this soon, and can change nothing even before."""
_MOST: Final = 10_000
_LONGEST: Final = 512


class Bearer:
    """Signs requests in; a failure is never remembered."""

    def __init__(self, authenticate: Callable[[str], Awaitable[Person]], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._authenticate = authenticate
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[Person, float]] = {}

    async def sign_in(self, request: Request[Any, Any, Any]) -> None:
        """Put the person who asks into the request, as its user. Raises `Unauthenticated`."""
        request.scope["user"] = await self.person(request.scope["headers"])

    async def again(self, headers: Iterable[tuple[bytes, bytes]]) -> Person:
        """As `person`, asked anew: for who signed in long ago and stays."""
        return await self._authenticate(_token(headers).decode("ascii"))

    async def person(self, headers: Iterable[tuple[bytes, bytes]]) -> Person:
        """Who the one bearer token among `headers` stands for. Raises `Unauthenticated`."""
        token = _token(headers)
        digest = sha256(token).digest()
        now = self._monotonic()
        if (known := self._known.get(digest)) and known[1] > now:
            return known[0]
        person = await self._authenticate(token.decode("ascii"))
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (person, now + REMEMBERED)
        return person


def _token(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The one bearer token among `headers`. Raises `Unauthenticated`."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1 or given[0][:7].lower() != b"bearer " or len(given[0]) > _LONGEST or not given[0].isascii():
        raise Unauthenticated
    return given[0][7:].strip()
