"""Rows of notifications as values of the domain."""

from typing import Any, Final

from flowpilot_adapters.sql.records.kernel import logged_event, record
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.escalation_policy import PolicyRun
from flowpilot_core.ports.kernel import Entry
from flowpilot_core.ports.notifications import News

delivery: Final = record(Delivery)


policy_run: Final = record(PolicyRun)


def news(row: Any) -> News:
    """An event beside the readers of its handoff."""
    readers = frozenset(row.readers) if row.private else None
    return News(entry=Entry(logged=logged_event(row), name=row.by_name), readers=readers)
