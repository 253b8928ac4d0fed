"""Identity providers: who else an account trusts to say who somebody is, and what they say."""

import binascii
import json
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId, ProviderId, SecretId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.text import TITLE, text
from flowpilot_core.domain.kernel.web_address import checked_web_address

ATTEMPT_LASTS = timedelta(minutes=10)
"""How long somebody may take at their provider's."""
LONGEST_JWT = 8192
"""Characters."""
_URN = "urn:flowpilot:"
_ISSUER = "https://login.example.com"


@frozen(kw_only=True)
class IdentityProvider:
    """An OpenID Connect provider of one account. Whoever it vouches for must be one of the account's people already."""

    id: ProviderId
    name: str
    """What the button on the sign-in page says."""
    issuer: str
    client_id: str
    """What the provider knows FlowPilot as."""
    secret_id: SecretId | None = None
    """Where the client's secret is kept; a public client has none."""
    created_at: datetime


@frozen(kw_only=True)
class Identity:
    """Whom a provider vouches for. Raises `Unauthenticated` for a name or an address that nobody can have."""

    subject: str
    """The provider's own, unchanging name of the person."""
    email: str | None = None
    """Only where the provider says that it is verified."""

    def __attrs_post_init__(self) -> None:
        _require_name(self.subject)
        if self.email is not None:
            _require_name(self.email)


@frozen(kw_only=True)
class SignInAttempt:
    """A browser that was sent to a provider, known by the digest of a secret that it alone keeps."""

    digest: bytes
    provider_id: ProviderId
    back_to: str
    expires_at: datetime


def checked_provider(
    id: ProviderId, *, name: str, issuer: str, client_id: str, secret_id: SecretId | None, at: datetime
) -> IdentityProvider:
    """A provider that can be asked. Raises `InvalidValue`."""
    return IdentityProvider(
        id=id,
        name=checked_name(name),
        issuer=_checked_issuer(issuer),
        client_id=checked_name(client_id, "client_id"),
        secret_id=secret_id,
        created_at=at,
    )


def changed_provider(provider: IdentityProvider, *, name: str | None, client_id: str | None) -> IdentityProvider:
    """With another name, or known to the provider otherwise; what is None stays. Raises `InvalidValue`."""
    return checked_provider(
        provider.id,
        name=provider.name if name is None else name,
        issuer=provider.issuer,
        client_id=provider.client_id if client_id is None else client_id,
        secret_id=provider.secret_id,
        at=provider.created_at,
    )


def audience(account_id: AccountId) -> str:
    """What a JWT for this account must be made out to: it names the account, so that looking its issuer up crosses nothing."""
    return f"{_URN}{account_id}"


def addressed_account(token: str) -> tuple[AccountId, str]:
    """Which account a JWT says it is for, and which issuer it says it is of: where to look, and not yet to be believed.

    Raises `Unauthenticated` for what is no JWT, and for one that does not name exactly one account.
    """
    claims = _claims(token)
    audiences = claims.get("aud")
    named = [one for one in (audiences if isinstance(audiences, list) else [audiences]) if isinstance(one, str) and one.startswith(_URN)]
    issuer = claims.get("iss")
    if len(named) != 1 or not isinstance(issuer, str):
        raise Unauthenticated
    _require_name(issuer)
    try:
        account_id = AccountId(UUID(named[0].removeprefix(_URN)))
    except ValueError:
        raise Unauthenticated from None
    if audience(account_id) != named[0]:
        raise Unauthenticated
    return account_id, issuer


def _require_name(value: str) -> None:
    try:
        text("claim", value)
    except InvalidValue:
        raise Unauthenticated from None


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST_JWT:
        raise Unauthenticated
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise Unauthenticated from None
    if not isinstance(claims, dict):
        raise Unauthenticated
    return claims


def _checked_issuer(value: str) -> str:
    parts = checked_web_address("issuer", value, most=TITLE, example=_ISSUER)
    if parts.query or parts.fragment:
        raise InvalidValue("issuer", f"must be an address such as {_ISSUER}")
    return value
