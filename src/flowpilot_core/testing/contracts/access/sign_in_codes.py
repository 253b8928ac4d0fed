"""What is promised of the codes that browsers ask for."""

from asyncio import gather
from collections.abc import Callable
from datetime import datetime

import pytest
from attrs import evolve

from flowpilot_core.domain.access.sign_in_code import COUNTED, MOST_ASKED, SignInCode
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId, SignInCodeId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import Contract


def _asked(email: str = "Ben@acme.example", *, at: datetime = NOON) -> SignInCode:
    code_id = SignInCodeId(new_id())
    return SignInCode.asked(code_id, browser=token_digest(code_id.bytes), email=email, back_to="/signed-in", at=at)


class SignInCodesContract(Contract):
    """`SignInCodes`"""

    async def test_a_code_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        code = _asked()
        assert await self._kept(begin, acme.account_id, code)
        changed = code.mailed("the first").mailed("the second").mistyped().used(NOON + MINUTE)

        async with begin(acme.account_id) as work:
            assert code == await work.sign_in_codes.get(code.id)
            await work.sign_in_codes.save(changed)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert changed == await work.sign_in_codes.get(code.id)
            assert changed == await work.sign_in_codes.hold(code.browser)

    async def test_only_so_many_are_kept_for_one_address_in_a_while(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        kept = await gather(*(self._kept(begin, acme.account_id, _asked()) for _ in range(MOST_ASKED + 3)))

        assert MOST_ASKED == sum(kept)
        assert await self._kept(begin, acme.account_id, _asked("anna@acme.example"))
        assert not await self._kept(begin, acme.account_id, _asked(at=NOON + COUNTED - MINUTE))
        assert await self._kept(begin, acme.account_id, _asked(at=NOON + COUNTED))

    async def test_what_counts_no_more_is_forgotten(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        code = _asked()
        await self._kept(begin, acme.account_id, code)
        await self._kept(begin, acme.account_id, _asked("anna@acme.example", at=NOON + COUNTED))

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.sign_in_codes.get(code.id)

    async def test_where_there_is_no_account_nothing_is_kept(self, begin: BeginWork[UnitOfWork]) -> None:
        nobodys = AccountId(new_id())

        assert not await self._kept(begin, nobodys, _asked())

    async def test_the_addressee_is_whoever_of_the_account_has_the_address(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        ben = acme.user(acme.ben)
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(ben, deactivated_at=NOON))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert ben.id == await work.sign_in_codes.addressee(_asked(ben.email.upper()))
            assert None is await work.sign_in_codes.addressee(_asked("nobody@acme.example"))
        async with begin(globex.account_id) as work:
            assert globex.ben.user_id == await work.sign_in_codes.addressee(_asked(globex.user(globex.ben).email))

    async def test_a_code_is_known_in_its_account_alone(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        """A27"""
        code = _asked()
        await self._kept(begin, acme.account_id, code)

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.sign_in_codes.get(code.id)
            with pytest.raises(Unauthenticated):
                await work.sign_in_codes.hold(code.browser)

    async def test_of_many_who_type_at_once_each_sees_what_those_before_did(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        code = _asked()
        await self._kept(begin, acme.account_id, code)

        async def typed(change: Callable[[SignInCode], SignInCode]) -> None:
            async with begin(acme.account_id) as work:
                await work.sign_in_codes.save(change(await work.sign_in_codes.hold(code.browser)))
                await work.commit()

        await gather(*(typed(SignInCode.mistyped) for _ in range(5)))

        async with begin(acme.account_id) as work:
            assert 5 == (await work.sign_in_codes.get(code.id)).tries

    async def _kept(self, begin: BeginWork[UnitOfWork], account_id: AccountId, code: SignInCode) -> bool:
        async with begin(account_id) as work:
            kept = await work.sign_in_codes.ask(code)
            await work.commit()
        return kept
