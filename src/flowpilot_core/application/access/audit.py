"""Use cases of the audit log: read it, and see that nobody has changed it."""

from collections.abc import Sequence

from attrs import frozen

from flowpilot_core.domain.access.audit import AuditBroken, AuditHead, unbroken
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.ports.access import AccessWork, Audited
from flowpilot_core.ports.kernel import BeginWork

AT_ONCE = 500
"""Entries that one look takes."""


@frozen(kw_only=True)
class Auditing:
    """What was done to an account. It is entered by the use cases that do it."""

    begin: BeginWork[AccessWork]

    async def page(self, actor: Actor, *, before: int | None, limit: int) -> Sequence[Audited]:
        """The newest entries first. Raises `RoleForbidden`."""
        require_role(actor, Permission.READ_AUDIT_LOG)
        async with self.begin(actor.account_id) as work:
            return await work.audit.page(before=before, limit=limit)

    async def verify(self, account_id: AccountId) -> AuditHead:
        """Where the log ends, if all of it is as it was written. Raises `AuditBroken`, or `NotFound` for an unknown account."""
        async with self.begin(account_id) as work:
            await work.people.account()
            head = await work.audit.head()
        rest = head
        while True:
            async with self.begin(account_id) as work:
                page = await work.audit.page(before=rest.number + 1, limit=AT_ONCE)
            rest = unbroken(account_id, rest, [one.entry for one in page])
            if len(page) < AT_ONCE:
                break
        if rest != AuditHead():
            raise AuditBroken(rest.number)
        return head
