"""What was done to one account, inside one unit of work."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Integer, bindparam, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own
from flowpilot_adapters.sql.records import access as access_records
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.schema import audit_entry, audit_head, person
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.audit import AuditEntry, AuditHead, Deed, DeedKind
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.ports.access import Audited

NEWEST: Final = 2**63 - 1

BEGIN: Final = compiled(
    "begin audit log",
    upsert(audit_head)
    .values(account_id=ACCOUNT, number=literal_column("0"), digest=literal_column("''"))
    .on_conflict_do_nothing(index_elements=list(audit_head.primary_key)),
)
_head = select(audit_head.c.number, audit_head.c.digest).where(own(audit_head))
HEAD: Final = compiled("audit head", _head)
HOLD: Final = compiled("hold audit head", _head.with_for_update())
ADD: Final = compiled("add audit entry", insert(audit_entry).values({column: bindparam(column.name) for column in audit_entry.c}))
MOVE: Final = compiled(
    "move audit head",
    update(audit_head).where(own(audit_head)).values(number=bindparam("new_number"), digest=bindparam("new_digest")),
)
PAGE: Final = compiled(
    "audit entries",
    select(*columns_but_account(audit_entry), person.c.name)
    .select_from(audit_entry.outerjoin(person, own(person) & (person.c.id == audit_entry.c.by_user_id)))
    .where(own(audit_entry), audit_entry.c.number < bindparam("before", type_=BigInteger()))
    .order_by(audit_entry.c.number.desc())
    .limit(bindparam("most", type_=Integer())),
)


class SqlAuditLog:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, deed: Deed) -> AuditEntry:
        """As `AuditLog.add` says: the head is locked, so that entries follow one another."""
        _, held = await self._transaction.read(BEGIN(account_id=self._account_id), HOLD(account_id=self._account_id))
        entry = _read_head(held.first).entry(self._account_id, deed)
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                number=entry.number,
                kind=deed.kind,
                at=deed.at,
                by_user_id=deed.by,
                cause=deed.cause,
                thing_id=deed.thing_id,
                changed=kernel_records.document(deed.changed),
                request_id=deed.request_id,
                previous=entry.previous,
                digest=entry.digest,
                way=deed.way_in and deed.way_in.way,
                way_id=deed.way_in and deed.way_in.id,
            )
        )
        self._transaction.write(MOVE(account_id=self._account_id, new_number=entry.number, new_digest=entry.digest))
        return entry

    async def head(self) -> AuditHead:
        """As `AuditLog.head` says."""
        (found,) = await self._transaction.read(HEAD(account_id=self._account_id))
        return _read_head(found.first)

    async def page(self, *, before: int | None, limit: int) -> Sequence[Audited]:
        """As `AuditLog.page` says."""
        (found,) = await self._transaction.read(PAGE(account_id=self._account_id, before=NEWEST if before is None else before, most=limit))
        return [Audited(entry=_entry(row), name=row.name) for row in found.rows]


def _read_head(row: Any) -> AuditHead:
    return AuditHead() if row is None else AuditHead(number=row.number, digest=row.digest)


def _entry(row: Any) -> AuditEntry:
    deed = Deed(
        kind=DeedKind(row.kind),
        at=row.at,
        by=None if row.by_user_id is None else UserId(row.by_user_id),
        way_in=access_records.way_in(row),
        cause=row.cause,
        thing_id=row.thing_id,
        changed=json.loads(row.changed),
        request_id=row.request_id,
    )
    return AuditEntry(number=row.number, deed=deed, previous=row.previous, digest=row.digest)
