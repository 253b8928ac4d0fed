"""Browsers that people are signed in with."""

from datetime import datetime

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.sign_in import SignIn, SignInLink
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import UserId


@frozen
class MemorySignIns:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, sign_in: SignIn) -> None:
        """As `SignIns.add` says."""
        self._require(sign_in.user_id)
        sign_ins = self._work.rows.sign_ins
        for over in [one for one in sign_ins.values() if one.expires_at <= sign_in.created_at]:
            sign_ins.drop(over.digest)
        sign_ins.put(sign_in.digest, sign_in)

    async def end(self, digest: bytes) -> None:
        """As `SignIns.end` says."""
        self._work.rows.sign_ins.drop(digest)

    async def end_all(self, user_id: UserId) -> None:
        """As `SignIns.end_all` says."""
        for rows in (self._work.rows.sign_ins, self._work.rows.sign_in_links):
            for digest in [one.digest for one in rows.values() if one.user_id == user_id]:
                rows.drop(digest)

    async def add_link(self, link: SignInLink) -> None:
        """As `SignIns.add_link` says."""
        self._require(link.user_id)
        self._work.rows.sign_in_links.put(link.digest, link)

    async def take_link(self, digest: bytes, *, at: datetime) -> UserId:
        """As `SignIns.take_link` says."""
        await self._work.lock("sign-in link", digest)
        link = self._work.rows.sign_in_links.get(digest)
        if link is None or link.expires_at <= at:
            raise Unauthenticated
        self._work.rows.sign_in_links.drop(digest)
        return link.user_id

    def _require(self, user_id: UserId) -> None:
        if self._work.rows.users.get(user_id) is None:
            raise NotFound("user")
