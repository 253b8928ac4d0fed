"""Who of the account is who in its PSAs."""

from typing import Protocol

from flowpilot_core.domain.identifiers import PsaConnectionId, UserId
from flowpilot_core.domain.psa_member import MemberMatch


class PsaMembers(Protocol):
    """Of one account, inside one unit of work."""

    async def match(self, connection_id: PsaConnectionId, user_id: UserId) -> MemberMatch | None:
        """What the last look for somebody came to, however long ago; None where nobody looked yet."""

    async def keep(self, match: MemberMatch) -> None:
        """Keep it, in place of the one before."""
