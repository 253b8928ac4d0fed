"""Use cases of an account: make it, its teams, people and tokens, and tell who a token stands for."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.domain.access.account import Account, ApiToken, Team, User, checked_email
from flowpilot_core.domain.access.audit import Deed, DeedKind, operator
from flowpilot_core.domain.access.people import active_owners, require_another_owner
from flowpilot_core.domain.kernel.actor import Person, Role, Scope
from flowpilot_core.domain.kernel.errors import FlowPilotError, NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, TeamId, TokenId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.secret_text import parse_token, token_text
from flowpilot_core.ports.access import AccessView, AccessWork
from flowpilot_core.ports.kernel import BeginWork, Clock, NewId, NewSecret, ViewOf

from .api_tokens import new_token

log = logging.getLogger("flowpilot.accounts")

MOST_SHOWN = 1_000
"""Tokens of one person."""


@frozen(kw_only=True)
class Accounts:
    """What an operator does to accounts; nobody signed in reaches these."""

    begin: BeginWork[AccessWork]
    view: ViewOf[AccessView]
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

    async def close(self, account_id: AccountId) -> Account:
        """Nobody gets in any more, and nobody is told anything; nothing is deleted. Raises `NotFound`."""
        return await self._move(account_id, lambda account: account.closed(at=self.clock.now()), DeedKind.ACCOUNT_CLOSED)

    async def reopen(self, account_id: AccountId) -> Account:
        """Everybody is back as they were; what was not sent meanwhile is not sent any more. Raises `NotFound`."""
        return await self._move(account_id, Account.reopened, DeedKind.ACCOUNT_REOPENED)

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

    async def everybody(self, account_id: AccountId) -> Sequence[User]:
        """The people of an account, active or not, oldest first. Raises `NotFound`."""
        async with self.begin(account_id) as work:
            await work.people.account()
            return await work.people.users()

    async def person_at(self, account_id: AccountId, email: str) -> User:
        """Whose address this is. Raises `NotFound`."""
        wanted = folded_email(email.strip())
        for user in await self.everybody(account_id):
            if folded_email(user.email) == wanted:
                return user
        raise NotFound("user")

    async def teams(self, account_id: AccountId) -> Sequence[Team]:
        """The teams of an account, archived or not, oldest first. Raises `NotFound`."""
        async with self.begin(account_id) as work:
            await work.people.account()
            return await work.people.teams()

    async def add_team(self, account_id: AccountId, name: str) -> Team:
        """A new team. Raises `NotFound` for an unknown account, `InvalidValue` for a name that is taken."""
        team = Team(id=TeamId(self.new_id()), name=checked_name(name))
        async with self.begin(account_id) as work:
            await work.people.account()
            await work.people.add_team(team)
            await self._enter(work, account_id, DeedKind.TEAM_ADDED, team.id, {"name": team.name})
            await work.commit()
        return team

    async def add_token(
        self,
        account_id: AccountId,
        user_id: UserId,
        *,
        name: str = "made by the operator",
        scope: Scope = Scope.ALL,
        lasting: timedelta | None = None,
    ) -> tuple[ApiToken, str]:
        """A new token of an active person, and its text, which is never to be had again.

        Raises `NotFound` for an unknown or deactivated person, or `InvalidValue`.
        """
        secret, at = self.new_secret(), self.clock.now()
        expires_at = None if lasting is None else at + lasting
        token = new_token(TokenId(self.new_id()), user_id, secret, name=name, scope=scope, expires_at=expires_at, at=at)
        async with self.begin(account_id) as work:
            if (await work.people.user(user_id)).deactivated_at is not None:
                raise NotFound("active user")
            await work.tokens.add(token)
            await self._enter(work, account_id, DeedKind.TOKEN_MADE, token.id, {"user_id": str(user_id)})
            await work.commit()
        return token, token_text(account_id, secret)

    async def tokens(self, account_id: AccountId, user_id: UserId) -> Sequence[ApiToken]:
        """Somebody's tokens, good or not. Raises `NotFound`."""
        async with self.begin(account_id) as work:
            await work.people.user(user_id)
            return await work.tokens.of(user_id, after=None, limit=MOST_SHOWN)

    async def revoke_token(self, account_id: AccountId, token_id: TokenId) -> None:
        """A token that is good no more. Raises `NotFound`."""
        async with self.begin(account_id) as work:
            await work.tokens.revoke(token_id, at=self.clock.now())
            await self._enter(work, account_id, DeedKind.TOKEN_REVOKED, token_id, {})
            await work.commit()

    async def deactivate(self, account_id: AccountId, user_id: UserId) -> None:
        """A person who can do nothing from now on, with any token or browser. Raises `NotFound` or `LastAccountOwner`."""
        at = self.clock.now()
        async with self.begin(account_id) as work:
            held = await work.people.hold(user_id)
            user = held[user_id]
            require_another_owner(user, active_owners(held.values()))
            await work.people.save_user(evolve(user, deactivated_at=user.deactivated_at or at))
            await shut_out(work, user_id, at=at)
            await self._enter(work, account_id, DeedKind.USER_DEACTIVATED, user_id, {})
            await work.commit()

    async def _move(self, account_id: AccountId, move: Callable[[Account], Account], kind: DeedKind) -> Account:
        """The account closed, or open again."""
        async with self.begin(account_id) as work:
            account = move(await work.people.account())
            await work.people.set_closed(account.closed_at)
            await self._enter(work, account_id, kind, None, {})
            await work.commit()
        return account

    async def _enter(
        self, work: AccessWork, account_id: AccountId, kind: DeedKind, thing_id: UUID | None, changed: Mapping[str, Plain]
    ) -> None:
        await work.audit.add(Deed.of(kind, by=operator(account_id), at=self.clock.now(), thing_id=thing_id, changed=changed))

    async def authenticate(self, token: str) -> Person:
        """Who a token stands for. Raises `Unauthenticated`."""
        parsed, at = parse_token(token), self.clock.now()
        person, known = await self.view(parsed.account_id).authenticate(parsed.digest, at=at)
        if known.use_is_news(at):
            await self._note_use(parsed.account_id, known.id, at)
        return person

    async def standing(self, account_id: AccountId, digests: Collection[bytes]) -> Mapping[bytes, Person]:
        """Who each of these digests, of an account's tokens and of its people's browsers, still stands for; others are missing."""
        at = self.clock.now()
        standing = await self.view(account_id).standing(digests, at=at)
        for _, known in standing.values():
            if known is not None and known.use_is_news(at):
                await self._note_use(account_id, known.id, at)
        return {digest: person for digest, (person, _) in standing.items()}

    async def _note_use(self, account_id: AccountId, token_id: TokenId, at: datetime) -> None:
        try:
            async with self.begin(account_id) as work:
                await work.tokens.used(token_id, at=at)
                await work.commit()
        except FlowPilotError as exc:
            # Nobody is kept out because it cannot be written down.
            log.debug("use of a token not noted", extra={"problem": str(exc)})


async def shut_out(work: AccessWork, user_id: UserId, *, at: datetime) -> None:
    """Whatever somebody signs in with is no good any more, also should they come back."""
    await work.tokens.revoke_all(user_id, at=at)
    await work.sign_ins.end_all(user_id)
