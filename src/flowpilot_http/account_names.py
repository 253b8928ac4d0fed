"""What accounts are called, for the head of every page."""

import time
from collections.abc import Callable

from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import AccountId

REMEMBERED = 60.0
"""Seconds for which a name is not asked for again."""
_MOST = 10_000


class AccountNames:
    """Asks for a name once a minute at most."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[AccountId, tuple[str, float]] = {}

    async def of(self, flowpilot: FlowPilot, person: Person) -> str:
        """What somebody's account is called."""
        now = self._monotonic()
        if (known := self._known.get(person.account_id)) and known[1] > now:
            return known[0]
        name = (await flowpilot.account.get(person)).name
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[person.account_id] = name, now + REMEMBERED
        return name
