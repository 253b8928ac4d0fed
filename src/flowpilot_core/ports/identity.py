"""Identity providers: which an account has, and how they are asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.identifiers import ProviderId, UserId
from flowpilot_core.domain.identity import Identity, IdentityProvider, SignInAttempt


class Identities(Protocol):
    """The identity providers of one account, whom they vouch for, and who is on the way there, inside one unit of work."""

    async def add(self, provider: IdentityProvider) -> None:
        """Keep a new one. Raises `InvalidValue` (now or at the commit) for an issuer that the account has."""

    async def save(self, provider: IdentityProvider) -> None:
        """Keep what is different about one, but for its issuer; nothing happens where it is no longer there."""

    async def drop(self, provider_id: ProviderId) -> None:
        """Forget one, with whoever it vouched for and is on the way there. Raises `NotFound`."""

    async def get(self, provider_id: ProviderId) -> IdentityProvider:
        """Raises `NotFound`."""

    async def all(self) -> Sequence[IdentityProvider]:
        """Oldest first."""

    async def of_issuer(self, issuer: str) -> IdentityProvider:
        """Raises `NotFound`."""

    async def linked(self, provider_id: ProviderId, identity: Identity) -> UserId | None:
        """Whom the provider means: who was linked to the subject or, where nobody was, has the verified e-mail address."""

    async def link(self, provider_id: ProviderId, subject: str, user_id: UserId) -> None:
        """From now on the provider means this person by that subject; whoever it meant before stays."""

    async def begin(self, attempt: SignInAttempt, *, at: datetime) -> None:
        """A browser is on its way. Those that are over by `at` are forgotten."""

    async def arrive(self, digest: bytes, *, at: datetime) -> SignInAttempt:
        """It is back; of any number who say so at once, one is believed. Raises `Unauthenticated` for the others and for late ones."""


@frozen(kw_only=True)
class Errand:
    """What a browser takes to the provider and back, all of it known to that browser and us alone."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    """Of PKCE: only its digest is shown to the provider before the code comes back."""


class OpenId(Protocol):
    """Speaks with OpenID Connect providers. What they publish is remembered for a while, for each provider apart.

    Everything but `examine` raises `Unavailable` where the provider does not answer, or answers what cannot be right, in a bounded time.
    """

    async def examine(self, issuer: str) -> None:
        """Ask what a provider publishes, now. Raises `InvalidValue` that says what is wrong with it."""

    async def address(self, provider: IdentityProvider, errand: Errand) -> str:
        """Where a browser signs in, to come back with a code."""

    async def redeemed(self, provider: IdentityProvider, errand: Errand, *, code: str, secret: str | None) -> Identity:
        """Whom the provider gave a code for. Raises `Unauthenticated` where it, or what it says, is no good."""

    async def verified(self, provider: IdentityProvider, token: str, *, audience: str) -> Identity:
        """Whom a JWT of the provider speaks of. Raises `Unauthenticated` where it is forged, over, early, or for somebody else."""
