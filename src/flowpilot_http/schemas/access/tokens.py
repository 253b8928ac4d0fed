"""API tokens as clients write and read them; what they are kept as is not among it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.access.api_tokens import MadeToken
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.actor import Scope
from flowpilot_http.schemas.kernel import Closed, Instant, Line

ScopeOf = Annotated[
    Scope,
    Meta(description="`read` changes nothing; `work` is good for sessions and handoffs; `all` for whatever you may. Never more than that."),
]


class NewToken(Closed, kw_only=True, frozen=True):
    """A token of your own."""

    name: Annotated[Line, Meta(description="What it is for.")]
    scope: ScopeOf = Scope.ALL
    expires_at: Annotated[Annotated[datetime, Meta(tz=True)] | None, Meta(description="When it expires. Without it: never.")] = None


class TokenOut(msgspec.Struct, kw_only=True, frozen=True):
    """A token. `token`, the text to send as `Authorization: Bearer`, stands in the answer that made it, and in no other."""

    id: UUID
    user_id: UUID
    name: str
    scope: ScopeOf
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Annotated[Instant | None, Meta(description="To within ten minutes.")]
    token: str | UnsetType = UNSET

    @classmethod
    def of(cls, token: ApiToken, text: str | UnsetType = UNSET) -> "TokenOut":
        """As the core has it."""
        return cls(
            id=token.id,
            user_id=token.user_id,
            name=token.name,
            scope=token.scope,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
            token=text,
        )

    @classmethod
    def shown(cls, made: MadeToken) -> "TokenOut":
        """As whoever made it reads it, once."""
        return cls.of(made.token, made.text)

    @classmethod
    def again(cls, made: MadeToken) -> "TokenOut":
        """As it is told where the same request comes again."""
        return cls.of(made.token)
