"""Browsers that people are signed in with."""

from datetime import datetime
from typing import Protocol

from flowpilot_core.domain.identifiers import UserId
from flowpilot_core.domain.sign_in import SignIn, SignInLink


class SignIns(Protocol):
    """The sign-ins of one account, inside one unit of work."""

    async def add(self, sign_in: SignIn) -> None:
        """Keep a new one. Those of the account that are over by the time it begins are forgotten.

        Raises `NotFound` (now or at the commit) for somebody who is not of this account.
        """

    async def end(self, digest: bytes) -> None:
        """It is over; so is one that never was."""

    async def end_all(self, user_id: UserId) -> None:
        """All of somebody's are over, and the links for them."""

    async def add_link(self, link: SignInLink) -> None:
        """Keep a new link. Raises `NotFound` as `add` does."""

    async def take_link(self, digest: bytes, *, at: datetime) -> UserId:
        """Whom a link is for; of any number who take it at once, one succeeds.

        Raises `Unauthenticated` for an unknown one, one that was taken, and one that is over.
        """
