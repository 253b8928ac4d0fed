"""The import's ledger, and what became of the sessions of a log."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from attrs import frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import Stale
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.replay import IGNORED, Figures, ImportedCase, ImportedRow


@frozen
class MemoryImports:
    """The import's ledger of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, row: ImportedRow) -> None:
        """As `Imports.add` says; of two at once the second waits for the first to end."""
        key = row.log, row.line
        await self._work.lock("import", *key)
        if self._work.rows.imports.get(key) is not None:
            raise Stale
        self._work.rows.imports.put(key, row)

    async def settle(self) -> None:
        """As `Imports.settle` says: nothing here outlives the process."""


def imported(rows: Working, log: str) -> Mapping[str, ImportedCase]:
    """How far each case of a log has been replayed."""
    by_case = sorted(_of(rows, log), key=lambda row: (row.case, row.line))
    cases = {case: list(done) for case, done in groupby(by_case, key=lambda row: row.case)}
    return {case: ImportedCase(session_id=done[0].session_id, lines=tuple([row.line for row in done])) for case, done in cases.items()}


def figures(rows: Working, events: Iterable[Event], log: str) -> Figures:
    """What became of the sessions of a log."""
    lines = _of(rows, log)
    ids = {line.session_id for line in lines}
    happened = [event for event in events if event.session_id in ids]
    kinds = Counter(event.kind for event in happened)
    statuses = Counter(session.status for session in rows.sessions.values() if session.id in ids)
    waits = sorted(_waits(happened))
    return Figures(
        sessions=len(ids),
        events=len(lines),
        escalations=kinds[EventKind.HANDOFF_ESCALATED],
        reroutes=kinds[EventKind.HANDOFF_REROUTED],
        claims=kinds[EventKind.HANDOFF_CLAIMED],
        withdrawn=kinds[EventKind.HANDOFF_WITHDRAWN],
        parks=kinds[EventKind.SESSION_PARKED],
        resumed=kinds[EventKind.SESSION_RESUMED],
        resolved=kinds[EventKind.SESSION_RESOLVED],
        abandoned=kinds[EventKind.SESSION_ABANDONED],
        reopened=kinds[EventKind.SESSION_REOPENED],
        ignored=sum(line.outcome == IGNORED for line in lines),
        open_at_end=statuses[Status.ESCALATED],
        parked_at_end=statuses[Status.PARKED],
        active_at_end=statuses[Status.ACTIVE],
        time_to_claim_median_s=round(statistics.median(waits)) if waits else None,
        time_to_claim_p90_s=round(waits[math.ceil(len(waits) * 0.9) - 1]) if waits else None,
    )


def _of(rows: Working, log: str) -> list[ImportedRow]:
    return [row for row in rows.imports.values() if row.log == log]


def _waits(happened: Iterable[Event]) -> Iterable[float]:
    """Seconds from each escalation to each of its claims."""
    since: dict[HandoffId | None, datetime] = {}
    for event in happened:
        if event.kind is EventKind.HANDOFF_ESCALATED:
            since[event.handoff_id] = event.at
        elif event.kind is EventKind.HANDOFF_CLAIMED:
            yield (event.at - since[event.handoff_id]).total_seconds()
