"""The import's ledger, and what became of the sessions of a log."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Double, bindparam, cast, distinct, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import event, event_counter, imported_row, session
from flowpilot_adapters.sql.statement import Call, Statement, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.replay import IGNORED, Figures, ImportedCase, ImportedRow

ADD: Final = compiled("add imported row", insert(imported_row).values({column: bindparam(column.name) for column in imported_row.c}))
WAIT_FOR_NO_DISK: Final = Statement("wait for no disk", "SELECT set_config('synchronous_commit', 'off', true)")
"""The rows of an account follow one another, since their events are numbered: each would wait for the disk alone."""
SETTLE: Final = compiled("settle imported rows", update(event_counter).where(own(event_counter)).values(number=event_counter.c.number))
"""Changes nothing, but is a change: its commit waits for the disk, and for all that was written before."""

_of_log = own(imported_row) & (imported_row.c.log == bindparam("log"))
IMPORTED: Final = compiled(
    "imported cases",
    select(
        imported_row.c.case_name,
        imported_row.c.session_id,
        func.array_agg(aggregate_order_by(imported_row.c.line, imported_row.c.line)).label("lines"),
    )
    .where(_of_log)
    .group_by(imported_row.c.case_name, imported_row.c.session_id),
)

_sessions = select(imported_row.c.session_id).where(_of_log).distinct().cte("sessions")


def _counts(what: ColumnElement[Any], values: Mapping[str, str]) -> list[ColumnElement[int]]:
    """How many rows have each of these values, under these names."""
    return [func.count().filter(what == value).label(name) for name, value in values.items()]


_rows = (
    select(
        func.count(distinct(imported_row.c.session_id)).label("sessions"),
        func.count().label("events"),
        *_counts(imported_row.c.outcome, {"ignored": IGNORED}),
    )
    .where(_of_log)
    .subquery("of_rows")
)
_events = (
    select(
        *_counts(
            event.c.kind,
            {
                "escalations": EventKind.HANDOFF_ESCALATED,
                "reroutes": EventKind.HANDOFF_REROUTED,
                "claims": EventKind.HANDOFF_CLAIMED,
                "withdrawn": EventKind.HANDOFF_WITHDRAWN,
                "parks": EventKind.SESSION_PARKED,
                "resumed": EventKind.SESSION_RESUMED,
                "resolved": EventKind.SESSION_RESOLVED,
                "abandoned": EventKind.SESSION_ABANDONED,
                "reopened": EventKind.SESSION_REOPENED,
            },
        )
    )
    .join_from(event, _sessions, event.c.session_id == _sessions.c.session_id)
    .where(own(event))
    .subquery("of_events")
)
_ends = (
    select(
        *_counts(
            session.c.status,
            {"open_at_end": Status.ESCALATED, "parked_at_end": Status.PARKED, "active_at_end": Status.ACTIVE},
        )
    )
    .join_from(session, _sessions, session.c.id == _sessions.c.session_id)
    .where(own(session))
    .subquery("of_sessions")
)
_escalated, _claimed = event.alias("escalated"), event.alias("claimed")
_seconds: Final[ColumnElement[float]] = cast(func.extract("epoch", _claimed.c.at - _escalated.c.at), Double())
_waits = (
    select(
        func.percentile_cont(0.5).within_group(_seconds).label("median"),
        func.percentile_disc(0.9).within_group(_seconds).label("p90"),
    )
    .join_from(_claimed, _sessions, _claimed.c.session_id == _sessions.c.session_id)
    .join(_escalated, own(_escalated) & (_escalated.c.session_id == _claimed.c.session_id))
    .where(
        own(_claimed),
        _claimed.c.kind == EventKind.HANDOFF_CLAIMED,
        _escalated.c.kind == EventKind.HANDOFF_ESCALATED,
        _escalated.c.handoff_id == _claimed.c.handoff_id,
    )
    .subquery("of_waits")
)
FIGURES: Final = compiled("figures", select(*_rows.c, *_events.c, *_ends.c, *_waits.c))


class SqlImports:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, row: ImportedRow) -> None:
        """As `Imports.add` says; whether the line is new shows when it is written."""
        self._transaction.write(WAIT_FOR_NO_DISK())
        self._transaction.write(
            ADD(
                account_id=self._transaction.account_id,
                log=row.log,
                line=row.line,
                case_name=row.case,
                session_id=row.session_id,
                outcome=row.outcome,
            )
        )

    async def settle(self) -> None:
        """As `Imports.settle` says."""
        self._transaction.write(SETTLE(account_id=self._transaction.account_id))


def imported_call(account_id: AccountId, log: str) -> Call:
    """What reads how far each case of a log is."""
    return IMPORTED(account_id=account_id, log=log)


def imported_of(result: Result) -> Mapping[str, ImportedCase]:
    """What the result of `imported_call` says."""
    return {row.case_name: ImportedCase(session_id=SessionId(row.session_id), lines=tuple(row.lines)) for row in result.rows}


def figures_call(account_id: AccountId, log: str) -> Call:
    """What counts what became of the sessions of a log."""
    return FIGURES(account_id=account_id, log=log)


def figures_of(result: Result) -> Figures:
    """What the result of `figures_call` says."""
    (row,) = result.rows
    counts = row._asdict()
    median, p90 = counts.pop("median"), counts.pop("p90")
    return Figures(
        **counts,
        time_to_claim_median_s=None if median is None else round(median),
        time_to_claim_p90_s=None if p90 is None else round(p90),
    )
