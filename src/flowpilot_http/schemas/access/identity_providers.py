"""Identity providers as clients write and read them; a client's secret is not among what is read."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.domain.access.identity_provider import IdentityProvider, audience
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_http.schemas.kernel import Closed, Instant, Line

Secret = Annotated[
    str | None,
    Meta(
        description="The client's secret, encrypted and never shown; a public client has none.",
        extra_json_schema={"writeOnly": True},
    ),
]


class NewProvider(Closed, kw_only=True, frozen=True):
    """Whom to trust."""

    name: Annotated[Line, Meta(description="What the button on the sign-in page says.")]
    issuer: Annotated[
        str, Meta(description="Its address, exactly as it names itself: https://login.example.com.", extra_json_schema={"format": "uri"})
    ]
    client_id: Annotated[Line, Meta(description="The client id that it gave FlowPilot.")]
    client_secret: Secret = None


class ChangeProvider(Closed, kw_only=True, frozen=True):
    """What is to be different; what is left out stays."""

    name: Line | None = None
    client_id: Line | None = None
    client_secret: Secret = None


class ProviderOut(msgspec.Struct, kw_only=True, frozen=True):
    """An identity provider of your account, and what it has to know of FlowPilot."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    has_secret: bool
    sign_in: Annotated[str, Meta(description="Where people of your account sign in.")]
    redirect_uri: Annotated[str, Meta(description="The one address that it may send browsers back to.")]
    audience: Annotated[str, Meta(description="What its JWTs must be made out to, to be bearer tokens of your account.")]
    created_at: Instant

    @classmethod
    def of(cls, provider: IdentityProvider, account_id: AccountId, sign_in: str) -> "ProviderOut":
        """As clients read it."""
        return cls(
            id=provider.id,
            name=provider.name,
            issuer=provider.issuer,
            client_id=provider.client_id,
            has_secret=provider.secret_id is not None,
            sign_in=sign_in,
            redirect_uri=f"{sign_in}/callback",
            audience=audience(account_id),
            created_at=provider.created_at,
        )
