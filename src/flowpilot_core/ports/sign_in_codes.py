"""Codes that are mailed to sign in by."""

from typing import Protocol

from flowpilot_core.domain.identifiers import SignInCodeId, UserId
from flowpilot_core.domain.sign_in_code import SignInCode


class SignInCodes(Protocol):
    """The codes of one account that browsers asked for, inside one unit of work."""

    async def ask(self, code: SignInCode) -> bool:
        """Keep a new one, unless there is no such account, or as many as may be were asked for its address lately; whether it was kept.

        Of any number at once no more are kept than may be. Those that count no more are forgotten.
        """

    async def get(self, code_id: SignInCodeId) -> SignInCode:
        """Raises `NotFound`."""

    async def hold(self, browser: bytes) -> SignInCode:
        """The one that the browser with this digest asked for; nobody else changes it before the unit of work ends.

        Raises `Unauthenticated` where it asked for none.
        """

    async def addressee(self, code: SignInCode) -> UserId | None:
        """Whose address it is, active or not."""

    async def save(self, code: SignInCode) -> None:
        """Keep its digests, its tries and until when it is good; nothing happens where it is no longer there."""
