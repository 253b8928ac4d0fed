"""The event log of one account: numbered without gaps, in the order of the commits."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, bindparam, exists, insert, or_, select, update

from flowpilot_adapters.sql.errors import NOBODY
from flowpilot_adapters.sql.queries import ACCOUNT, is_active, own, refused_unless
from flowpilot_adapters.sql.records import kernel as records
from flowpilot_adapters.sql.schema import event, event_counter
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import AccountId


def counted(condition: ColumnElement[bool]) -> CTE:
    """The account's next number, taken where `condition` holds; whoever comes later waits for this transaction to end."""
    return (
        update(event_counter)
        .values(number=event_counter.c.number + 1)
        .where(own(event_counter), condition)
        .returning(event_counter.c.number)
        .cte("counted")
    )


def entered(number: CTE, values: Mapping[str, Any]) -> CTE:
    """An entry of the log under a number that was counted; columns that `values` leaves out are parameters."""
    columns = [column for column in event.c if column.name not in ("account_id", "number")]
    given = [values.get(column.name, bindparam(f"event_{column.name}", type_=column.type)) for column in columns]
    rows = select(ACCOUNT, number.c.number, *given)
    return insert(event).from_select(["account_id", "number", *columns], rows).returning(event.c.number).cte("entered")


_by = bindparam("event_by_user_id", type_=event.c.by_user_id.type)
LOG: Final = compiled(
    "log event",
    refused_unless(entered(counted(or_(_by.is_(None), exists().where(is_active(_by)))), {"by_user_id": _by}), NOBODY),
)


def log(account_id: AccountId, happened: Event) -> Call:
    """What writes an event, or fails where its person is not active here."""
    return LOG(
        account_id=account_id,
        event_id=happened.id,
        event_kind=happened.kind,
        event_at=happened.at,
        event_by_user_id=happened.by,
        event_cause=happened.cause,
        event_request_id=happened.request_id,
        event_session_id=happened.session_id,
        event_handoff_id=happened.handoff_id,
        event_private=happened.private,
        event_changed=records.document(happened.changed),
    )
