"""Who is invited, and what there is to see of people and teams."""

from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.account import Team, User
from flowpilot_core.domain.identifiers import InvitationId, UserId
from flowpilot_core.domain.invitation import Invitation


@frozen(kw_only=True)
class Member:
    """Somebody of the account, active or not, with the invitation they have yet to accept."""

    user: User
    invitation: Invitation | None = None


@frozen(kw_only=True)
class TeamDetail:
    """A team, and who is in it."""

    team: Team
    member_ids: frozenset[UserId] = frozenset()


class Invitations(Protocol):
    """The open invitations of one account, inside one unit of work."""

    async def add(self, invitation: Invitation) -> None:
        """Keep a new one, in place of any that its person had: the links of that one are void."""

    async def get(self, invitation_id: InvitationId) -> Invitation:
        """Raises `NotFound`, also where another has taken its place."""

    async def by(self, digest: bytes) -> Invitation:
        """The one that was mailed with this digest's secret. Raises `NotFound`."""

    async def save(self, invitation: Invitation) -> None:
        """Keep how far mailing it has got; nothing happens where it is no longer there."""

    async def drop(self, user_id: UserId) -> None:
        """Forget the one that this person has, if any."""
