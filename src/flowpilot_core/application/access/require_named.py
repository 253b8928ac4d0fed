"""Who is named in a request is of the account."""

from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.ports.access import AccessWork


async def require_named(work: AccessWork, team_id: TeamId | None, user_id: UserId | None) -> None:
    """Raises `NotFound` for a team or a person that is named and not of the account."""
    if team_id is not None:
        await work.people.require_team(team_id)
    if user_id is not None:
        await work.people.user(user_id)
