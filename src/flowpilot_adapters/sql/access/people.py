"""The account itself, its teams and people, inside one unit of work."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, Uuid, any_, bindparam, case, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import ACCOUNT, LIMIT, columns_but_account, only_saved, own
from flowpilot_adapters.sql.records import access as records
from flowpilot_adapters.sql.schema import account, event_counter, invitation, person, team, team_membership
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.account import Account, Team, User
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, TeamId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.ports.access import Member, TeamDetail

ID: Final[BindParameter[Any]] = bindparam("id")

TEAM_IDS: Final = func.array(
    select(team_membership.c.team_id).where(own(team_membership), team_membership.c.user_id == person.c.id).scalar_subquery()
).label("team_ids")
_user = select(*columns_but_account(person), TEAM_IDS).where(own(person))
_team_ids = bindparam("team_ids", type_=ARRAY(Uuid))

ADD_ACCOUNT: Final = compiled("add account", insert(account).values({column: bindparam(column.name) for column in account.c}))
ADD_COUNTER: Final = compiled("add event counter", insert(event_counter).values(account_id=ACCOUNT, number=literal_column("0")))
SAVE_ACCOUNT: Final = compiled(
    "save account",
    update(account)
    .where(own(account))
    .values({name: bindparam(f"new_{name}") for name in ("redacts_personal", "mails_a_minute", "time_zone")}),
)
SET_CLOSED: Final = compiled("close account", update(account).where(own(account)).values(closed_at=bindparam("new_closed_at")))
ACCOUNT_ITSELF: Final = compiled("account", select(account).where(own(account)))
ADD_USER: Final = compiled("add user", insert(person).values({column: bindparam(column.name) for column in person.c}))
NEW_EMAIL: Final[BindParameter[Any]] = bindparam("new_email", type_=person.c.email.type)
NEW_FOLDED_EMAIL: Final[BindParameter[Any]] = bindparam("new_folded_email", type_=person.c.email.type)
SAVE_USER: Final = only_saved(
    "save user",
    update(person)
    .where(person.c.account_id == ACCOUNT, person.c.id == bindparam("user_id"))
    .values(email=NEW_EMAIL, **{name: bindparam(f"new_{name}") for name in ("name", "role", "deactivated_at", "invited")})
    # Of two who had one address when it was first compared as it is now, one goes by another, and keeps it.
    .values(folded_email=case((person.c.email == NEW_EMAIL, person.c.folded_email), else_=NEW_FOLDED_EMAIL)),
    STALE,
)
JOIN_TEAMS: Final = compiled(
    "join teams",
    upsert(team_membership)
    .from_select(
        ["account_id", "user_id", "team_id"],
        select(ACCOUNT, bindparam("user_id", type_=Uuid()), func.unnest(_team_ids)),
    )
    .on_conflict_do_nothing(index_elements=list(team_membership.primary_key)),
)
LEAVE_TEAMS: Final = compiled(
    "leave teams",
    delete(team_membership).where(
        own(team_membership), team_membership.c.user_id == bindparam("user_id"), ~(team_membership.c.team_id == any_(_team_ids))
    ),
)
USER: Final = compiled("user", _user.where(person.c.id == ID))
USERS: Final = compiled("users", _user.order_by(person.c.created_at, person.c.id))
ADD_TEAM: Final = compiled("add team", insert(team).values({column: bindparam(column.name) for column in team.c}))
TEAM: Final = compiled("team", select(team.c.id).where(own(team), team.c.id == ID, team.c.archived_at.is_(None)))
TEAMS: Final = compiled("teams", select(*columns_but_account(team)).where(own(team)).order_by(team.c.id))
SAVE_TEAM: Final = compiled(
    "save team",
    update(team)
    .where(team.c.account_id == ACCOUNT, team.c.id == bindparam("team_id"))
    .values(name=bindparam("new_name"), archived_at=bindparam("new_archived_at")),
)
_user_ids = bindparam("user_ids", type_=ARRAY(Uuid))
JOIN_TEAM: Final = compiled(
    "join team",
    upsert(team_membership)
    .from_select(
        ["account_id", "team_id", "user_id"],
        select(ACCOUNT, bindparam("team_id", type_=Uuid()), func.unnest(_user_ids)),
    )
    .on_conflict_do_nothing(index_elements=list(team_membership.primary_key)),
)
LEAVE_TEAM: Final = compiled(
    "leave team",
    delete(team_membership).where(
        own(team_membership), team_membership.c.team_id == bindparam("team_id"), ~(team_membership.c.user_id == any_(_user_ids))
    ),
)
_held = own(person) & ((person.c.id == any_(_user_ids)) | ((person.c.role == Role.OWNER) & person.c.deactivated_at.is_(None)))
HOLD: Final = compiled("hold people", select(person.c.id).where(_held).order_by(person.c.id).with_for_update(key_share=True))
"""In the order of their ids, so that two who hold the same people never wait for one another."""
HELD: Final = compiled("held people", _user.where(_held))

_invitation = [column.label(f"invitation_{column.name}") for column in columns_but_account(invitation)]
_member = (
    select(*columns_but_account(person), TEAM_IDS, *_invitation)
    .select_from(person.outerjoin(invitation, own(invitation) & (invitation.c.user_id == person.c.id)))
    .where(own(person))
)
MEMBER: Final = compiled("member", _member.where(person.c.id == ID))
AFTER: Final[BindParameter[Any]] = bindparam("after", type_=Uuid())
MEMBERS: Final = compiled("members", _member.where(person.c.id > AFTER).order_by(person.c.id).limit(LIMIT))

_member_ids = func.array(
    select(team_membership.c.user_id).where(own(team_membership), team_membership.c.team_id == team.c.id).scalar_subquery()
).label("member_ids")
_team = select(*columns_but_account(team), _member_ids).where(own(team))
TEAM_DETAIL: Final = compiled("team with members", _team.where(team.c.id == ID))
TEAM_PAGE: Final = compiled("teams with members", _team.where(team.c.id > AFTER).order_by(team.c.id).limit(LIMIT))


def member_call(account_id: AccountId, user_id: UserId) -> Call:
    """What reads one person."""
    return MEMBER(account_id=account_id, id=user_id)


def member_of(found: Result) -> Member:
    """What `member_call` read. Raises `NotFound`."""
    if found.first is None:
        raise NotFound("user")
    return records.member(found.first)


def team_call(account_id: AccountId, team_id: TeamId) -> Call:
    """What reads one team."""
    return TEAM_DETAIL(account_id=account_id, id=team_id)


def team_of(found: Result) -> TeamDetail:
    """What `team_call` read. Raises `NotFound`."""
    if found.first is None:
        raise NotFound("team")
    return records.team(found.first)


class SqlPeople:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add_account(self, new: Account) -> None:
        """As `People.add_account` says."""
        self._transaction.write(
            ADD_ACCOUNT(
                account_id=new.id,
                name=new.name,
                created_at=new.created_at,
                redacts_personal=new.redacts_personal,
                mails_a_minute=new.mails_a_minute,
                time_zone=new.time_zone,
                closed_at=new.closed_at,
            )
        )
        self._transaction.write(ADD_COUNTER(account_id=new.id))

    async def add_user(self, user: User) -> None:
        """As `People.add_user` says, at once."""
        await self._transaction.read(
            ADD_USER(
                account_id=self._account_id,
                id=user.id,
                email=user.email,
                folded_email=folded_email(user.email),
                name=user.name,
                role=user.role,
                deactivated_at=user.deactivated_at,
                invited=user.invited,
                created_at=user.created_at,
            ),
            JOIN_TEAMS(account_id=self._account_id, user_id=user.id, team_ids=list(user.team_ids)),
        )

    async def save_user(self, user: User) -> None:
        """As `People.save_user` says."""
        team_ids = list(user.team_ids)
        self._transaction.write(
            SAVE_USER(
                account_id=self._account_id,
                user_id=user.id,
                new_email=user.email,
                new_folded_email=folded_email(user.email),
                new_name=user.name,
                new_role=user.role,
                new_deactivated_at=user.deactivated_at,
                new_invited=user.invited,
            )
        )
        self._transaction.write(LEAVE_TEAMS(account_id=self._account_id, user_id=user.id, team_ids=team_ids))
        self._transaction.write(JOIN_TEAMS(account_id=self._account_id, user_id=user.id, team_ids=team_ids))

    async def add_team(self, new: Team) -> None:
        """As `People.add_team` says, at once."""
        await self._transaction.read(ADD_TEAM(account_id=self._account_id, id=new.id, name=new.name, archived_at=new.archived_at))

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `People.team` says."""
        return team_of(*await self._transaction.read(team_call(self._account_id, team_id)))

    async def save_team(self, changed: Team) -> None:
        """As `People.save_team` says, at once."""
        values = {"team_id": changed.id, "new_name": changed.name, "new_archived_at": changed.archived_at}
        await self._transaction.read(SAVE_TEAM(account_id=self._account_id, **values))

    async def set_members(self, team_id: TeamId, user_ids: Collection[UserId]) -> None:
        """As `People.set_members` says; at the commit where nothing is read before."""
        members = {"account_id": self._account_id, "team_id": team_id, "user_ids": list(user_ids)}
        self._transaction.write(LEAVE_TEAM(**members))
        self._transaction.write(JOIN_TEAM(**members))

    async def hold(self, *user_ids: UserId) -> Mapping[UserId, User]:
        """As `People.hold` says."""
        whom = {"account_id": self._account_id, "user_ids": list(user_ids)}
        _, found = await self._transaction.read(HOLD(**whom), HELD(**whom))
        held = {row.id: records.user(row) for row in found.rows}
        if not held.keys() >= set(user_ids):
            raise NotFound("user")
        return held

    async def member(self, user_id: UserId) -> Member:
        """As `People.member` says."""
        return member_of(*await self._transaction.read(member_call(self._account_id, user_id)))

    async def save_account(self, account: Account) -> None:
        """As `People.save_account` says."""
        kept = {f"new_{name}": getattr(account, name) for name in ("redacts_personal", "mails_a_minute", "time_zone")}
        self._transaction.write(SAVE_ACCOUNT(account_id=self._account_id, **kept))

    async def set_closed(self, closed_at: datetime | None) -> None:
        """As `People.set_closed` says."""
        self._transaction.write(SET_CLOSED(account_id=self._account_id, new_closed_at=closed_at))

    async def account(self) -> Account:
        """As `People.account` says."""
        (found,) = await self._transaction.read(ACCOUNT_ITSELF(account_id=self._account_id))
        row = found.first
        if row is None:
            raise NotFound("account")
        return Account(
            id=row.account_id,
            name=row.name,
            created_at=row.created_at,
            redacts_personal=row.redacts_personal,
            mails_a_minute=row.mails_a_minute,
            time_zone=row.time_zone,
            closed_at=row.closed_at,
        )

    async def user(self, user_id: UserId) -> User:
        """As `People.user` says."""
        (found,) = await self._transaction.read(USER(account_id=self._account_id, id=user_id))
        if found.first is None:
            raise NotFound("user")
        return records.user(found.first)

    async def users(self) -> tuple[User, ...]:
        """As `People.users` says."""
        (found,) = await self._transaction.read(USERS(account_id=self._account_id))
        return tuple(records.user(row) for row in found.rows)

    async def teams(self) -> tuple[Team, ...]:
        """As `People.teams` says."""
        (found,) = await self._transaction.read(TEAMS(account_id=self._account_id))
        return tuple(Team(id=row.id, name=row.name, archived_at=row.archived_at) for row in found.rows)

    async def require_team(self, team_id: TeamId) -> None:
        """As `People.require_team` says."""
        (found,) = await self._transaction.read(TEAM(account_id=self._account_id, id=team_id))
        if found.first is None:
            raise NotFound("team")
