"""Who is mailed the figures of each week."""

from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import weekly_digest
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.identifiers import UserId

_own = own(weekly_digest) & (weekly_digest.c.user_id == bindparam("user_id"))

ADD: Final = compiled("add weekly digest", insert(weekly_digest).values({column: bindparam(column.name) for column in weekly_digest.c}))
GET: Final = compiled("weekly digest", select(weekly_digest.c.document).where(_own))
SAVE: Final = compiled("save weekly digest", update(weekly_digest).where(_own).values(document=bindparam("new_document")))
DROP: Final = compiled("drop weekly digest", delete(weekly_digest).where(_own))


class SqlWeeklyDigests:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, new: WeeklyDigest) -> None:
        """As `WeeklyDigests.add` says."""
        self._transaction.write(ADD(account_id=self._account_id, user_id=new.user_id, document=documents.written(new)))

    async def get(self, user_id: UserId) -> WeeklyDigest | None:
        """As `WeeklyDigests.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, user_id=user_id))
        return None if found.first is None else documents.read(found.first.document, WeeklyDigest)

    async def save(self, changed: WeeklyDigest) -> None:
        """As `WeeklyDigests.save` says."""
        self._transaction.write(SAVE(account_id=self._account_id, user_id=changed.user_id, new_document=documents.written(changed)))

    async def drop(self, user_id: UserId) -> None:
        """As `WeeklyDigests.drop` says."""
        self._transaction.write(DROP(account_id=self._account_id, user_id=user_id))
