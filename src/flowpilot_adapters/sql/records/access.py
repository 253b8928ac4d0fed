"""Rows about access as values of the domain."""

from typing import Any, Final

from flowpilot_adapters.sql.records.kernel import converter, record
from flowpilot_core.domain.access.account import ApiToken, Team, User
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.access.sign_in_code import SignInCode
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.ports.access import Member, TeamDetail

user: Final = record(User)


api_token: Final = record(ApiToken)


invitation: Final = record(Invitation)


sign_in_code: Final = record(SignInCode)


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
