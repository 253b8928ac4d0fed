"""API tokens: rights to act as one person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from flowpilot_core.domain.account import ApiToken
from flowpilot_core.domain.identifiers import TokenId, UserId


class ApiTokens(Protocol):
    """The tokens of one account, inside one unit of work."""

    async def add(self, token: ApiToken) -> None:
        """Keep a new one. Raises `NotFound` (now or at the commit) for somebody who is not of this account."""

    async def get(self, token_id: TokenId) -> ApiToken:
        """Good or not. Raises `NotFound`."""

    async def of(self, user_id: UserId, *, after: TokenId | None, limit: int) -> Sequence[ApiToken]:
        """Somebody's, good or not, by id."""

    async def revoke(self, token_id: TokenId, *, at: datetime) -> None:
        """It is no good any more; when that was first said stays."""

    async def revoke_all(self, user_id: UserId, *, at: datetime) -> None:
        """None of somebody's is any good any more."""

    async def used(self, token_id: TokenId, *, at: datetime) -> None:
        """It was used then."""
