"""The account itself, its teams, people and tokens, inside one unit of work."""

from typing import Any, Final

from sqlalchemy import BindParameter, Uuid, any_, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_core.domain.account import Account, ApiToken, Team, User
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.identifiers import TeamId, UserId

from . import records
from .errors import STALE
from .queries import ACCOUNT, columns_but_account, only_saved, own
from .schema import account, api_token, event_counter, person, team, team_membership
from .statement import compiled
from .transaction import Transaction

ID: Final[BindParameter[Any]] = bindparam("id")

TEAM_IDS: Final = func.array(
    select(team_membership.c.team_id).where(own(team_membership), team_membership.c.user_id == person.c.id).scalar_subquery()
).label("team_ids")
_user = select(*columns_but_account(person), TEAM_IDS).where(own(person))
_team_ids = bindparam("team_ids", type_=ARRAY(Uuid))

ADD_ACCOUNT: Final = compiled("add account", insert(account).values({column: bindparam(column.name) for column in account.c}))
ADD_COUNTER: Final = compiled("add event counter", insert(event_counter).values(account_id=ACCOUNT, number=literal_column("0")))
ACCOUNT_ITSELF: Final = compiled("account", select(account).where(own(account)))
ADD_USER: Final = compiled("add user", insert(person).values({column: bindparam(column.name) for column in person.c}))
SAVE_USER: Final = only_saved(
    "save user",
    update(person)
    .where(person.c.account_id == ACCOUNT, person.c.id == bindparam("user_id"))
    .values({name: bindparam(f"new_{name}") for name in ("email", "folded_email", "name", "role", "deactivated_at")}),
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
TEAM: Final = compiled("team", select(team.c.id).where(own(team), team.c.id == ID))
TEAMS: Final = compiled("teams", select(team.c.id, team.c.name).where(own(team)).order_by(team.c.id))
ADD_TOKEN: Final = compiled("add token", insert(api_token).values({column: bindparam(column.name) for column in api_token.c}))


class SqlPeople:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add_account(self, new: Account) -> None:
        """As `People.add_account` says."""
        self._transaction.write(ADD_ACCOUNT(account_id=new.id, name=new.name, created_at=new.created_at))
        self._transaction.write(ADD_COUNTER(account_id=new.id))

    async def add_user(self, user: User) -> None:
        """As `People.add_user` says, at once."""
        await self._transaction.read(
            ADD_USER(
                account_id=self._account_id,
                id=user.id,
                email=user.email,
                folded_email=user.email.casefold(),
                name=user.name,
                role=user.role,
                deactivated_at=user.deactivated_at,
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
                new_folded_email=user.email.casefold(),
                new_name=user.name,
                new_role=user.role,
                new_deactivated_at=user.deactivated_at,
            )
        )
        self._transaction.write(LEAVE_TEAMS(account_id=self._account_id, user_id=user.id, team_ids=team_ids))
        self._transaction.write(JOIN_TEAMS(account_id=self._account_id, user_id=user.id, team_ids=team_ids))

    async def add_team(self, new: Team) -> None:
        """As `People.add_team` says, at once."""
        await self._transaction.read(ADD_TEAM(account_id=self._account_id, id=new.id, name=new.name))

    async def add_token(self, token: ApiToken) -> None:
        """As `People.add_token` says; at the commit where nothing is read before."""
        self._transaction.write(
            ADD_TOKEN(account_id=self._account_id, id=token.id, user_id=token.user_id, digest=token.digest, created_at=token.created_at)
        )

    async def account(self) -> Account:
        """As `People.account` says."""
        (found,) = await self._transaction.read(ACCOUNT_ITSELF(account_id=self._account_id))
        row = found.first
        if row is None:
            raise NotFound("account")
        return Account(id=row.account_id, name=row.name, created_at=row.created_at)

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
        return tuple(Team(id=row.id, name=row.name) for row in found.rows)

    async def require_team(self, team_id: TeamId) -> None:
        """As `People.require_team` says."""
        (found,) = await self._transaction.read(TEAM(account_id=self._account_id, id=team_id))
        if found.first is None:
            raise NotFound("team")
