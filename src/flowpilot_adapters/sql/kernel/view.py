"""What there is to see of the event log in one account."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select

from flowpilot_adapters.sql.queries import LIMIT, columns_but_account, own
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.schema import (
    event,
    event_counter,
    person,
)
from flowpilot_adapters.sql.statement import compiled
from flowpilot_core.domain.kernel.events import LoggedEvent

ENTRIES = (
    select(*columns_but_account(event), person.c.name.label("by_name"))
    .select_from(event.outerjoin(person, own(person) & (person.c.id == event.c.by_user_id)))
    .where(own(event))
    .order_by(event.c.number)
    .limit(LIMIT)
)

AFTER = bindparam("after", type_=event.c.number.type)

EVENTS: Final = compiled("events", ENTRIES.where(event.c.number > AFTER))

LAST: Final = compiled("last number", select(event_counter.c.number).where(own(event_counter)))


class SqlKernelView(SqlReading):
    """As `KernelView` says."""

    async def events(self, *, after: int, limit: int) -> Sequence[LoggedEvent]:
        """As `KernelView.events` says."""
        found = await self._read_one(EVENTS(account_id=self._account_id, after=after, most=limit))
        return [kernel_records.logged_event(row) for row in found.rows]

    async def last_number(self) -> int:
        """As `KernelView.last_number` says."""
        row = (await self._read_one(LAST(account_id=self._account_id))).first
        return row.number if row else 0
