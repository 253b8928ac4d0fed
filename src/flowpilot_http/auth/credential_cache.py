"""What is remembered, for a moment, of who a credential stands for."""

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

from flowpilot_core.domain.kernel.actor import Person

REMEMBERED: Final = 1.0
"""Seconds for which a credential counts as good once it was: a deactivated person is out this soon, and can change nothing even before."""
_MOST: Final = 10_000


class Known:
    """Asks who a credential stands for, once a second at most; a failure is never remembered."""

    def __init__(self, authenticate: Callable[[str], Awaitable[Person]], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._authenticate = authenticate
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[Person, float]] = {}

    async def person(self, text: str) -> Person:
        """Who it stands for. Raises `Unauthenticated`."""
        digest = sha256(text.encode()).digest()
        now = self._monotonic()
        if (known := self._known.get(digest)) and known[1] > now:
            return known[0]
        person = await self._authenticate(text)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (person, now + REMEMBERED)
        return person

    async def again(self, text: str) -> Person:
        """As `person`, asked anew: for who came in long ago and stays."""
        return await self._authenticate(text)

    def forget(self, text: str) -> None:
        """It is no good any more."""
        self._known.pop(sha256(text.encode()).digest(), None)
