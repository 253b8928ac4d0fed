"""The outbox: work recorded in the transaction of the change that caused it, done after the commit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.identifiers import AccountId


class WorkKind(StrEnum):
    """What is to be done."""

    DELIVERY = "delivery"


@frozen(kw_only=True)
class Work:
    """Something due: ids, kind and time, never content. `id` names it in its account (a delivery's own id)."""

    id: UUID
    kind: WorkKind
    due_at: datetime


@frozen(kw_only=True)
class Lease:
    """A relay's hold on one piece of work: whoever takes it over later has another `token`, and this one is void."""

    account_id: AccountId
    work_id: UUID
    kind: str
    """A `WorkKind`, unless a newer or broken program wrote it."""
    token: UUID
    takes: int
    """How often it has been taken, this time included."""


class Outbox(Protocol):
    """The due work of all accounts, as a relay sees it."""

    async def take(self, limit: int, *, lease_for: timedelta) -> Sequence[Lease]:
        """Take up to `limit` pieces that are due and that nobody holds, and hold them for `lease_for` by the store's own clock.

        Whatever a dead relay held is due again once its lease has run out. No piece is held twice at once. Accounts take
        turns: one with a flood of work delays no other. Raises `Unavailable`.
        """

    async def lag(self) -> float:
        """How many seconds the oldest due piece that nobody holds has waited; 0 where there is none. Raises `Unavailable`."""
