"""The tokens that models used up, of one account, inside one unit of work."""

from typing import Final

from sqlalchemy import BigInteger, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import token_use
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction

_most = bindparam("most", type_=BigInteger())
_reserving = upsert(token_use).values({column: bindparam(column.name) for column in token_use.c})
RESERVE: Final = compiled(
    "reserve tokens",
    _reserving.on_conflict_do_update(
        index_elements=list(token_use.primary_key),
        set_={"tokens": token_use.c.tokens + _reserving.excluded.tokens},
        where=token_use.c.tokens + _reserving.excluded.tokens <= _most,
    ).returning(token_use.c.tokens),
)
SETTLE: Final = compiled(
    "settle tokens",
    update(token_use)
    .where(own(token_use), token_use.c.month == bindparam("of_month"))
    .values(tokens=func.greatest(literal_column("0"), token_use.c.tokens + bindparam("difference", type_=BigInteger()))),
)
USED: Final = compiled("used tokens", select(token_use.c.tokens).where(own(token_use), token_use.c.month == bindparam("month")))


class SqlTokenUse:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def reserve(self, month: str, tokens: int, *, most: int) -> bool:
        """As `TokenUse.reserve` says: one statement, in which the second of two waits for the first."""
        if tokens > most:
            return False
        (reserved,) = await self._transaction.read(RESERVE(account_id=self._account_id, month=month, tokens=tokens, most=most))
        return reserved.first is not None

    async def settle(self, month: str, *, reserved: int, used: int) -> None:
        """As `TokenUse.settle` says."""
        self._transaction.write(SETTLE(account_id=self._account_id, of_month=month, difference=used - reserved))

    async def used(self, month: str) -> int:
        """As `TokenUse.used` says."""
        (found,) = await self._transaction.read(USED(account_id=self._account_id, month=month))
        return int(found.first.tokens) if found.first else 0
