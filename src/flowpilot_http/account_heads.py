"""What accounts are called and how they look, for the head of every page."""

import asyncio
import time
from collections.abc import Callable

from attrs import frozen

from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.access.branding import Branding
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import AccountId

REMEMBERED = 60.0
"""Seconds for which a head is not asked for again."""
_MOST = 10_000


@frozen
class AccountHead:
    """What stands in the head of an account's pages."""

    name: str
    branding: Branding


class AccountHeads:
    """Asks for a head once a minute at most."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[AccountId, tuple[AccountHead, float]] = {}

    async def of(self, flowpilot: FlowPilot, person: Person) -> AccountHead:
        """What somebody's account is called, and how it looks."""
        now = self._monotonic()
        if (known := self._known.get(person.account_id)) and known[1] > now:
            return known[0]
        account, branding = await asyncio.gather(flowpilot.account.get(person), flowpilot.branding.get(person))
        head = AccountHead(branding.name(account.name), branding)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[person.account_id] = head, now + REMEMBERED
        return head

    def forget(self, account_id: AccountId) -> None:
        """It was changed just now."""
        self._known.pop(account_id, None)
