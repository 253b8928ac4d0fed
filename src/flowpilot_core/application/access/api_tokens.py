"""Use cases of API tokens: who may have one made, see them, and end them."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor, Person, Scope
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import TokenId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, permits, person, require_role
from flowpilot_core.domain.kernel.secret_text import token_digest, token_text
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId, NewSecret


@frozen(kw_only=True)
class MadeToken:
    """A token and its text, which is never to be had again."""

    token: ApiToken
    text: str


@frozen(kw_only=True)
class ApiTokens:
    """The tokens of the actor's account; everybody makes their own, and none for others."""

    units: Units[AccessWork]
    clock: Clock
    new_id: NewId
    new_secret: NewSecret

    async def list(self, actor: Actor, user_id: UserId, *, after: TokenId | None, limit: int) -> Sequence[ApiToken]:
        """Somebody's, good or not, by id. Raises `NotFound`, or `RoleForbidden` for others' without managing people."""
        async with self.units.begin(actor.account_id) as work:
            await work.people.user(user_id)
            _require_reading(actor, user_id)
            return await work.tokens.of(user_id, after=after, limit=limit)

    async def make(
        self, actor: Actor, *, name: str, scope: Scope = Scope.ALL, expires_at: datetime | None = None, request: Request = PLAIN
    ) -> MadeToken:
        """A token of the actor's own. Raises `InvalidValue`."""
        by, secret = person(actor, Permission.KEEP_TOKENS), self.new_secret()
        token = new_token(TokenId(self.new_id()), by.user_id, secret, name=name, scope=scope, expires_at=expires_at, at=self.clock.now())

        async def unit(work: AccessWork) -> MadeToken:
            await work.tokens.add(token)
            await self._enter(work, DeedKind.TOKEN_MADE, token, by, request)
            return MadeToken(token=token, text=token_text(by.account_id, secret))

        return await self.units.run(actor, unit, request)

    async def require(self, actor: Actor, token_id: TokenId) -> None:
        """Raises `NotFound` for a token that is not the actor's to end."""
        async with self.units.begin(actor.account_id) as work:
            _require_keeper(actor, await work.tokens.get(token_id))

    async def revoke(self, actor: Actor, token_id: TokenId, *, request: Request = PLAIN) -> None:
        """End a token of one's own, or of others for whoever manages people; one that has ended stays so. Raises `NotFound`."""

        async def unit(work: AccessWork) -> None:
            token = await work.tokens.get(token_id)
            _require_keeper(actor, token)
            if token.revoked_at is None:
                await work.tokens.revoke(token_id, at=self.clock.now())
                await self._enter(work, DeedKind.TOKEN_REVOKED, token, actor, request)

        await self.units.run(actor, unit, request)

    async def _enter(self, work: AccessWork, kind: DeedKind, token: ApiToken, by: Actor, request: Request) -> None:
        said: dict[str, Plain] = {"user_id": str(token.user_id), "name": token.name, "scope": token.scope}
        await work.audit.add(Deed.of(kind, by=by, at=self.clock.now(), thing_id=token.id, changed=said, request_id=request.id))


def new_token(
    token_id: TokenId, user_id: UserId, secret: bytes, *, name: str, scope: Scope, expires_at: datetime | None, at: datetime
) -> ApiToken:
    """One that is good from `at` on. Raises `InvalidValue`."""
    if expires_at is not None and expires_at <= at:
        raise InvalidValue("expires_at", "must be in the future")
    return ApiToken(
        id=token_id,
        user_id=user_id,
        name=checked_name(name),
        scope=scope,
        digest=token_digest(secret),
        created_at=at,
        expires_at=expires_at,
    )


def _require_keeper(actor: Actor, token: ApiToken) -> None:
    require_role(actor, Permission.KEEP_TOKENS)
    if not permits(actor, Permission.KEEP_TOKENS, (token.user_id,)):
        raise NotFound("token")


def _require_reading(actor: Actor, user_id: UserId) -> None:
    """Raises `RoleForbidden`. Whoever may read at all may read of their own."""
    if not (isinstance(actor, Person) and actor.user_id == user_id):
        require_role(actor, Permission.MANAGE_PEOPLE)
