"""Rows as the domain's values. A row has the columns of its table, and names of people beside their ids where a query joins them.

Where a value is what its row says, cattrs makes it; what is put together from several columns or rows is put together where it is read.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from cattrs import Converter

from flowpilot_core.domain.kernel.events import Event, EventKind, LoggedEvent, Plain
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.kernel import Entry

T = TypeVar("T")


converter: Final = Converter(detailed_validation=False)


for _read_already in (UUID, datetime):
    converter.register_structure_hook(_read_already, lambda value, _: value)


def record(kind: type[T]) -> Callable[[Any], T]:
    """What makes a value of a row whose columns are called as the value's fields are; other columns are left alone."""
    structure = converter.get_structure_hook(kind)

    def record(row: Any) -> T:
        value: T = structure(row._asdict(), kind)
        return value

    return record


def logged_event(row: Any) -> LoggedEvent:
    """An event with its number."""
    event = Event(
        id=row.id,
        kind=EventKind(row.kind),
        at=row.at,
        by=row.by_user_id,
        cause=row.cause,
        session_id=row.session_id,
        handoff_id=row.handoff_id,
        changed=json.loads(row.changed),
        private=row.private,
        request_id=row.request_id,
    )
    return LoggedEvent(number=row.number, event=event)


def entry(row: Any) -> Entry:
    """An event as a timeline shows it, with what its person is called."""
    return Entry(logged=logged_event(row), name=row.by_name)


def ticket(row: Any) -> Ticket | None:
    """The ticket in a row that has one's columns."""
    return Ticket(system=row.ticket_system, id=row.ticket_id) if row.ticket_system else None


def document(value: Mapping[str, Plain] | None) -> str | None:
    """Plain data as the JSON that a column takes."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def names(row: Any) -> dict[UserId, str]:
    """What people are called, in a row that has `names_of` beside it."""
    return dict(zip(row.person_ids or (), row.person_names or (), strict=True))
