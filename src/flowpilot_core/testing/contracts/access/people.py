"""People and teams come back as they were kept."""

import pytest
from attrs import evolve

from flowpilot_core.domain.access.account import Team
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import Contract


class PeopleContract(Contract):
    """`People`."""

    async def test_people_and_teams_come_back_oldest_first(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            assert acme.account == await work.people.account()
            assert acme.users == await work.people.users()
            assert (acme.network, acme.bench) == await work.people.teams()
            assert acme.user(acme.ben) == await work.people.user(acme.ben.user_id)
            await work.people.require_team(acme.network.id)

    async def test_colleagues_are_the_first_members_and_teams(self, view: ViewOf[View], acme: Staff) -> None:
        see = view(acme.account_id)

        assert (await see.members(after=None, limit=100), await see.teams(after=None, limit=100)) == await see.colleagues(limit=100)
        members, teams = await see.colleagues(limit=1)
        assert (await see.members(after=None, limit=1), await see.teams(after=None, limit=1)) == (members, teams)

    async def test_how_an_account_works_is_kept_and_its_name_stays(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        changed = acme.account.changed(redacts_personal=True, mails_a_minute=2, time_zone="Europe/Vienna")

        async with begin(acme.account_id) as work:
            await work.people.save_account(evolve(changed, name="Another"))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert changed == await work.people.account()
        async with begin(globex.account_id) as work:
            assert globex.account == await work.people.account()

    async def test_a_changed_person_is_kept(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        changed = evolve(acme.user(acme.ben), name="Ben Boss", role=Role.ADMIN, team_ids=frozenset({acme.bench.id}), deactivated_at=NOON)

        async with begin(acme.account_id) as work:
            await work.people.save_user(changed)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert changed == await work.people.user(acme.ben.user_id)

    async def test_an_unknown_person_or_team_is_not_found(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.people.user(UserId(new_id()))
            with pytest.raises(NotFound):
                await work.people.require_team(TeamId(new_id()))

    async def test_an_address_belongs_to_one_person_whatever_its_case(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        twin = evolve(acme.user(acme.ben), id=UserId(new_id()), email=acme.user(acme.ben).email.upper())

        with pytest.raises(InvalidValue) as refused:
            async with begin(acme.account_id) as work:
                await work.people.add_user(twin)
                await work.commit()

        assert "email" == refused.value.field
        async with begin(acme.account_id) as work:
            assert len(acme.users) == len(await work.people.users())

    async def test_an_address_belongs_to_one_person_however_it_is_written_and_one_alike_to_another(
        self, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """P1."""

        async def add(email: str) -> None:
            async with begin(acme.account_id) as work:
                await work.people.add_user(evolve(acme.user(acme.ben), id=UserId(new_id()), email=email))
                await work.commit()

        for email in ("bob@strasse.example", "bob@straße.example"):
            await add(email)
        for email in ("BOB@strasse.example", "bob@xn--strae-oqa.example", "Bob@stra\u00dfe.example"):
            with pytest.raises(InvalidValue) as refused:
                await add(email)
            assert "email" == refused.value.field

    async def test_a_name_belongs_to_one_team(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        with pytest.raises(InvalidValue) as refused:
            async with begin(acme.account_id) as work:
                await work.people.add_team(Team(id=TeamId(new_id()), name=acme.network.name))
                await work.commit()

        assert "name" == refused.value.field
