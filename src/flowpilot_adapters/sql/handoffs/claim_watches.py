"""Claims of one account that lapse if they go quiet, inside one unit of work."""

from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, insert, literal_column, select, update

from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own
from flowpilot_adapters.sql.records import handoffs as records
from flowpilot_adapters.sql.schema import (
    claim_watch,
    due_work,
    escalation_policy,
    event,
)
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.handoffs.quiet_claim import WARNED_AT, ClaimWatch
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import ClaimWatchId, EventId
from flowpilot_core.ports.relay import WorkKind

_claimed = (
    select(event.c.handoff_id, event.c.at, escalation_policy.c.claim_quiet_minutes)
    .join_from(event, escalation_policy, own(escalation_policy))
    .where(own(event), event.c.id == bindparam("caused_by", type_=event.c.id.type), escalation_policy.c.claim_quiet_minutes.is_not(None))
    .cte("claimed")
)
_watch_id = bindparam("watch_id", type_=claim_watch.c.id.type)
_watched = (
    insert(claim_watch)
    .from_select(["account_id", "id", "handoff_id", "claimed_at"], select(ACCOUNT, _watch_id, _claimed.c.handoff_id, _claimed.c.at))
    .returning(claim_watch.c.id)
    .cte("watched")
)
_minute: Final[ColumnElement[Any]] = literal_column(f"interval '{60 * WARNED_AT:.0f} seconds'")
WATCH_CLAIM: Final = compiled(
    "watch claim",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes"],
        select(
            ACCOUNT,
            _watched.c.id,
            literal_column(f"'{WorkKind.QUIET_CLAIM}'"),
            _claimed.c.at + _claimed.c.claim_quiet_minutes * _minute,
            literal_column("0"),
        ).select_from(_watched.join(_claimed, literal_column("true"))),
    ),
)
WATCH: Final = compiled(
    "claim watch", select(*columns_but_account(claim_watch)).where(own(claim_watch), claim_watch.c.id == bindparam("id"))
)
KEEP_WATCH: Final = compiled(
    "keep claim watch",
    update(claim_watch).where(own(claim_watch), claim_watch.c.id == bindparam("watch_id")).values(warned_of=bindparam("new_warned_of")),
)


class SqlClaimWatches:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def begin(self, watch_id: ClaimWatchId, *, caused_by: EventId) -> None:
        """As `ClaimWatches.begin` says."""
        self._transaction.react(WATCH_CLAIM(account_id=self._account_id, watch_id=watch_id, caused_by=caused_by))

    async def get(self, watch_id: ClaimWatchId) -> ClaimWatch:
        """As `ClaimWatches.get` says."""
        (found,) = await self._transaction.read(WATCH(account_id=self._account_id, id=watch_id))
        if found.first is None:
            raise NotFound("claim watch")
        return records.claim_watch(found.first)

    async def keep(self, watch: ClaimWatch) -> None:
        """As `ClaimWatches.keep` says."""
        self._transaction.write(KEEP_WATCH(account_id=self._account_id, watch_id=watch.id, new_warned_of=watch.warned_of))
