"""Who of one account has a stream open where, inside one unit of work."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import Double, Uuid, any_, bindparam, delete, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import ACCOUNT, own
from flowpilot_adapters.sql.schema import presence
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import UserId

NODE: Final = bindparam("at_node", type_=Uuid())
_people = bindparam("user_ids", type_=ARRAY(Uuid))
_until = func.clock_timestamp() + bindparam("seconds", type_=Double()) * literal_column("interval '1 second'")
_here = upsert(presence).from_select(["account_id", "user_id", "node_id", "until"], select(ACCOUNT, func.unnest(_people), NODE, _until))
HERE: Final = compiled(
    "present", _here.on_conflict_do_update(index_elements=list(presence.primary_key), set_={"until": _here.excluded["until"]})
)
GONE: Final = compiled(
    "absent",
    delete(presence).where(
        own(presence),
        or_((presence.c.node_id == NODE) & ~(presence.c.user_id == any_(_people)), presence.c.until < func.now()),
    ),
)


ONLINE_NOW: Final = select(presence.c.user_id).where(own(presence), presence.c.until > func.now())
ONLINE: Final = compiled("online", ONLINE_NOW.distinct())


class SqlPresence:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def online(self) -> frozenset[UserId]:
        """As `Presence.online` says."""
        (found,) = await self._transaction.read(ONLINE(account_id=self._account_id))
        return frozenset(row.user_id for row in found.rows)

    async def here(self, node_id: UUID, user_ids: Collection[UserId], *, seconds: float) -> None:
        """As `Presence.here` says."""
        where = {"account_id": self._account_id, "at_node": node_id, "user_ids": sorted(user_ids)}
        self._transaction.write(GONE(**where))
        if user_ids:
            self._transaction.write(HERE(**where, seconds=seconds))
