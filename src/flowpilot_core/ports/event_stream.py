"""Waking whoever waits for news, in this process and in others."""

from collections.abc import Callable
from typing import Protocol

from flowpilot_core.domain.identifiers import AccountId

Heard = Callable[[AccountId | None], None]
"""Called with the account in which something was committed, or with None: something may have been missed, so look in all of them."""


class EventStream(Protocol):
    """Tells every process that something happened in an account: a wake-up that says where, and never what.

    It is advice and no record. Whoever is woken reads the event log, under the row policies, from where they stopped; and looks by
    themselves now and then, so that losing every wake-up makes things late, never lost. One that comes twice does no harm.
    """

    def publish(self, account_id: AccountId) -> None:
        """Something was committed there: call it after the commit, outside of any transaction.

        Returns at once and raises nothing, whatever is down. Of many for one account that are not yet sent one is.
        """

    async def hear(self, heard: Heard) -> None:
        """Call `heard` for what is published here or elsewhere, until cancelled.

        The first call is for None, as is the first after a connection was lost and is there again: by then nothing is missed any more.
        Waits and tries again while nothing can be heard; raises nothing.
        """
