"""Settings: teams, and who is in them."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_http.pages.colleagues import MOST, Colleagues
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page

move: Final = Moves()


class Make(Move, kw_only=True, frozen=True):
    """What it is called, and who is in it."""

    name: str = ""
    members: list[UUID] = []


@move("make", Make)
async def make_team(request: Visit, person: Person, form: Make) -> None:
    """From now on there is one more."""
    members = [UserId(one) for one in form.members]
    await request.do(form, lambda change: request.flowpilot.people.add_team(person, name=form.name, member_ids=members, request=change))


class Change(Make, kw_only=True, frozen=True):
    """Which one."""

    team: UUID


@move("change", Change)
async def change_team(request: Visit, person: Person, form: Change) -> None:
    """Another name, others in it."""
    members, team_id, people = [UserId(one) for one in form.members], TeamId(form.team), request.flowpilot.people
    await request.do(
        form, lambda change: people.change_team(person, team_id, name=form.name, member_ids=members, archived=None, request=change)
    )


class Shelve(Move, kw_only=True, frozen=True):
    """Which one."""

    team: UUID


@move("archive", Shelve)
@move("unarchive", Shelve)
async def archive_team(request: Visit, person: Person, form: Shelve) -> None:
    """Nothing is meant for it any more, or is again."""
    archived, team_id, people = form.move == "archive", TeamId(form.team), request.flowpilot.people
    await request.do(
        form, lambda change: people.change_team(person, team_id, name=None, member_ids=None, archived=archived, request=change)
    )


async def _facts(request: Visit, person: Person) -> Shown:
    return {
        "teams": await request.flowpilot.people.teams(person, after=None, limit=MOST),
        "colleagues": await Colleagues.of(request, person),
    }


ROUTES = settings_page("teams", _facts, move)
