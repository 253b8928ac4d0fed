"""What was done to one account, inside one unit of work."""

from collections.abc import Sequence

from attrs import frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.audit import AuditEntry, AuditHead, Deed
from flowpilot_core.ports.access import Audited


@frozen
class MemoryAuditLog:
    """Inside one unit of work."""

    _work: Transaction

    async def add(self, deed: Deed) -> AuditEntry:
        """As `AuditLog.add` says."""
        await self._work.lock("audit log")
        entry = (await self.head()).entry(self._work.account_id, deed)
        self._work.rows.audit.put(entry.number, entry)
        return entry

    async def head(self) -> AuditHead:
        """As `AuditLog.head` says."""
        return max((entry.head for entry in self._work.rows.audit.values()), key=lambda head: head.number, default=AuditHead())

    async def page(self, *, before: int | None, limit: int) -> Sequence[Audited]:
        """As `AuditLog.page` says."""
        entries = [entry for entry in self._work.rows.audit.values() if before is None or entry.number < before]
        return [Audited(entry=entry, name=self._name(entry)) for entry in sorted(entries, key=_number, reverse=True)[:limit]]

    def _name(self, entry: AuditEntry) -> str | None:
        by = entry.deed.by
        return None if by is None else reading.names(self._work.rows, (by,)).get(by)


def _number(entry: AuditEntry) -> int:
    return entry.number
