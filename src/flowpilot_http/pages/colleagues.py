"""People and teams, as pages let somebody choose among them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Person

from .page_request import Visit

MOST: Final = 500

Choice = tuple[UUID | str, str]


@frozen(kw_only=True)
class Colleagues:
    """Who there is, by name."""

    people: Sequence[Choice]
    """Those who can work."""
    teams: Sequence[Choice]
    names: dict[UUID, str]
    """Of everybody, also who left."""

    @classmethod
    async def of(cls, request: Visit, person: Person) -> "Colleagues":
        """Those of the account of whoever is signed in."""
        members, teams = await request.flowpilot.people.colleagues(person, limit=MOST)
        return cls(
            people=sorted(
                ((one.user.id, one.user.name) for one in members if one.user.deactivated_at is None), key=lambda choice: choice[1]
            ),
            teams=sorted(((one.team.id, one.team.name) for one in teams if not one.team.archived_at), key=lambda choice: choice[1]),
            names={one.user.id: one.user.name for one in members},
        )

    def team(self, team_id: UUID | None) -> str | None:
        """What a team is called."""
        return next((name for id_, name in self.teams if id_ == team_id), None)
