"""How much may be on its way to one place at once, so that one that hangs leaves room for the others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from attrs import field, frozen

from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Lease, RelayWork, Work, WorkKind

MOST_ON_ONE = 5
"""Pieces of work to one place that are on their way at once."""
BETWEEN_TURNS = timedelta(seconds=0.2)
"""Between those that found their place busy, as they come again."""


@frozen
class Turns:
    """Counted in this process. A place is a connection to a PSA or a webhook, by its id."""

    _on_their_way: Counter[UUID] = field(factory=Counter, init=False)
    _next: dict[UUID, datetime] = field(factory=dict, init=False)

    def are_taken(self, place: UUID) -> bool:
        """Whether no more may go there now."""
        return self._on_their_way[place] >= MOST_ON_ONE

    @contextmanager
    def one(self, place: UUID) -> Iterator[None]:
        """One is on its way there until the end of the block."""
        self._on_their_way[place] += 1
        try:
            yield
        finally:
            self._on_their_way[place] -= 1

    async def come_again(self, begin: BeginWork[RelayWork], lease: Lease, kind: WorkKind, place: UUID, *, at: datetime) -> None:
        """One after the other, so that a long queue costs few looks; having waited counts as nothing."""
        turn = self._next[place] = max(at, self._next.get(place, at)) + BETWEEN_TURNS
        async with begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            await work.due.add(Work(id=lease.work_id, kind=kind, due_at=turn))
            await work.commit()
