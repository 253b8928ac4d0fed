"""People and teams: who is here, and who comes and goes."""

from uuid import UUID

from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.ports.access import Member, TeamDetail
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.access.people import ChangeTeam, ChangeUser, Invite, NewTeam, TeamOut, UserOut
from flowpilot_http.schemas.kernel import Listed, Nothing, Page

part = Part("People")

USER = "/users/{user_id:str}"
TEAM = "/teams/{team_id:str}"


@part.reads("/users", Listed[UserOut], query=Page, problems=("invalid_cursor",))
async def list_users(request: Call) -> Body:
    """Everybody in your account, including those who were deactivated or have yet to accept."""
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[Member]:
        last = None if after is None else UserId(after)
        return list(await request.flowpilot.people.members(request.user, after=last, limit=limit))

    return await request.listed(page, "users", UUID, more, shown=UserOut.of, at=lambda member: member.user.id)


@part.reads("/users/me", UserOut)
async def me(request: Call) -> Body:
    """You."""
    await request.wanted(Nothing)
    return request.shown(UserOut.of(await request.flowpilot.people.member(request.user, request.user.user_id)))


@part.reads(USER, UserOut)
async def get_user(request: Call) -> Body:
    """One person."""
    await request.wanted(Nothing)
    return request.shown(UserOut.of(await request.flowpilot.people.member(request.user, request.user_id)))


@part.makes("/users", UserOut, body=Invite, problems=("not_found",))
async def invite(request: Call) -> Body:
    """Invite somebody by e-mail: they can do nothing until they follow the link, which is mailed after this is answered."""
    new = await request.read(Invite)
    return await request.changed(
        lambda change: request.flowpilot.people.invite(
            request.user,
            email=new.email,
            name=new.name,
            role=new.role,
            team_ids=[TeamId(team_id) for team_id in new.team_ids],
            request=change,
        ),
        UserOut.of,
        status=201,
    )


@part.moves(f"{USER}/invitation", UserOut, body=Nothing, problems=("invalid_transition",))
async def invite_again(request: Call) -> Body:
    """Mail another invitation to somebody who has not accepted; earlier links stop working."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.people.invite_again(request.user, request.user_id, request=change), UserOut.of
    )


@part.mends(USER, UserOut, body=ChangeUser, problems=("last_account_owner",))
async def change_user(request: Call) -> Body:
    """Give somebody another name, role or teams. Only an account owner makes or demotes account owners, and one must stay."""
    new = await request.read(ChangeUser)
    return await request.changed(
        lambda change: request.flowpilot.people.change(
            request.user,
            request.user_id,
            name=new.name,
            role=new.role,
            team_ids=None if new.team_ids is None else [TeamId(team_id) for team_id in new.team_ids],
            request=change,
        ),
        UserOut.of,
    )


@part.moves(f"{USER}/deactivate", UserOut, body=Nothing, problems=("last_account_owner", "invalid_transition"))
async def deactivate(request: Call) -> Body:
    """End all that somebody can do here, within a second; what they did stays readable. Anybody may leave like this themselves."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.people.deactivate(request.user, request.user_id, request=change), UserOut.of
    )


@part.moves(f"{USER}/reactivate", UserOut, body=Nothing, problems=("invalid_transition",))
async def reactivate(request: Call) -> Body:
    """Let somebody back in who was deactivated."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.people.reactivate(request.user, request.user_id, request=change), UserOut.of
    )


@part.reads("/teams", Listed[TeamOut], query=Page, problems=("invalid_cursor",))
async def list_teams(request: Call) -> Body:
    """The teams of your account with who is in them, archived ones too."""
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[TeamDetail]:
        last = None if after is None else TeamId(after)
        return list(await request.flowpilot.people.teams(request.user, after=last, limit=limit))

    return await request.listed(page, "teams", UUID, more, shown=TeamOut.of, at=lambda detail: detail.team.id)


@part.reads(TEAM, TeamOut)
async def get_team(request: Call) -> Body:
    """One team."""
    await request.wanted(Nothing)
    return request.shown(TeamOut.of(await request.flowpilot.people.team(request.user, request.team_id)))


@part.makes("/teams", TeamOut, body=NewTeam, problems=("not_found",))
async def make_team(request: Call) -> Body:
    """Make a team."""
    new = await request.read(NewTeam)
    return await request.changed(
        lambda change: request.flowpilot.people.add_team(
            request.user, name=new.name, member_ids=[UserId(user_id) for user_id in new.member_ids], request=change
        ),
        TeamOut.of,
        status=201,
    )


@part.mends(TEAM, TeamOut, body=ChangeTeam)
async def change_team(request: Call) -> Body:
    """Give a team another name or other members, or archive it."""
    new = await request.read(ChangeTeam)
    return await request.changed(
        lambda change: request.flowpilot.people.change_team(
            request.user,
            request.team_id,
            name=new.name,
            member_ids=None if new.member_ids is None else [UserId(user_id) for user_id in new.member_ids],
            archived=new.archived,
            request=change,
        ),
        TeamOut.of,
    )


ROUTES = (
    list_users,
    me,
    get_user,
    invite,
    invite_again,
    change_user,
    deactivate,
    reactivate,
    list_teams,
    get_team,
    make_team,
    change_team,
)
