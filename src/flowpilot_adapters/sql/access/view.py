"""What there is to see of people, and who is signed in in one account."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import LargeBinary, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.access import people
from flowpilot_adapters.sql.access.branding import BRANDING, LOGO, WORN
from flowpilot_adapters.sql.queries import LOWEST, columns_but_account, is_open, own
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import access as access_records
from flowpilot_adapters.sql.schema import api_token, person, sign_in
from flowpilot_adapters.sql.statement import compiled
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.access.branding import Branding, Worn
from flowpilot_core.domain.kernel.actor import Person, Role, Way, WayIn
from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.ports.access import Member, TeamDetail

_good_tokens: Final = (
    select(*columns_but_account(api_token), person.c.name.label("user_name"), person.c.role)
    .join_from(api_token, person, own(person) & (person.c.id == api_token.c.user_id))
    .where(
        own(api_token),
        api_token.c.revoked_at.is_(None),
        or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > bindparam("at", type_=api_token.c.expires_at.type)),
        person.c.deactivated_at.is_(None),
        is_open(),
    )
)
_good_sign_ins: Final = (
    select(sign_in.c.digest, person.c.id, person.c.name, person.c.role, sign_in.c.way, sign_in.c.way_id)
    .join_from(sign_in, person, own(person) & (person.c.id == sign_in.c.user_id))
    .where(own(sign_in), sign_in.c.expires_at > bindparam("at"), person.c.deactivated_at.is_(None), is_open())
)
_digests: Final = bindparam("digests", type_=ARRAY(LargeBinary()))

AUTHENTICATE: Final = compiled("authenticate", _good_tokens.where(api_token.c.digest == bindparam("digest")))
STANDING: Final = compiled("authenticate many", _good_tokens.where(api_token.c.digest == any_(_digests)))
SIGNED_IN: Final = compiled("authenticate browser", _good_sign_ins.where(sign_in.c.digest == bindparam("digest")))
STILL_SIGNED_IN: Final = compiled("authenticate many browsers", _good_sign_ins.where(sign_in.c.digest == any_(_digests)))


class SqlAccessView(SqlReading):
    """As `AccessView` says."""

    async def branding(self) -> Branding:
        """As `AccessView.branding` says."""
        return access_records.branding((await self._read_one(BRANDING(account_id=self._account_id))).first)

    async def worn(self) -> Worn:
        """As `AccessView.worn` says."""
        return access_records.worn((await self._read_one(WORN(account_id=self._account_id))).first)

    async def logo(self) -> Image:
        """As `AccessView.logo` says."""
        return access_records.logo((await self._read_one(LOGO(account_id=self._account_id))).first)

    async def members(self, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """As `AccessView.members` says."""
        found = await self._read_one(people.MEMBERS(account_id=self._account_id, after=after or LOWEST, most=limit))
        return [access_records.member(row) for row in found.rows]

    async def member(self, user_id: UserId) -> Member:
        """As `AccessView.member` says."""
        return people.member_of(await self._read_one(people.member_call(self._account_id, user_id)))

    async def teams(self, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """As `AccessView.teams` says."""
        found = await self._read_one(people.TEAM_PAGE(account_id=self._account_id, after=after or LOWEST, most=limit))
        return [access_records.team(row) for row in found.rows]

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `AccessView.team` says."""
        return people.team_of(await self._read_one(people.team_call(self._account_id, team_id)))

    async def colleagues(self, *, limit: int) -> tuple[Sequence[Member], Sequence[TeamDetail]]:
        """As `AccessView.colleagues` says."""
        first = {"account_id": self._account_id, "after": LOWEST, "most": limit}
        members, teams = await self._read(people.MEMBERS(**first), people.TEAM_PAGE(**first))
        return [access_records.member(row) for row in members.rows], [access_records.team(row) for row in teams.rows]

    async def authenticate(self, digest: bytes, *, at: datetime) -> tuple[Person, ApiToken]:
        """As `AccessView.authenticate` says."""
        row = (await self._read_one(AUTHENTICATE(account_id=self._account_id, digest=digest, at=at))).first
        if row is None:
            raise Unauthenticated
        return self._by_token(row)

    async def signed_in(self, digest: bytes, *, at: datetime) -> Person:
        """As `AccessView.signed_in` says."""
        row = (await self._read_one(SIGNED_IN(account_id=self._account_id, digest=digest, at=at))).first
        if row is None:
            raise Unauthenticated
        return self._by_browser(row)

    async def standing(self, digests: Collection[bytes], *, at: datetime) -> Mapping[bytes, tuple[Person, ApiToken | None]]:
        """As `AccessView.standing` says."""
        asked = {"account_id": self._account_id, "digests": list(digests), "at": at}
        tokens, browsers = await self._read(STANDING(**asked), STILL_SIGNED_IN(**asked))
        return {row.digest: self._by_token(row) for row in tokens.rows} | {
            row.digest: (self._by_browser(row), None) for row in browsers.rows
        }

    def _by_token(self, row: Any) -> tuple[Person, ApiToken]:
        token = access_records.api_token(row)
        person = Person(
            account_id=self._account_id,
            user_id=token.user_id,
            role=Role(row.role),
            name=row.user_name,
            scope=token.scope,
            way_in=WayIn(way=Way.TOKEN, id=token.id),
        )
        return person, token

    def _by_browser(self, row: Any) -> Person:
        way_in = access_records.way_in(row)
        return Person(account_id=self._account_id, user_id=row.id, role=Role(row.role), name=row.name, way_in=way_in)
