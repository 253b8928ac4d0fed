"""Who is invited."""

import asyncio

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import InvitationId, UserId


@frozen
class MemoryInvitations:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, invitation: Invitation) -> None:
        """As `Invitations.add` says."""
        await self.drop(invitation.user_id)
        self._work.rows.invitations.put(invitation.id, invitation)

    async def get(self, invitation_id: InvitationId) -> Invitation:
        """As `Invitations.get` says."""
        await asyncio.sleep(0)
        found = self._work.rows.invitations.get(invitation_id)
        if found is None:
            raise NotFound("invitation")
        return found

    async def by(self, digest: bytes) -> Invitation:
        """As `Invitations.by` says."""
        await asyncio.sleep(0)
        found = next((one for one in self._work.rows.invitations.values() if digest in one.digests), None)
        if found is None:
            raise NotFound("invitation")
        return found

    async def save(self, invitation: Invitation) -> None:
        """As `Invitations.save` says."""
        if self._work.rows.invitations.get(invitation.id):
            self._work.rows.invitations.put(invitation.id, invitation)

    async def drop(self, user_id: UserId) -> None:
        """As `Invitations.drop` says."""
        for one in [one for one in self._work.rows.invitations.values() if one.user_id == user_id]:
            self._work.rows.invitations.drop(one.id)
