"""Who of the account is who in its PSAs."""

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, UserId
from flowpilot_core.domain.psa.member import MemberMatch


@frozen
class MemoryPsaMembers:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def match(self, connection_id: PsaConnectionId, user_id: UserId) -> MemberMatch | None:
        """As `PsaMembers.match` says."""
        return self._work.rows.psa_members.get((connection_id, user_id))

    async def keep(self, match: MemberMatch) -> None:
        """As `PsaMembers.keep` says."""
        self._work.rows.psa_members.put((match.connection_id, match.user_id), match)
