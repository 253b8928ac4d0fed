"""Use cases of an account: make it, its teams, people and tokens, and tell who a token stands for."""

from collections.abc import Collection, Mapping
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.domain.account import Account, ApiToken, Team, User, checked_email, checked_name
from flowpilot_core.domain.actor import Person, Role, System
from flowpilot_core.domain.audit import Deed, DeedKind
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.events import Plain
from flowpilot_core.domain.identifiers import AccountId, TeamId, TokenId, UserId
from flowpilot_core.domain.token import parse_token, token_digest, token_text
from flowpilot_core.ports.clock import Clock, NewId, NewSecret
from flowpilot_core.ports.persistence import BeginWork, UnitOfWork, ViewOf


@frozen(kw_only=True)
class Accounts:
    """What an operator does to accounts; nobody signed in reaches these."""

    begin: BeginWork
    view: ViewOf
    clock: Clock
    new_id: NewId
    new_secret: NewSecret

    async def create(self, name: str) -> Account:
        """A new account. Raises `InvalidValue`."""
        account = Account(id=AccountId(self.new_id()), name=checked_name(name), created_at=self.clock.now())
        async with self.begin(account.id) as work:
            await work.people.add_account(account)
            await work.commit()
        return account

    async def add_user(self, account_id: AccountId, *, email: str, name: str, role: Role, team_ids: Collection[TeamId] = ()) -> User:
        """A new person. Raises `NotFound` for an unknown account or team, `InvalidValue` for an address that is taken."""
        user = User(
            id=UserId(self.new_id()),
            email=checked_email(email),
            name=checked_name(name),
            role=role,
            team_ids=frozenset(team_ids),
            created_at=self.clock.now(),
        )
        async with self.begin(account_id) as work:
            await work.people.account()
            for team_id in user.team_ids:
                await work.people.require_team(team_id)
            await work.people.add_user(user)
            await self._enter(work, account_id, DeedKind.USER_ADDED, user.id, {"role": user.role})
            await work.commit()
        return user

    async def add_team(self, account_id: AccountId, name: str) -> Team:
        """A new team. Raises `NotFound` for an unknown account, `InvalidValue` for a name that is taken."""
        team = Team(id=TeamId(self.new_id()), name=checked_name(name))
        async with self.begin(account_id) as work:
            await work.people.account()
            await work.people.add_team(team)
            await self._enter(work, account_id, DeedKind.TEAM_ADDED, team.id, {"name": team.name})
            await work.commit()
        return team

    async def add_token(self, account_id: AccountId, user_id: UserId) -> tuple[ApiToken, str]:
        """A new token of an active person, and its text, which is never to be had again.

        Raises `NotFound` for an unknown or deactivated person.
        """
        secret = self.new_secret()
        async with self.begin(account_id) as work:
            if (await work.people.user(user_id)).deactivated_at is not None:
                raise NotFound("active user")
            token = ApiToken(id=TokenId(self.new_id()), user_id=user_id, digest=token_digest(secret), created_at=self.clock.now())
            await work.people.add_token(token)
            await self._enter(work, account_id, DeedKind.TOKEN_MADE, token.id, {"user_id": str(user_id)})
            await work.commit()
        return token, token_text(account_id, secret)

    async def deactivate(self, account_id: AccountId, user_id: UserId) -> None:
        """A person who can do nothing from now on. Raises `NotFound`."""
        async with self.begin(account_id) as work:
            user = await work.people.user(user_id)
            await work.people.save_user(evolve(user, deactivated_at=user.deactivated_at or self.clock.now()))
            await self._enter(work, account_id, DeedKind.USER_DEACTIVATED, user_id, {})
            await work.commit()

    async def _enter(self, work: UnitOfWork, account_id: AccountId, kind: DeedKind, thing_id: UUID, changed: Mapping[str, Plain]) -> None:
        operator = System(account_id=account_id, cause="command line")
        await work.audit.add(Deed.of(kind, by=operator, at=self.clock.now(), thing_id=thing_id, changed=changed))

    async def authenticate(self, token: str) -> Person:
        """Who a token stands for. Raises `Unauthenticated`."""
        parsed = parse_token(token)
        return await self.view(parsed.account_id).authenticate(parsed.digest)
