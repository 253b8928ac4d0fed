"""Use cases of the people and teams of an account, for those who manage them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access import people
from flowpilot_core.domain.access.account import Team, User
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.kernel.actor import Actor, Person, Role
from flowpilot_core.domain.kernel.errors import RoleForbidden
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import InvitationId, TeamId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.ports.access import AccessView, AccessWork, Member, TeamDetail
from flowpilot_core.ports.kernel import Clock, NewId, ViewOf
from flowpilot_core.ports.relay import RelayWork, Work, WorkKind

from .accounts import shut_out


class PeopleNeeds(AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Held:
    """Who acts, as they are now, and the active account owners; none of them changes before the unit of work ends."""

    by: Person
    owners: tuple[UserId, ...]


@frozen(kw_only=True)
class People:
    """The people of the actor's account. Everything raises `NotFound` for whom or what is not there."""

    units: Units[PeopleNeeds]
    view: ViewOf[AccessView]
    clock: Clock
    new_id: NewId

    async def members(self, actor: Actor, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """Everybody, those who were deactivated or have yet to accept too, by id."""
        return await self.view(actor.account_id).members(after=after, limit=limit)

    async def colleagues(self, actor: Actor, *, limit: int) -> tuple[Sequence[Member], Sequence[TeamDetail]]:
        """The first of `members` and of `teams`, for whoever chooses among them."""
        return await self.view(actor.account_id).colleagues(limit=limit)

    async def member(self, actor: Actor, user_id: UserId) -> Member:
        """One person."""
        return await self.view(actor.account_id).member(user_id)

    async def invite(
        self, actor: Actor, *, email: str, name: str, role: Role, team_ids: Collection[TeamId] = (), request: Request = PLAIN
    ) -> Member:
        """Somebody new, and an invitation on its way to them. Raises `InvalidValue` for an address that is taken."""

        async def unit(work: PeopleNeeds) -> Member:
            held = await self._held(work, actor)
            await _require_teams(work, team_ids)
            at = self.clock.now()
            user = people.invited(UserId(self.new_id()), email=email, name=name, role=role, team_ids=team_ids, by=held.by, at=at)
            await work.people.add_user(user)
            return await self._invited(work, user, held.by, request)

        return await self.units.run(actor, unit, request)

    async def invite_again(self, actor: Actor, user_id: UserId, *, request: Request = PLAIN) -> Member:
        """Another invitation for somebody who has not accepted; the links of the one before are void."""

        async def unit(work: PeopleNeeds) -> Member:
            user, held = await self._user(work, actor, user_id)
            return await self._invited(work, people.invited_again(user, by=held.by, at=self.clock.now()), held.by, request)

        return await self.units.run(actor, unit, request)

    async def change(
        self,
        actor: Actor,
        user_id: UserId,
        *,
        name: str | None = None,
        role: Role | None = None,
        team_ids: Collection[TeamId] | None = None,
        request: Request = PLAIN,
    ) -> Member:
        """Another name, role or teams; what is None stays. Raises `LastAccountOwner`."""

        async def unit(work: PeopleNeeds) -> Member:
            user, held = await self._user(work, actor, user_id)
            await _require_teams(work, frozenset(team_ids or ()) - user.team_ids)
            changed = people.changed(user, name=name, role=role, team_ids=team_ids, by=held.by, owners=held.owners)
            await work.people.save_user(changed)
            different = _different(_of_user(user), _of_user(changed))
            await self._enter(work, DeedKind.USER_CHANGED, user_id, held.by, request, different)
            return await work.people.member(user_id)

        return await self.units.run(actor, unit, request)

    async def deactivate(self, actor: Actor, user_id: UserId, *, request: Request = PLAIN) -> Member:
        """Somebody who can do nothing from now on; an invitation they had is void. Raises `LastAccountOwner`."""

        async def unit(work: PeopleNeeds) -> Member:
            user, held = await self._user(work, actor, user_id)
            gone = people.deactivated(user, by=held.by, owners=held.owners, at=self.clock.now())
            await work.people.save_user(gone)
            await work.invitations.drop(user_id)
            await self._enter(work, DeedKind.USER_DEACTIVATED, user_id, held.by, request)
            await shut_out(work, user_id, at=self.clock.now())
            return Member(user=gone)

        return await self.units.run(actor, unit, request)

    async def reactivate(self, actor: Actor, user_id: UserId, *, request: Request = PLAIN) -> Member:
        """Somebody who was deactivated is back."""

        async def unit(work: PeopleNeeds) -> Member:
            user, held = await self._user(work, actor, user_id)
            back = people.reactivated(user, by=held.by, at=self.clock.now())
            await work.people.save_user(back)
            await self._enter(work, DeedKind.USER_REACTIVATED, user_id, held.by, request)
            return Member(user=back)

        return await self.units.run(actor, unit, request)

    async def teams(self, actor: Actor, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """All teams, archived ones too, by id."""
        return await self.view(actor.account_id).teams(after=after, limit=limit)

    async def team(self, actor: Actor, team_id: TeamId) -> TeamDetail:
        """One team."""
        return await self.view(actor.account_id).team(team_id)

    async def add_team(self, actor: Actor, *, name: str, member_ids: Collection[UserId] = (), request: Request = PLAIN) -> TeamDetail:
        """A new team. Raises `InvalidValue` for a name that is taken."""

        async def unit(work: PeopleNeeds) -> TeamDetail:
            await self._manager(work, actor, *member_ids)
            team = Team(id=TeamId(self.new_id()), name=checked_name(name))
            await work.people.add_team(team)
            await work.people.set_members(team.id, member_ids)
            await self._enter(work, DeedKind.TEAM_ADDED, team.id, actor, request, {"name": team.name, "member_ids": _ids(member_ids)})
            return TeamDetail(team=team, member_ids=frozenset(member_ids))

        return await self.units.run(actor, unit, request)

    async def change_team(
        self,
        actor: Actor,
        team_id: TeamId,
        *,
        name: str | None = None,
        member_ids: Collection[UserId] | None = None,
        archived: bool | None = None,
        request: Request = PLAIN,
    ) -> TeamDetail:
        """Another name or other members; or archived, so that nothing new is meant for it while what was stays readable."""

        async def unit(work: PeopleNeeds) -> TeamDetail:
            detail = await work.people.team(team_id)
            await self._manager(work, actor, *(member_ids or ()))
            team = detail.team
            if name is not None:
                team = evolve(team, name=checked_name(name))
            if archived is not None:
                team = evolve(team, archived_at=(team.archived_at or self.clock.now()) if archived else None)
            await work.people.save_team(team)
            after = evolve(detail, team=team)
            if member_ids is not None:
                await work.people.set_members(team_id, member_ids)
                after = evolve(after, member_ids=frozenset(member_ids))
            await self._enter(work, DeedKind.TEAM_CHANGED, team_id, actor, request, _different(_of_team(detail), _of_team(after)))
            return after

        return await self.units.run(actor, unit, request)

    async def _invited(self, work: PeopleNeeds, user: User, by: Person, request: Request) -> Member:
        """With an invitation, to be mailed after the commit."""
        at = self.clock.now()
        invitation = Invitation.of(InvitationId(self.new_id()), user.id, by=by.user_id, at=at)
        await work.invitations.add(invitation)
        await work.due.add(Work(id=invitation.id, kind=WorkKind.INVITATION, due_at=at))
        await self._enter(work, DeedKind.USER_INVITED, user.id, by, request, {"role": user.role})
        return Member(user=user, invitation=invitation)

    async def _enter(
        self, work: PeopleNeeds, kind: DeedKind, thing_id: UUID, by: Actor, request: Request, changed: Mapping[str, Plain] | None = None
    ) -> None:
        deed = Deed.of(kind, by=by, at=self.clock.now(), thing_id=thing_id, changed=changed, request_id=request.id)
        await work.audit.add(deed)

    async def _user(self, work: PeopleNeeds, actor: Actor, user_id: UserId) -> tuple[User, Held]:
        """Somebody to be changed, and on whose word."""
        by = _person(actor)
        held = await work.people.hold(by.user_id, user_id)
        return held[user_id], _held(held.values(), held[by.user_id].acting(by.account_id, scope=by.scope, way_in=by.way_in))

    async def _held(self, work: PeopleNeeds, actor: Actor, *named: UserId) -> Held:
        by = _person(actor)
        held = await work.people.hold(by.user_id, *named)
        return _held(held.values(), held[by.user_id].acting(by.account_id, scope=by.scope, way_in=by.way_in))

    async def _manager(self, work: PeopleNeeds, actor: Actor, *named: UserId) -> None:
        """Raises `NotFound` for somebody `named` who is not here, `RoleForbidden` where the actor manages nobody."""
        require_role((await self._held(work, actor, *named)).by, Permission.MANAGE_PEOPLE)


def _person(actor: Actor) -> Person:
    if not isinstance(actor, Person):
        raise RoleForbidden("system", Permission.MANAGE_PEOPLE)
    return actor


def _held(users: Collection[User], by: Person) -> Held:
    return Held(by=by, owners=people.active_owners(users))


def _of_user(user: User) -> dict[str, Plain]:
    return {"name": user.name, "role": user.role, "team_ids": _ids(user.team_ids)}


def _of_team(detail: TeamDetail) -> dict[str, Plain]:
    return {"name": detail.team.name, "archived": detail.team.archived_at is not None, "member_ids": _ids(detail.member_ids)}


def _different(before: Mapping[str, Plain], after: Mapping[str, Plain]) -> dict[str, Plain]:
    return {name: value for name, value in after.items() if value != before[name]}


def _ids(ids: Collection[UUID]) -> list[Plain]:
    return [*sorted(str(one) for one in ids)]


async def _require_teams(work: PeopleNeeds, team_ids: Collection[TeamId]) -> None:
    for team_id in team_ids:
        await work.people.require_team(team_id)
