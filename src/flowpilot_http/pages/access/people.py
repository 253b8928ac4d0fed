"""Settings: who is here, and who comes and goes."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.access.account import UserState
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_http.pages.colleagues import MOST
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page, shown_as
from flowpilot_http.schemas.access.people import UserOut

move: Final = Moves()


class Invite(Move, kw_only=True, frozen=True):
    """Whom, and what they will be."""

    email: str = ""
    name: str = ""
    role: Role = Role.ENGINEER
    teams: list[UUID] = []


@move("invite", Invite)
async def invite(request: Visit, person: Person, form: Invite) -> None:
    """By a mail with a link."""
    teams, people = [TeamId(team) for team in form.teams], request.flowpilot.people
    await request.do(
        form,
        lambda change: people.invite(person, email=form.email, name=form.name, role=form.role, team_ids=teams, request=change),
    )


class Somebody(Move, kw_only=True, frozen=True):
    """Who, and how they were shown."""

    user: UUID
    shown: str = ""


class Change(Somebody, kw_only=True, frozen=True):
    """Another name or role."""

    name: str | None = None
    role: Role | None = None


@move("change", Change)
async def change_user(request: Visit, person: Person, form: Change) -> Shown | None:
    """From now on; unless somebody else has given them another role meanwhile."""
    who, people = UserId(form.user), request.flowpilot.people
    role = (await people.member(person, who)).user.role
    if form.shown not in ("", shown_as(role)) and form.role != role:
        return {"stale": form}
    await request.do(form, lambda change: people.change(person, who, name=form.name, role=form.role, request=change))
    return None


@move("again", Somebody)
async def invite_again(request: Visit, person: Person, form: Somebody) -> None:
    """Another link."""
    await request.do(form, lambda change: request.flowpilot.people.invite_again(person, UserId(form.user), request=change))


@move("deactivate", Somebody)
@move("reactivate", Somebody)
async def let_in_or_out(request: Visit, person: Person, form: Somebody) -> Shown | None:
    """Out, where what they did stays readable, or back in; unless somebody else has changed them meanwhile."""
    people, out, who = request.flowpilot.people, form.move == "deactivate", UserId(form.user)
    now = UserOut.of(await people.member(person, who))
    if form.shown not in ("", _shown_as(now)) and out != (now.state is UserState.DEACTIVATED):
        return {"stale": form}
    use_case = people.deactivate if out else people.reactivate
    await request.do(form, lambda change: use_case(person, who, request=change))
    return None


def _shown_as(one: UserOut) -> str:
    return shown_as([one.name, one.role, one.state])


async def _facts(request: Visit, person: Person) -> Shown:
    people = request.flowpilot.people
    teams = await people.teams(person, after=None, limit=MOST)
    return {
        "people": sorted(
            (UserOut.of(one) for one in await people.members(person, after=None, limit=MOST)), key=lambda one: (one.state, one.name)
        ),
        "teams": [(one.team.id, one.team.name) for one in teams if one.team.archived_at is None],
        "team_names": {one.team.id: one.team.name for one in teams},
        "shown_as": _shown_as,
        "role_as": shown_as,
        "roles": [(role, role.capitalize()) for role in Role],
    }


ROUTES = settings_page("people", _facts, move)
