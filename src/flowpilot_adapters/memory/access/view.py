"""What there is to see of people, and who is signed in in one account."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.access.branding import Branding, Worn
from flowpilot_core.domain.kernel.actor import Person, Way, WayIn
from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.ports.access import Member, TeamDetail


class MemoryAccessView(MemoryReading):
    """As `AccessView` says."""

    async def branding(self) -> Branding:
        """As `AccessView.branding` says."""
        return reading.branding(await self._now(), self._account_id)

    async def worn(self) -> Worn:
        """As `AccessView.worn` says."""
        return reading.worn(await self._now(), self._account_id)

    async def logo(self) -> Image:
        """As `AccessView.logo` says."""
        return reading.logo(await self._now(), self._account_id)

    async def members(self, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """As `AccessView.members` says."""
        rows = await self._now()
        found = sorted(user.id for user in rows.users.values() if after is None or user.id > after)
        return [reading.member(rows, user_id) for user_id in found[:limit]]

    async def member(self, user_id: UserId) -> Member:
        """As `AccessView.member` says."""
        return reading.member(await self._now(), user_id)

    async def teams(self, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """As `AccessView.teams` says."""
        rows = await self._now()
        found = sorted(team.id for team in rows.teams.values() if after is None or team.id > after)
        return [reading.team(rows, team_id) for team_id in found[:limit]]

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `AccessView.team` says."""
        return reading.team(await self._now(), team_id)

    async def colleagues(self, *, limit: int) -> tuple[Sequence[Member], Sequence[TeamDetail]]:
        """As `AccessView.colleagues` says."""
        return await self.members(after=None, limit=limit), await self.teams(after=None, limit=limit)

    async def authenticate(self, digest: bytes, *, at: datetime) -> tuple[Person, ApiToken]:
        """As `AccessView.authenticate` says."""
        rows = await self._now()
        token = next((token for token in rows.tokens.values() if token.digest == digest and token.is_good(at)), None)
        user, account = rows.users.get(token.user_id) if token else None, rows.accounts.get(self._account_id)
        if token is None or user is None or account is None:
            raise Unauthenticated
        account.require_open()
        return user.acting(self._account_id, scope=token.scope, way_in=WayIn(way=Way.TOKEN, id=token.id)), token

    async def signed_in(self, digest: bytes, *, at: datetime) -> Person:
        """As `AccessView.signed_in` says."""
        rows = await self._now()
        sign_in = rows.sign_ins.get(digest)
        user = rows.users.get(sign_in.user_id) if sign_in and sign_in.expires_at > at else None
        account = rows.accounts.get(self._account_id)
        if sign_in is None or user is None or account is None:
            raise Unauthenticated
        account.require_open()
        return user.acting(self._account_id, way_in=sign_in.way_in)

    async def standing(self, digests: Collection[bytes], *, at: datetime) -> Mapping[bytes, tuple[Person, ApiToken | None]]:
        """As `AccessView.standing` says."""
        found: dict[bytes, tuple[Person, ApiToken | None]] = {}
        for digest in digests:
            with suppress(Unauthenticated):
                found[digest] = await self.authenticate(digest, at=at)
            with suppress(Unauthenticated):
                found[digest] = await self.signed_in(digest, at=at), None
        return found
