"""Who is here and who is invited: how people are held against each other, and what there is to see of them."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Collection

import pytest
from attrs import evolve

from flowpilot_core.domain.access.account import User, UserMove
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.access.people import changed, deactivated
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import InvalidValue, LastAccountOwner, NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import InvitationId, TeamId, UserId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.ports.access import Member, TeamDetail
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

FIRST, SECOND = token_digest(b"the first link"), token_digest(b"the second link")


class InvitationsContract(Contract):
    """`Invitations`, and the part of `People` that manages people and teams."""

    async def test_an_invitation_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        nina, invitation = await self.invited(begin, acme)
        mailed = invitation.taken(FIRST).failed("nobody answers", permanent=False).taken(SECOND).sent()

        async with begin(acme.account_id) as work:
            await work.invitations.save(mailed)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert mailed == await work.invitations.get(invitation.id)
            assert mailed == await work.invitations.by(FIRST) == await work.invitations.by(SECOND)
            assert Member(user=nina, invitation=mailed) == await work.people.member(nina.id)
        assert Member(user=nina, invitation=mailed) == await view(acme.account_id).member(nina.id)

    async def test_another_invitation_takes_the_place_of_the_first(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        nina, first = await self.invited(begin, acme)
        second = Invitation.of(InvitationId(new_id()), nina.id, by=acme.adam.user_id, at=NOON)
        async with begin(acme.account_id) as work:
            await work.invitations.save(first.taken(FIRST))
            await work.invitations.add(second)
            await work.invitations.save(first.taken(SECOND))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert second == (await work.people.member(nina.id)).invitation
            for digest in (FIRST, SECOND):
                with pytest.raises(NotFound):
                    await work.invitations.by(digest)

    async def test_a_dropped_invitation_is_gone(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        nina, invitation = await self.invited(begin, acme)
        async with begin(acme.account_id) as work:
            await work.invitations.drop(nina.id)
            await work.invitations.drop(acme.ben.user_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.invitations.get(invitation.id)
            assert Member(user=nina) == await work.people.member(nina.id)

    async def test_no_link_of_another_account_is_known(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        """A27: a digest finds nothing but in its own account."""
        _, invitation = await self.invited(begin, acme)
        async with begin(acme.account_id) as work:
            await work.invitations.save(invitation.taken(FIRST))
            await work.commit()

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.invitations.by(FIRST)
            with pytest.raises(NotFound):
                await work.invitations.get(invitation.id)

    async def test_everybody_is_listed_by_id_page_by_page(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        nina, invitation = await self.invited(begin, acme)
        everybody = sorted((*(Member(user=user) for user in acme.users), Member(user=nina, invitation=invitation)), key=_id)

        pages = [
            *await view(acme.account_id).members(after=None, limit=2),
            *await view(acme.account_id).members(after=_id(everybody[1]), limit=EVERYTHING),
        ]

        assert everybody == pages

    async def test_who_is_held_comes_with_every_active_account_owner(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            held = await work.people.hold(acme.ben.user_id)

        assert {acme.olga.user_id: acme.user(acme.olga), acme.ben.user_id: acme.user(acme.ben)} == held

    async def test_nobody_unknown_or_of_another_account_is_held(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        for user_id in (UserId(new_id()), globex.ben.user_id):
            async with begin(acme.account_id) as work:
                with pytest.raises(NotFound):
                    await work.people.hold(acme.ben.user_id, user_id)

    async def test_of_two_owners_who_demote_each_other_at_once_one_stays(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        adam = evolve(acme.adam, role=Role.OWNER)
        await self.saved(begin, acme, evolve(acme.user(acme.adam), role=Role.OWNER))

        await gather(self.demote(begin, acme.olga, adam), self.demote(begin, adam, acme.olga))

        assert 1 == len(await self.owners(begin, acme))

    async def test_of_many_owners_who_leave_at_once_one_stays(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        people = [evolve(person, role=Role.OWNER) for person in acme.people]
        for person in people:
            await self.saved(begin, acme, evolve(acme.user(person), id=person.user_id, role=Role.OWNER))

        await gather(*(self.leave(begin, person) for person in people))

        assert 1 == len(await self.owners(begin, acme))

    async def test_two_changes_at_once_lose_neither(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async def renamed(name: str) -> None:
            async with begin(acme.account_id) as work:
                held = await work.people.hold(acme.ben.user_id)
                await work.people.save_user(evolve(held[acme.ben.user_id], name=name))
                await work.commit()

        async def retired() -> None:
            async with begin(acme.account_id) as work:
                held = await work.people.hold(acme.ben.user_id)
                await work.people.save_user(held[acme.ben.user_id].moved(UserMove.DEACTIVATE, at=NOON))
                await work.commit()

        await gather(renamed("Ben the Boss"), retired())

        async with begin(acme.account_id) as work:
            ben = await work.people.user(acme.ben.user_id)
        assert ("Ben the Boss", NOON) == (ben.name, ben.deactivated_at)

    async def test_a_team_is_changed_archived_and_listed(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        archived = evolve(acme.network, name="Networks", archived_at=NOON)
        async with begin(acme.account_id) as work:
            await work.people.save_team(archived)
            await work.people.set_members(acme.network.id, [acme.anna.user_id, acme.adam.user_id])
            await work.commit()

        changed = TeamDetail(team=archived, member_ids=frozenset({acme.anna.user_id, acme.adam.user_id}))
        async with begin(acme.account_id) as work:
            assert changed == await work.people.team(acme.network.id)
            assert frozenset() == (await work.people.user(acme.ben.user_id)).team_ids
            with pytest.raises(NotFound):
                await work.people.require_team(acme.network.id)
        assert changed == await view(acme.account_id).team(acme.network.id)
        assert [changed, TeamDetail(team=acme.bench)] == await self.teams(view, acme)
        assert [TeamDetail(team=acme.bench)] == list(await view(acme.account_id).teams(after=acme.network.id, limit=5))

    async def test_a_team_takes_no_name_that_another_has(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        with pytest.raises(InvalidValue) as refused:
            async with begin(acme.account_id) as work:
                await work.people.save_team(evolve(acme.bench, name=acme.network.name))
                await work.commit()

        assert "name" == refused.value.field

    async def test_nobody_of_another_account_gets_into_a_team(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A09: not even where nobody looked before."""
        with pytest.raises(NotFound):
            async with begin(acme.account_id) as work:
                await work.people.set_members(acme.bench.id, [globex.ben.user_id])
                await work.commit()

        assert frozenset() == (await view(acme.account_id).team(acme.bench.id)).member_ids

    @pytest.mark.parametrize("unknown", [True, False])
    async def test_an_unknown_or_foreign_person_or_team_is_not_found(
        self, unknown: bool, view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A27: nobody can tell which."""
        for look in (
            view(acme.account_id).member(UserId(new_id()) if unknown else globex.ben.user_id),
            view(acme.account_id).team(TeamId(new_id()) if unknown else globex.network.id),
        ):
            with pytest.raises(NotFound):
                await look

    async def invited(self, begin: BeginWork[UnitOfWork], acme: Staff) -> tuple[User, Invitation]:
        nina = User(
            id=UserId(new_id()),
            email="nina@acme.example",
            name="Nina",
            role=Role.ENGINEER,
            invited=True,
            deactivated_at=NOON,
            created_at=NOON,
        )
        invitation = Invitation.of(InvitationId(new_id()), nina.id, by=acme.adam.user_id, at=NOON)
        async with begin(acme.account_id) as work:
            await work.people.add_user(nina)
            await work.invitations.add(invitation)
            await work.commit()
        return nina, invitation

    async def saved(self, begin: BeginWork[UnitOfWork], acme: Staff, user: User) -> None:
        async with begin(acme.account_id) as work:
            await work.people.save_user(user)
            await work.commit()

    async def demote(self, begin: BeginWork[UnitOfWork], by: Person, whom: Person) -> None:
        async def move(work: UnitOfWork) -> User:
            held = await work.people.hold(by.user_id, whom.user_id)
            return changed(held[whom.user_id], role=Role.VIEWER, by=by, owners=_owners(held.values()))

        await self.moved(begin, by, move)

    async def leave(self, begin: BeginWork[UnitOfWork], who: Person) -> None:
        async def move(work: UnitOfWork) -> User:
            held = await work.people.hold(who.user_id)
            return deactivated(held[who.user_id], by=who, owners=_owners(held.values()), at=NOON)

        await self.moved(begin, who, move)

    async def moved(self, begin: BeginWork[UnitOfWork], by: Person, move: Callable[[UnitOfWork], Awaitable[User]]) -> None:
        """Again where the store says that somebody else was first; what is refused is refused."""
        for _ in range(20):
            try:
                async with begin(by.account_id) as work:
                    await work.people.save_user(await move(work))
                    await work.commit()
            except Stale:
                continue
            except LastAccountOwner:
                return
            else:
                return
        raise AssertionError("somebody else was always first")

    async def owners(self, begin: BeginWork[UnitOfWork], acme: Staff) -> tuple[UserId, ...]:
        async with begin(acme.account_id) as work:
            return _owners(await work.people.users())

    async def teams(self, view: ViewOf[View], acme: Staff) -> list[TeamDetail]:
        return list(await view(acme.account_id).teams(after=None, limit=EVERYTHING))


def _id(member: Member) -> UserId:
    return member.user.id


def _owners(users: Collection[User]) -> tuple[UserId, ...]:
    return tuple(user.id for user in users if user.role is Role.OWNER and user.deactivated_at is None)
