"""People and teams."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.domain.access.account import LONGEST_EMAIL, UserState
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.ports.access import Member, TeamDetail
from flowpilot_http.schemas.kernel import Closed, Instant, Line

MOST_TEAMS = 100
MOST_MEMBERS = 1000

Email = Annotated[str, Meta(extra_json_schema={"minLength": 3, "maxLength": LONGEST_EMAIL, "format": "email"})]
TeamIds = Annotated[list[UUID], Meta(max_length=MOST_TEAMS)]
MemberIds = Annotated[list[UUID], Meta(max_length=MOST_MEMBERS)]


class Invite(Closed, kw_only=True, frozen=True):
    """Somebody new: they can do nothing until they follow the link that is mailed to them."""

    email: Email
    name: Line
    role: Role
    team_ids: TeamIds = []


class ChangeUser(Closed, kw_only=True, frozen=True):
    """What is different about a person; what is left out stays."""

    name: Line | None = None
    role: Role | None = None
    team_ids: TeamIds | None = None


class NewTeam(Closed, kw_only=True, frozen=True):
    """A team, with whoever is in it."""

    name: Line
    member_ids: MemberIds = []


class ChangeTeam(Closed, kw_only=True, frozen=True):
    """What is different about a team; what is left out stays."""

    name: Line | None = None
    member_ids: MemberIds | None = None
    archived: Annotated[bool | None, Meta(description="Nothing new can be sent to an archived team.")] = None


class InvitationOut(msgspec.Struct, kw_only=True, frozen=True):
    """An invitation that is not accepted yet, and how far mailing it has got."""

    mail: DeliveryState
    attempts: int
    last_error: str | None
    created_at: Instant
    expires_at: Instant

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOut":
        """As clients read it."""
        return cls(
            mail=invitation.mail,
            attempts=invitation.attempts,
            last_error=invitation.last_error,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


class UserOut(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody of the account."""

    id: UUID
    email: str
    name: str
    role: Role
    state: UserState
    team_ids: list[UUID]
    created_at: Instant
    deactivated_at: Instant | None
    invitation: InvitationOut | None

    @classmethod
    def of(cls, member: Member) -> "UserOut":
        """As clients read it."""
        user, invitation = member.user, member.invitation
        deactivated_at: datetime | None = user.deactivated_at if user.state is UserState.DEACTIVATED else None
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            state=user.state,
            team_ids=sorted(user.team_ids),
            created_at=user.created_at,
            deactivated_at=deactivated_at,
            invitation=None if invitation is None else InvitationOut.of(invitation),
        )


class TeamOut(msgspec.Struct, kw_only=True, frozen=True):
    """A team."""

    id: UUID
    name: str
    member_ids: list[UUID]
    archived_at: Instant | None

    @classmethod
    def of(cls, detail: TeamDetail) -> "TeamOut":
        """As clients read it."""
        team = detail.team
        return cls(id=team.id, name=team.name, member_ids=sorted(detail.member_ids), archived_at=team.archived_at)
