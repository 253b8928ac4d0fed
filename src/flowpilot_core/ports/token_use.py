"""What models may use up: so many tokens for each account and month."""

from typing import Protocol


class TokenUse(Protocol):
    """The tokens that one account has used, inside one unit of work."""

    async def reserve(self, month: str, tokens: int, *, most: int) -> bool:
        """Set tokens of a month (`2026-11`) aside, before they are used; False, and nothing changes, where that would be more than `most`.

        Of any number at once, no more are set aside together than there are.
        """

    async def settle(self, month: str, *, reserved: int, used: int) -> None:
        """Count what was used in place of what was set aside for it."""

    async def used(self, month: str) -> int:
        """Used or set aside so far."""
