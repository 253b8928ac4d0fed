"""Of what an account may use no more is given away than there is."""

from asyncio import gather

from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import Staff
from flowpilot_core.testing.contracts.contract import Contract

MONTH = "2026-11"


class TokenUseContract(Contract):
    """`TokenUse`."""

    async def reserved(self, begin: BeginWork[UnitOfWork], staff: Staff, tokens: int, *, most: int = 100, month: str = MONTH) -> bool:
        async with begin(staff.account_id) as work:
            reserved = await work.token_use.reserve(month, tokens, most=most)
            await work.commit()
        return reserved

    async def used(self, begin: BeginWork[UnitOfWork], staff: Staff) -> int:
        async with begin(staff.account_id) as work:
            return await work.token_use.used(MONTH)

    async def test_no_more_is_set_aside_than_there_is(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        assert [True, False, True, False] == [await self.reserved(begin, acme, tokens) for tokens in (60, 60, 40, 1)]
        assert not await self.reserved(begin, acme, 101, month="2026-12")
        assert 100 == await self.used(begin, acme)

    async def test_of_many_at_once_as_many_get_some_as_there_is_for(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        outcomes = await gather(*(self.reserved(begin, acme, 10) for _ in range(20)))

        assert (10, 100) == (sum(outcomes), await self.used(begin, acme))

    async def test_what_was_used_is_counted_in_place_of_what_was_set_aside(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await self.reserved(begin, acme, 60)
        async with begin(acme.account_id) as work:
            await work.token_use.settle(MONTH, reserved=60, used=7)
            await work.commit()

        assert 7 == await self.used(begin, acme)

    async def test_what_is_rolled_back_was_never_set_aside(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            assert await work.token_use.reserve(MONTH, 60, most=100)

        assert 0 == await self.used(begin, acme)

    async def test_each_month_and_each_account_has_its_own(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        assert await self.reserved(begin, acme, 100)

        assert await self.reserved(begin, acme, 100, month="2026-12")
        assert await self.reserved(begin, globex, 100)
        assert (100, 100) == (await self.used(begin, acme), await self.used(begin, globex))
