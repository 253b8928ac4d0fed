"""The account itself, its teams and people."""

from collections.abc import Collection, Mapping
from datetime import datetime

from attrs import evolve, frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.sessions.sessions import _others
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.account import Account, Team, User
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.ports.access import Member, TeamDetail


@frozen
class MemoryPeople:
    """The account itself, its teams, people and tokens."""

    _work: Transaction

    async def add_account(self, account: Account) -> None:
        """As `People.add_account` says."""
        self._work.rows.accounts.put(account.id, account)

    async def add_user(self, user: User) -> None:
        """As `People.add_user` says; two at once are told apart at the commit."""
        self._work.rows.users.put(user.id, user)
        self._work.require_unique()

    async def save_user(self, user: User) -> None:
        """As `People.save_user` says."""
        self._work.rows.users.put(user.id, user)

    async def hold(self, *user_ids: UserId) -> Mapping[UserId, User]:
        """As `People.hold` says: all of the account's people at once."""
        await self._work.lock("people")
        held = {user.id: user for user in self._work.rows.users.values() if user.id in user_ids or _owns(user)}
        if not held.keys() >= set(user_ids):
            raise NotFound("user")
        return held

    async def member(self, user_id: UserId) -> Member:
        """As `People.member` says."""
        await _others()
        return reading.member(self._work.rows, user_id)

    async def add_team(self, team: Team) -> None:
        """As `People.add_team` says; two at once are told apart at the commit."""
        self._work.rows.teams.put(team.id, team)
        self._work.require_unique()

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `People.team` says."""
        await _others()
        return reading.team(self._work.rows, team_id)

    async def save_team(self, team: Team) -> None:
        """As `People.save_team` says; two at once are told apart at the commit."""
        self._work.rows.teams.put(team.id, team)
        self._work.require_unique()

    async def set_members(self, team_id: TeamId, user_ids: Collection[UserId]) -> None:
        """As `People.set_members` says."""
        await self.team(team_id)
        for user_id in user_ids:
            await self.user(user_id)
        for user in [*self._work.rows.users.values()]:
            teams = user.team_ids | {team_id} if user.id in user_ids else user.team_ids - {team_id}
            if teams != user.team_ids:
                self._work.rows.users.put(user.id, evolve(user, team_ids=teams))

    async def save_account(self, account: Account) -> None:
        """As `People.save_account` says."""
        kept = await self.account()
        changed = kept.changed(
            redacts_personal=account.redacts_personal, mails_a_minute=account.mails_a_minute, time_zone=account.time_zone
        )
        self._work.rows.accounts.put(kept.id, changed)

    async def set_closed(self, closed_at: datetime | None) -> None:
        """As `People.set_closed` says."""
        kept = await self.account()
        self._work.rows.accounts.put(kept.id, evolve(kept, closed_at=closed_at))

    async def account(self) -> Account:
        """As `People.account` says."""
        await _others()
        account = self._work.rows.accounts.get(self._work.account_id)
        if account is None:
            raise NotFound("account")
        return account

    async def user(self, user_id: UserId) -> User:
        """As `People.user` says."""
        await _others()
        user = self._work.rows.users.get(user_id)
        if user is None:
            raise NotFound("user")
        return user

    async def users(self) -> tuple[User, ...]:
        """As `People.users` says."""
        await _others()
        return tuple(self._work.rows.users.values())

    async def teams(self) -> tuple[Team, ...]:
        """As `People.teams` says."""
        await _others()
        return tuple(self._work.rows.teams.values())

    async def require_team(self, team_id: TeamId) -> None:
        """As `People.require_team` says."""
        await _others()
        if reading.team(self._work.rows, team_id).team.archived_at is not None:
            raise NotFound("team")


def _owns(user: User) -> bool:
    return user.role is Role.OWNER and user.deactivated_at is None
