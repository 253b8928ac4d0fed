"""What is promised of who is online."""

from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import Staff
from flowpilot_core.testing.contracts.contract import Contract

ONE, OTHER = UUID(int=1), UUID(int=2)
LONG = 600.0


class PresenceContract(Contract):
    """`Presence` and `NotificationView.online`."""

    async def _here(self, begin: BeginWork[UnitOfWork], node_id: UUID, staff: Staff, *people: Person, seconds: float = LONG) -> None:
        async with begin(staff.account_id) as work:
            await work.presence.here(node_id, frozenset(person.user_id for person in people), seconds=seconds)
            await work.commit()

    async def test_whoever_is_at_any_node_is_online(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        await self._here(begin, ONE, acme, acme.anna, acme.ben)
        await self._here(begin, OTHER, acme, acme.ben, acme.vera)
        await self._here(begin, ONE, globex, globex.anna)

        assert {acme.anna.user_id, acme.ben.user_id, acme.vera.user_id} == await view(acme.account_id).online()
        assert {globex.anna.user_id} == await view(globex.account_id).online()
        async with begin(globex.account_id) as work:
            assert {globex.anna.user_id} == await work.presence.online()

    async def test_a_node_says_of_its_own_people_who_has_left(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._here(begin, ONE, acme, acme.anna, acme.ben)
        await self._here(begin, OTHER, acme, acme.vera)
        await self._here(begin, ONE, acme, acme.ben)
        after_anna = await view(acme.account_id).online()
        await self._here(begin, ONE, acme)

        assert {acme.ben.user_id, acme.vera.user_id} == after_anna
        assert {acme.vera.user_id} == await view(acme.account_id).online()

    async def test_a_node_that_says_nothing_more_takes_its_people_along(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await self._here(begin, ONE, acme, acme.anna, seconds=0.0)
        await self._here(begin, OTHER, acme, acme.ben)
        without = await view(acme.account_id).online()
        await self._here(begin, ONE, acme, acme.anna)

        assert {acme.ben.user_id} == without
        assert {acme.anna.user_id, acme.ben.user_id} == await view(acme.account_id).online()

    async def test_in_an_account_where_nobody_listens_nobody_is_online(self, view: ViewOf[View], acme: Staff) -> None:
        assert frozenset() == await view(acme.account_id).online()
