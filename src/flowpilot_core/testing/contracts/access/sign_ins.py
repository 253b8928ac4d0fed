"""What is promised of browsers that people are signed in with, and of the links that get them there."""

from asyncio import gather
from datetime import datetime

import pytest
from attrs import evolve

from flowpilot_core.domain.access.sign_in import LASTS, SignIn, SignInLink
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import SignInId, UserId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import Contract, closed

BROWSER = token_digest(b"a browser's secret")
BY_CODE = WayIn(way=Way.CODE)
LINK = token_digest(b"a link's secret")


class SignInsContract(Contract):
    """`SignIns`, and who is signed in."""

    async def test_a_browser_stands_for_its_person_until_the_sign_in_is_over(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)

        ben = evolve(acme.ben, way_in=BY_CODE)
        assert ben == await view(acme.account_id).signed_in(BROWSER, at=NOON + LASTS - MINUTE)
        assert {BROWSER: (ben, None)} == await view(acme.account_id).standing([BROWSER, b"another"], at=NOON + LASTS - MINUTE)
        await self._refused(view, acme, at=NOON + LASTS)

    async def test_another_browser_stands_for_nobody(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)

        await self._refused(view, acme, token_digest(b"another secret"))

    async def test_in_another_account_it_stands_for_nobody(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)

        await self._refused(view, globex)

    async def test_after_signing_out_it_stands_for_nobody(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)

        for _ in range(2):
            async with begin(acme.account_id) as work:
                await work.sign_ins.end(BROWSER)
                await work.commit()

        await self._refused(view, acme)

    async def test_a_deactivated_person_is_signed_in_nowhere(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.ben), deactivated_at=NOON))
            await work.commit()

        await self._refused(view, acme)

    async def test_in_a_closed_account_nobody_is_signed_in(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)
        await closed(begin, acme, NOON)

        await self._refused(view, acme)

    async def test_only_somebody_of_the_account_is_signed_in(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        with pytest.raises(NotFound):
            await self._signed_in(begin, acme, globex.ben.user_id)

    async def test_what_is_over_makes_room(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)

        await self._signed_in(begin, acme, acme.anna.user_id, at=NOON + LASTS)

        assert evolve(acme.anna, way_in=BY_CODE) == await view(acme.account_id).signed_in(BROWSER, at=NOON + LASTS)

    async def test_a_link_signs_its_person_in_once(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await self._link(begin, acme)

        async def take() -> object:
            try:
                async with begin(acme.account_id) as work:
                    taken = await work.sign_ins.take_link(LINK, at=NOON)
                    await work.commit()
            except Unauthenticated:
                return None
            return taken

        taken = await gather(*(take() for _ in range(5)))
        assert [None] * 4 + [acme.ben.user_id] == sorted(taken, key=lambda one: one is not None)

    async def test_a_link_that_is_over_signs_nobody_in(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await self._link(begin, acme)

        with pytest.raises(Unauthenticated):
            async with begin(acme.account_id) as work:
                await work.sign_ins.take_link(LINK, at=NOON + MINUTE)

    async def test_a_link_leads_nowhere_in_another_account(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        await self._link(begin, acme)

        with pytest.raises(Unauthenticated):
            async with begin(globex.account_id) as work:
                await work.sign_ins.take_link(LINK, at=NOON)

    async def test_all_of_somebodys_are_over_at_once_and_so_are_links_for_them(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await self._signed_in(begin, acme, acme.ben.user_id)
        async with begin(acme.account_id) as work:
            await work.sign_ins.add_link(SignInLink(user_id=acme.ben.user_id, digest=LINK, expires_at=NOON + MINUTE))
            await work.commit()

        async with begin(acme.account_id) as work:
            await work.sign_ins.end_all(acme.ben.user_id)
            await work.commit()

        await self._refused(view, acme, at=NOON)
        async with begin(acme.account_id) as work:
            with pytest.raises(Unauthenticated):
                await work.sign_ins.take_link(LINK, at=NOON)

    async def _signed_in(self, begin: BeginWork[UnitOfWork], staff: Staff, user_id: UserId, *, at: datetime = NOON) -> None:
        async with begin(staff.account_id) as work:
            await work.sign_ins.add(SignIn.of(SignInId(new_id()), user_id, digest=BROWSER, way_in=BY_CODE, at=at))
            await work.commit()

    async def _link(self, begin: BeginWork[UnitOfWork], staff: Staff) -> None:
        async with begin(staff.account_id) as work:
            await work.sign_ins.add_link(SignInLink(user_id=staff.ben.user_id, digest=LINK, expires_at=NOON + MINUTE))
            await work.commit()

    async def _refused(self, view: ViewOf[View], staff: Staff, digest: bytes = BROWSER, *, at: datetime = NOON) -> None:
        with pytest.raises(Unauthenticated):
            await view(staff.account_id).signed_in(digest, at=at)
        assert {} == await view(staff.account_id).standing([digest], at=at)
