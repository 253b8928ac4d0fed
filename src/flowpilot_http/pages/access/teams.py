"""Settings: teams, and who is in them."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.ports.access import TeamDetail
from flowpilot_http.pages.colleagues import MOST, Colleagues
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page, shown_as

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
    shown: str = ""


@move("change", Change)
async def change_team(request: Visit, person: Person, form: Change) -> Shown | None:
    """Another name, others in it; unless somebody else has changed either meanwhile."""
    members, team_id, people = [UserId(one) for one in form.members], TeamId(form.team), request.flowpilot.people
    now, wanted = _set(await people.team(person, team_id)), [checked_name(form.name), sorted(set(members))]
    if form.shown not in ("", shown_as(now)) and wanted != now:
        return {"stale": form}
    await request.do(
        form, lambda change: people.change_team(person, team_id, name=form.name, member_ids=members, archived=None, request=change)
    )
    return None


def _set(team: TeamDetail) -> list[object]:
    return [team.team.name, sorted(team.member_ids)]


class Shelve(Move, kw_only=True, frozen=True):
    """Which one, and how it was shown."""

    team: UUID
    shown: str = ""


@move("archive", Shelve)
@move("unarchive", Shelve)
async def archive_team(request: Visit, person: Person, form: Shelve) -> Shown | None:
    """Nothing is meant for it any more, or is again; unless somebody else has changed it meanwhile."""
    archived, team_id, people = form.move == "archive", TeamId(form.team), request.flowpilot.people
    now = await people.team(person, team_id)
    if form.shown not in ("", shown_as(_set(now))) and archived != (now.team.archived_at is not None):
        return {"stale": form}
    await request.do(
        form, lambda change: people.change_team(person, team_id, name=None, member_ids=None, archived=archived, request=change)
    )
    return None


async def _facts(request: Visit, person: Person) -> Shown:
    teams = await request.flowpilot.people.teams(person, after=None, limit=MOST)
    return {
        "teams": teams,
        "shown_as": {one.team.id: shown_as(_set(one)) for one in teams},
        "colleagues": await Colleagues.of(request, person),
    }


ROUTES = settings_page("teams", _facts, move)
