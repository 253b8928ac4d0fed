"""The identity providers of an account, whom they vouch for, and who is on the way there."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.identity_provider import Identity, IdentityProvider, SignInAttempt
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import ProviderId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email


@frozen
class MemoryIdentities:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, provider: IdentityProvider) -> None:
        """As `Identities.add` says."""
        await self._work.lock("issuer", provider.issuer)
        if any(one.issuer == provider.issuer for one in self._work.rows.providers.values()):
            raise InvalidValue("issuer", "is already trusted by this account")
        self._work.rows.providers.put(provider.id, provider)

    async def save(self, provider: IdentityProvider) -> None:
        """As `Identities.save` says."""
        if self._work.rows.providers.get(provider.id):
            self._work.rows.providers.put(provider.id, provider)

    async def drop(self, provider_id: ProviderId) -> None:
        """As `Identities.drop` says."""
        rows = self._work.rows
        await self.get(provider_id)
        for key in [(of, subject) for of, subject in rows.links.named() if of == provider_id]:
            rows.links.drop(key)
        for attempt in [one for one in rows.attempts.values() if one.provider_id == provider_id]:
            rows.attempts.drop(attempt.digest)
        rows.providers.drop(provider_id)

    async def get(self, provider_id: ProviderId) -> IdentityProvider:
        """As `Identities.get` says."""
        provider = self._work.rows.providers.get(provider_id)
        if provider is None:
            raise NotFound("identity provider")
        return provider

    async def all(self) -> Sequence[IdentityProvider]:
        """As `Identities.all` says."""
        return sorted(self._work.rows.providers.values(), key=lambda provider: provider.id)

    async def of_issuer(self, issuer: str) -> IdentityProvider:
        """As `Identities.of_issuer` says."""
        for provider in self._work.rows.providers.values():
            if provider.issuer == issuer:
                return provider
        raise NotFound("identity provider")

    async def linked(self, provider_id: ProviderId, identity: Identity) -> UserId | None:
        """As `Identities.linked` says."""
        linked = self._work.rows.links.get((provider_id, identity.subject))
        if linked is not None or identity.email is None:
            return linked
        address = folded_email(identity.email)
        return next((user.id for user in self._work.rows.users.values() if folded_email(user.email) == address), None)

    async def link(self, provider_id: ProviderId, subject: str, user_id: UserId) -> None:
        """As `Identities.link` says."""
        if self._work.rows.links.get((provider_id, subject)) is None:
            self._work.rows.links.put((provider_id, subject), user_id)

    async def begin(self, attempt: SignInAttempt, *, at: datetime) -> None:
        """As `Identities.begin` says."""
        attempts = self._work.rows.attempts
        for over in [one for one in attempts.values() if one.expires_at <= at]:
            attempts.drop(over.digest)
        attempts.put(attempt.digest, attempt)

    async def arrive(self, digest: bytes, *, at: datetime) -> SignInAttempt:
        """As `Identities.arrive` says."""
        await self._work.lock("attempt", digest)
        attempt = self._work.rows.attempts.get(digest)
        if attempt is None or attempt.expires_at <= at:
            raise Unauthenticated
        self._work.rows.attempts.drop(digest)
        return attempt
