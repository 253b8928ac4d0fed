"""API tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from flowpilot_adapters.sql.queries import LIMIT, LOWEST, columns_but_account, own
from flowpilot_adapters.sql.records import access as records
from flowpilot_adapters.sql.schema import api_token
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import TokenId, UserId

_id = bindparam("id", type_=api_token.c.id.type)
_user_id = bindparam("user_id", type_=api_token.c.user_id.type)
_at = bindparam("at", type_=api_token.c.created_at.type)

ADD: Final = compiled("add token", insert(api_token).values({column: bindparam(column.name) for column in api_token.c}))
ONE: Final = compiled("token", select(*columns_but_account(api_token)).where(own(api_token), api_token.c.id == _id))
OF: Final = compiled(
    "tokens",
    select(*columns_but_account(api_token))
    .where(own(api_token), api_token.c.user_id == _user_id, api_token.c.id > bindparam("after", type_=api_token.c.id.type))
    .order_by(api_token.c.id)
    .limit(LIMIT),
)
_REVOKED = {"revoked_at": func.coalesce(api_token.c.revoked_at, _at)}
REVOKE: Final = compiled(
    "revoke token", update(api_token).where(own(api_token), api_token.c.id == _id).values(_REVOKED).returning(api_token.c.id)
)
REVOKE_ALL: Final = compiled("revoke tokens", update(api_token).where(own(api_token), api_token.c.user_id == _user_id).values(_REVOKED))
USED: Final = compiled("use token", update(api_token).where(own(api_token), api_token.c.id == _id).values(last_used_at=_at))


class SqlApiTokens:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, token: ApiToken) -> None:
        """As `ApiTokens.add` says; at the commit where nothing is read before."""
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=token.id,
                user_id=token.user_id,
                name=token.name,
                scope=token.scope,
                digest=token.digest,
                created_at=token.created_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
                last_used_at=token.last_used_at,
            )
        )

    async def get(self, token_id: TokenId) -> ApiToken:
        """As `ApiTokens.get` says."""
        (found,) = await self._transaction.read(ONE(account_id=self._account_id, id=token_id))
        if found.first is None:
            raise NotFound("token")
        return records.api_token(found.first)

    async def of(self, user_id: UserId, *, after: TokenId | None, limit: int) -> Sequence[ApiToken]:
        """As `ApiTokens.of` says."""
        call = OF(account_id=self._account_id, user_id=user_id, after=after or LOWEST, most=limit)
        (found,) = await self._transaction.read(call)
        return [records.api_token(row) for row in found.rows]

    async def revoke(self, token_id: TokenId, *, at: datetime) -> None:
        """As `ApiTokens.revoke` says."""
        (found,) = await self._transaction.read(REVOKE(account_id=self._account_id, id=token_id, at=at))
        if found.first is None:
            raise NotFound("token")

    async def revoke_all(self, user_id: UserId, *, at: datetime) -> None:
        """As `ApiTokens.revoke_all` says."""
        self._transaction.write(REVOKE_ALL(account_id=self._account_id, user_id=user_id, at=at))

    async def used(self, token_id: TokenId, *, at: datetime) -> None:
        """As `ApiTokens.used` says."""
        self._transaction.write(USED(account_id=self._account_id, id=token_id, at=at))
