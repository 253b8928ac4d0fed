"""The audit log of an account, which grows and never changes."""

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.audit import AuditEntry, AuditHead, Deed


@frozen(kw_only=True)
class Audited:
    """An entry, and what its person is called."""

    entry: AuditEntry
    name: str | None


class AuditLog(Protocol):
    """What was done to one account, inside one unit of work."""

    async def add(self, deed: Deed) -> AuditEntry:
        """Enter a deed after the last one; it commits with what was done. Whoever comes next waits until this unit of work ends."""

    async def head(self) -> AuditHead:
        """The end of the log as it is; number 0 before the first entry."""

    async def page(self, *, before: int | None, limit: int) -> Sequence[Audited]:
        """The newest entries first, from the one before number `before`."""
