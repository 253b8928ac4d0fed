"""API tokens: your own, and for those who manage people the others'."""

from collections.abc import Sequence
from uuid import UUID

from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.identifiers import TokenId, UserId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.access.tokens import NewToken, TokenOut
from flowpilot_http.schemas.kernel import Listed, Nothing, Page

part = Part("Tokens")


@part.reads("/tokens", Listed[TokenOut], query=Page, problems=("invalid_cursor",))
async def list_tokens(request: Call) -> Body:
    """Your tokens, oldest first, expired and revoked ones included."""
    return await _listed(request, request.user.user_id)


@part.makes("/tokens", TokenOut, body=NewToken)
async def make_token(request: Call) -> Body:
    """Make a token of your own. Only this answer has its text: a repeat of the request gets everything else."""
    new = await request.read(NewToken)
    return await request.changed(
        lambda change: request.flowpilot.tokens.make(
            request.user, name=new.name, scope=new.scope, expires_at=new.expires_at, request=change
        ),
        TokenOut.shown,
        status=201,
        again=TokenOut.again,
    )


@part.drops("/tokens/{token_id:str}")
async def revoke_token(request: Call) -> Body:
    """Revoke a token, everywhere and within a second. It stays in the list."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.tokens.revoke(request.user, request.token_id, request=change), lambda _: None, status=204
    )


@part.reads("/users/{user_id:str}/tokens", Listed[TokenOut], query=Page, problems=("invalid_cursor", *FORBIDDEN))
async def list_tokens_of(request: Call) -> Body:
    """Somebody's tokens; those of others only for whoever manages people."""
    return await _listed(request, request.user_id)


async def _listed(request: Call, user_id: UserId) -> Body:
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> Sequence[ApiToken]:
        last = None if after is None else TokenId(after)
        return await request.flowpilot.tokens.list(request.user, user_id, after=last, limit=limit)

    return await request.listed(page, f"tokens of {user_id}", UUID, more, shown=TokenOut.of, at=lambda token: token.id)


ROUTES = (
    list_tokens,
    make_token,
    revoke_token,
    list_tokens_of,
)
