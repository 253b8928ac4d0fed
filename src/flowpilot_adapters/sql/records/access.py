"""Rows about access as values of the domain."""

from typing import Any, Final

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.records.kernel import converter, record
from flowpilot_core.domain.access.account import ApiToken, Team, User
from flowpilot_core.domain.access.branding import Branding, Colour, Logo, LogoFile, Worn
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.access.sign_in_code import SignInCode
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.ports.access import Member, TeamDetail

user: Final = record(User)


api_token: Final = record(ApiToken)


invitation: Final = record(Invitation)


sign_in_code: Final = record(SignInCode)


def branding(row: Any) -> Branding:
    """What an account shows of itself; without a row, nothing."""
    if row is None:
        return Branding()
    return Branding(
        version=row.version,
        display_name=row.display_name,
        colour=Colour(row.colour) if row.colour else None,
        website=row.website,
        footer=row.footer,
        mail_sender_name=row.mail_sender_name,
        logo=documents.read(row.logo, Logo) if row.logo else None,
    )


def worn(row: Any) -> Worn:
    """The same, with the small file of its logo."""
    said = branding(row)
    return Worn(branding=said, logo=_image(said.logo.worn, row.logo_worn) if said.logo else None)


def logo(row: Any) -> Image:
    """The whole file of a logo. Raises `NotFound` without a row."""
    if row is None:
        raise NotFound("logo")
    return _image(documents.read(row.logo, Logo).whole, row.logo_whole)


def _image(said: LogoFile, content: bytes) -> Image:
    return Image(type=said.type, width=said.width, height=said.height, content=content)


def way_in(row: Any) -> WayIn | None:
    """By what somebody came in, in a row that has the columns of it."""
    return None if row.way is None else WayIn(way=Way(row.way), id=row.way_id)


def member(row: Any) -> Member:
    """Somebody, with the invitation that a query joins under `invitation_…`, if they have one."""
    if row.invitation_id is None:
        return Member(user=user(row))
    columns = {name.removeprefix("invitation_"): value for name, value in row._asdict().items() if name.startswith("invitation_")}
    return Member(user=user(row), invitation=converter.structure(columns, Invitation))


def team(row: Any) -> TeamDetail:
    """A team with the ids of its members."""
    return TeamDetail(team=Team(id=row.id, name=row.name, archived_at=row.archived_at), member_ids=frozenset(row.member_ids))
