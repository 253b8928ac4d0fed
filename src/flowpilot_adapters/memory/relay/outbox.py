"""The due work of all accounts, as a relay sees it."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from flowpilot_adapters.memory.locks import Locks
from flowpilot_adapters.memory.tables import DueWork, Tables
from flowpilot_adapters.memory.transaction import due_key
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Clock, NewId
from flowpilot_core.ports.relay import Lease


@frozen(kw_only=True)
class MemoryOutbox:
    """Takes due work from every account of a store."""

    accounts: Mapping[AccountId, Tables]
    locks: Locks
    clock: Clock
    new_token: NewId
    _served: dict[str, AccountId] = field(factory=dict, init=False)
    """Who had the last turn in each lane."""

    async def take(
        self, room: Mapping[str, int], *, others: int = 0, holding: Collection[Lease] = (), lease_for: timedelta
    ) -> Sequence[Lease]:
        """As `Outbox.take` says."""
        await asyncio.sleep(0)
        now = self.clock.now()
        lanes = [(kind, most, frozenset({kind})) for kind, most in room.items()]
        there = {row.kind for tables in self.accounts.values() for row in tables.due.values()} | {lease.kind for lease in holding}
        return [
            lease
            for lane, free, kinds in (*lanes, ("", others, frozenset(there) - frozenset(room)))
            for lease in self._taken(lane, kinds, free, [lease for lease in holding if lease.kind in kinds], now, until=now + lease_for)
        ]

    def _taken(
        self, lane: str, kinds: frozenset[str], free: int, holding: Sequence[Lease], now: datetime, *, until: datetime
    ) -> Iterator[Lease]:
        """An account's turn is the later, the more of its work is held or stands before in line; those who hold as many go round."""
        held, served = Counter(lease.account_id for lease in holding), self._served.get(lane)
        turns = sorted(
            (held[account_id] + place, served is not None and account_id <= served, account_id, row.id)
            for account_id, tables in self.accounts.items()
            for place, row in enumerate(self._line(account_id, tables, now, kinds, holding))
        )
        for taken, (holds, _, account_id, work_id) in enumerate(turns):
            if holds >= free - taken:
                return
            due = self.accounts[account_id].due
            row = due[work_id]
            token = self.new_token()
            self._served[lane] = account_id
            due[work_id] = evolve(row, takes=row.takes + 1, lease_token=token, lease_until=until)
            yield Lease(account_id=account_id, work_id=work_id, kind=row.kind, token=token, takes=row.takes + 1, target=row.target)

    def _line(
        self, account_id: AccountId, tables: Tables, now: datetime, kinds: frozenset[str], holding: Sequence[Lease]
    ) -> Iterator[DueWork]:
        """What an account may have done now, in its order: to each target one piece."""
        busy = {lease.target for lease in holding if lease.account_id == account_id}
        for row in sorted(self._free(account_id, tables, now, kinds), key=lambda row: (row.queue_rank, row.due_at, row.id)):
            if row.target is None or row.target not in busy:
                busy.add(row.target)
                yield row

    async def holders(self, *, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """As `SecretHolders.holders` says."""
        await asyncio.sleep(0)
        holders = (account_id for account_id, tables in self.accounts.items() if account_id in tables.due)
        return sorted(account_id for account_id in holders if after is None or account_id > after)[:limit]

    async def lag(self) -> float:
        """As `Outbox.lag` says."""
        return max((await self.lags()).values(), default=0.0)

    async def lags(self) -> Mapping[str, float]:
        """As `Outbox.lags` says."""
        await asyncio.sleep(0)
        now = self.clock.now()
        waiting = [row for account_id, tables in self.accounts.items() for row in self._free(account_id, tables, now)]
        return {
            kind: max((now - row.due_at).total_seconds() for row in waiting if row.kind == kind) for kind in {row.kind for row in waiting}
        }

    def _free(self, account_id: AccountId, tables: Tables, now: datetime, kinds: frozenset[str] | None = None) -> Iterator[DueWork]:
        for row in tables.due.values():
            if (
                (kinds is None or row.kind in kinds)
                and row.due_at <= now
                and not _held(row, now)
                and self.locks.free((account_id, *due_key(row.id)))
            ):
                yield row


def _held(row: DueWork, now: datetime) -> bool:
    return row.lease_until is not None and row.lease_until > now
