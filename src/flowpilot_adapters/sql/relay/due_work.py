"""The due work of one account, inside one unit of work: leases are kept and given back under their token."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Uuid, any_, bindparam, delete, func, insert, literal_column, null, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import ACCOUNT, own, recorded
from flowpilot_adapters.sql.schema import due_work
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import AccountId, EventId
from flowpilot_core.ports.relay import Lease, Work, WorkKind

_held: Final[ColumnElement[bool]] = own(due_work) & (due_work.c.id == bindparam("work_id")) & (due_work.c.lease_token == bindparam("token"))

NOWHERE: Final = UUID(int=0)
"""The target of what has none."""
_SAID: Final = ("id", "kind", "due_at", "target", "queue_rank")

ADD: Final = compiled(
    "add work",
    insert(due_work).values({"account_id": ACCOUNT, "takes": literal_column("0"), **{name: bindparam(name) for name in _SAID}}),
)
ADD_CAUSED: Final = compiled(
    "add caused work",
    insert(due_work).from_select(
        ["account_id", *_SAID, "takes"],
        select(ACCOUNT, *(bindparam(name, type_=due_work.c[name].type) for name in _SAID), literal_column("0")).where(recorded()),
    ),
)
_index = upsert(due_work).values(
    {
        "account_id": ACCOUNT,
        "id": bindparam("id"),
        "kind": literal_column(f"'{WorkKind.INDEX}'"),
        "due_at": func.now(),
        "takes": literal_column("0"),
        "target": bindparam("target"),
    }
)
# Whoever is looking at it just now may have seen it as it was before: their lease is void, and somebody looks again.
INDEX: Final = compiled(
    "index for search",
    _index.on_conflict_do_update(
        index_elements=list(due_work.primary_key),
        set_={"due_at": _index.excluded.due_at, "takes": _index.excluded.takes, "lease_token": null(), "lease_until": null()},
    ),
)
_BESIDE: Final = 0x9C0F_5A3E_71D2_4B86_A4E8_37C1_60FB_D259
"""Turns the id of a thing into that of the work of indexing it: one id never names two pieces of work."""
FINISH: Final = compiled("finish work", delete(due_work).where(_held))
POSTPONE: Final = compiled(
    "postpone work",
    update(due_work)
    .where(_held)
    .values(
        due_at=func.clock_timestamp() + bindparam("seconds", type_=Double()) * literal_column("interval '1 second'"),
        lease_token=null(),
        lease_until=null(),
    ),
)
WITHDRAW: Final = compiled(
    "withdraw work", delete(due_work).where(own(due_work), due_work.c.id == any_(bindparam("work_ids", type_=ARRAY(Uuid))))
)
HOLDS: Final = compiled("hold work", select(due_work.c.id).where(_held).with_for_update())


def add(account_id: AccountId, work: Work) -> Call:
    """What adds it."""
    return ADD(**_said(account_id, work))


def index_for_search(transaction: Transaction, subject_id: UUID) -> None:
    """Have search look at a session, a tree or a script template once this is committed, if that is not due anyway."""
    if subject_id not in transaction.to_index:
        transaction.to_index.add(subject_id)
        work_id = UUID(int=subject_id.int ^ _BESIDE)
        transaction.write(INDEX(account_id=transaction.account_id, id=work_id, target=subject_id))


def _said(account_id: AccountId, work: Work) -> dict[str, object]:
    return {
        "account_id": account_id,
        "id": work.id,
        "kind": work.kind,
        "due_at": work.due_at,
        "target": work.target or NOWHERE,
        "queue_rank": work.queue_rank,
    }


class SqlWorkLedger:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, work: Work, *, caused_by: EventId | None = None) -> None:
        """As `WorkLedger.add` says."""
        if caused_by is None:
            self._transaction.write(add(self._account_id, work))
        else:
            self._transaction.react(ADD_CAUSED(**_said(self._account_id, work), caused_by=caused_by))

    async def finish(self, lease: Lease) -> bool:
        """As `WorkLedger.finish` says."""
        (done,) = await self._transaction.read(FINISH(account_id=self._account_id, work_id=lease.work_id, token=lease.token))
        return done.row_count == 1

    async def postpone(self, lease: Lease, *, seconds: float) -> bool:
        """As `WorkLedger.postpone` says."""
        (done,) = await self._transaction.read(
            POSTPONE(account_id=self._account_id, work_id=lease.work_id, token=lease.token, seconds=seconds)
        )
        return done.row_count == 1

    async def withdraw(self, work_ids: Sequence[UUID]) -> None:
        """As `WorkLedger.withdraw` says."""
        self._transaction.write(WITHDRAW(account_id=self._account_id, work_ids=list(work_ids)))

    async def holds(self, lease: Lease) -> bool:
        """As `WorkLedger.holds` says."""
        (found,) = await self._transaction.read(HOLDS(account_id=self._account_id, work_id=lease.work_id, token=lease.token))
        return found.first is not None
