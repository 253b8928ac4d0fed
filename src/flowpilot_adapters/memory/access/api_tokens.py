"""API tokens."""

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import TokenId, UserId


@frozen
class MemoryApiTokens:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, token: ApiToken) -> None:
        """As `ApiTokens.add` says."""
        if self._work.rows.users.get(token.user_id) is None:
            raise NotFound("user")
        self._work.rows.tokens.put(token.id, token)

    async def get(self, token_id: TokenId) -> ApiToken:
        """As `ApiTokens.get` says."""
        token = self._work.rows.tokens.get(token_id)
        if token is None:
            raise NotFound("token")
        return token

    async def of(self, user_id: UserId, *, after: TokenId | None, limit: int) -> Sequence[ApiToken]:
        """As `ApiTokens.of` says."""
        theirs = (one for one in self._work.rows.tokens.values() if one.user_id == user_id)
        return sorted((one for one in theirs if after is None or one.id > after), key=lambda one: one.id)[:limit]

    async def revoke(self, token_id: TokenId, *, at: datetime) -> None:
        """As `ApiTokens.revoke` says."""
        token = await self.get(token_id)
        self._work.rows.tokens.put(token_id, evolve(token, revoked_at=token.revoked_at or at))

    async def revoke_all(self, user_id: UserId, *, at: datetime) -> None:
        """As `ApiTokens.revoke_all` says."""
        for token in [one for one in self._work.rows.tokens.values() if one.user_id == user_id]:
            await self.revoke(token.id, at=at)

    async def used(self, token_id: TokenId, *, at: datetime) -> None:
        """As `ApiTokens.used` says."""
        self._work.rows.tokens.put(token_id, evolve(await self.get(token_id), last_used_at=at))
