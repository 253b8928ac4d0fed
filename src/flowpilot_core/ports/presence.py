"""Who is online: whoever has a stream of events open, at whichever node."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from flowpilot_core.domain.identifiers import UserId


class Presence(Protocol):
    """Who of one account has a stream open where, inside one unit of work; `View.online` shows it."""

    async def online(self) -> frozenset[UserId]:
        """Who has a stream of events open, at any node."""

    async def here(self, node_id: UUID, user_ids: Collection[UserId], *, seconds: float) -> None:
        """These people are at the node, and nobody else of the account is.

        So it stays for that long by the store's own clock, or until the node says otherwise: one that dies takes its people along.
        """
