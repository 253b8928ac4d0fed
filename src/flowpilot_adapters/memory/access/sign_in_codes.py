"""Codes that are mailed to sign in by."""

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.sign_in_code import COUNTED, MOST_ASKED, SignInCode
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import SignInCodeId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email


@frozen
class MemorySignInCodes:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def ask(self, code: SignInCode) -> bool:
        """As `SignInCodes.ask` says."""
        await self._work.lock("account")
        codes = self._work.rows.sign_in_codes
        for old in [one for one in codes.values() if one.created_at <= code.created_at - COUNTED]:
            codes.drop(old.id)
        there = self._work.rows.accounts.get(self._work.account_id) is not None
        kept = there and sum(one.email == code.email for one in codes.values()) < MOST_ASKED
        if kept:
            codes.put(code.id, code)
        return kept

    async def get(self, code_id: SignInCodeId) -> SignInCode:
        """As `SignInCodes.get` says."""
        found = self._work.rows.sign_in_codes.get(code_id)
        if found is None:
            raise NotFound("sign-in code")
        return found

    async def hold(self, browser: bytes) -> SignInCode:
        """As `SignInCodes.hold` says."""
        await self._work.lock("sign-in code", browser)
        for code in self._work.rows.sign_in_codes.values():
            if code.browser == browser:
                return code
        raise Unauthenticated

    async def addressee(self, code: SignInCode) -> UserId | None:
        """As `SignInCodes.addressee` says."""
        return next((user.id for user in self._work.rows.users.values() if folded_email(user.email) == code.email), None)

    async def save(self, code: SignInCode) -> None:
        """As `SignInCodes.save` says."""
        if self._work.rows.sign_in_codes.get(code.id):
            self._work.rows.sign_in_codes.put(code.id, code)
