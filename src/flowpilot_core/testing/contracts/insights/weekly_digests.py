"""Who is mailed figures comes back as it was kept, and is nobody else's."""

import pytest
from attrs import evolve

from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import Contract


def wanted(user_id: UserId) -> WeeklyDigest:
    """Somebody's, asked for just now."""
    return WeeklyDigest.wanted(user_id, "Europe/Vienna", at=NOON)


class WeeklyDigestsContract(Contract):
    """`WeeklyDigests`."""

    async def keep(self, begin: BeginWork[UnitOfWork], staff: Staff, weekly_digest: WeeklyDigest) -> None:
        """Keep a new one."""
        async with begin(staff.account_id) as work:
            await work.weekly_digests.add(weekly_digest)
            await work.commit()

    async def found(self, begin: BeginWork[UnitOfWork], staff: Staff, user_id: UserId) -> WeeklyDigest | None:
        """Somebody's."""
        async with begin(staff.account_id) as work:
            return await work.weekly_digests.get(user_id)

    async def test_nobody_has_one_until_they_wish_it(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        assert None is await self.found(begin, acme, acme.olga.user_id)

    async def test_it_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        first = wanted(acme.olga.user_id)
        late = evolve(first, week=first.week.replace(year=2031))
        tried = WeeklyDigest(user_id=first.user_id, week=first.week).taken().failed("no answer", permanent=False, unknown=True)
        await self.keep(begin, acme, first)

        for one in (first, late, tried, tried.taken().sent(), tried.suppressed("quiet hours")):
            async with begin(acme.account_id) as work:
                await work.weekly_digests.save(one)
                await work.commit()
            assert one == await self.found(begin, acme, one.user_id)

    async def test_it_is_its_persons_and_no_other_accounts(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        await self.keep(begin, acme, wanted(acme.olga.user_id))
        await self.keep(begin, globex, wanted(globex.adam.user_id))
        async with begin(globex.account_id) as work:
            await work.weekly_digests.save(evolve(wanted(acme.olga.user_id), reason="another"))
            await work.weekly_digests.drop(acme.olga.user_id)
            await work.commit()

        assert None is await self.found(begin, acme, acme.adam.user_id)
        assert None is await self.found(begin, acme, globex.adam.user_id)
        assert wanted(acme.olga.user_id) == await self.found(begin, acme, acme.olga.user_id)

    async def test_what_was_dropped_does_not_come_back_by_a_late_save(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        late = wanted(acme.olga.user_id)
        await self.keep(begin, acme, late)
        async with begin(acme.account_id) as work:
            await work.weekly_digests.drop(late.user_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            await work.weekly_digests.save(late)
            await work.commit()

        assert None is await self.found(begin, acme, late.user_id)

    async def test_nobody_has_one_who_is_not_of_the_account(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        for user_id in (globex.olga.user_id, UserId(new_id())):
            with pytest.raises(NotFound):
                await self.keep(begin, acme, wanted(user_id))
