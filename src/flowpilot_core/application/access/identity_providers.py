"""Use cases of identity providers: configure them, and let in whom they vouch for."""

import hmac
from collections.abc import Sequence

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.access.identity_provider import (
    ATTEMPT_LASTS,
    Identity,
    IdentityProvider,
    SignInAttempt,
    addressed_account,
    audience,
    changed_provider,
    checked_provider,
)
from flowpilot_core.domain.kernel.actor import Actor, Person, Way, WayIn
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated, Unavailable
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, ProviderId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.secret_text import Prefix, derived, parse_token, token_digest, token_text
from flowpilot_core.domain.kernel.text import TITLE, text
from flowpilot_core.ports.access import AccessWork, Errand, OpenId
from flowpilot_core.ports.kernel import Clock, NewId, NewSecret

from .secrets import Safe
from .sign_ins import SignedIn, SigningIn

PURPOSE = "identity provider"


class NoOpenId:
    """What stands for `OpenId` where nobody speaks with identity providers: no account has one."""

    async def examine(self, issuer: str) -> None:
        """Raises `Unavailable`, as the others."""
        raise Unavailable("identity provider")

    async def address(self, provider: IdentityProvider, errand: Errand) -> str:
        """As `examine`."""
        raise Unavailable("identity provider")

    async def redeemed(self, provider: IdentityProvider, errand: Errand, *, code: str, secret: str | None) -> Identity:
        """As `examine`."""
        raise Unavailable("identity provider")

    async def verified(self, provider: IdentityProvider, token: str, *, audience: str) -> Identity:
        """As `examine`."""
        raise Unavailable("identity provider")


@frozen(kw_only=True)
class SetOut:
    """A browser is to go to `address`, keeping `text` until it is back."""

    address: str
    text: str


@frozen(kw_only=True)
class Identities:
    """A provider belongs to one account, and whatever comes from one names that account: nobody is looked up across accounts."""

    units: Units[AccessWork]
    openid: OpenId
    safe: Safe
    signing_in: SigningIn
    clock: Clock
    new_id: NewId
    new_secret: NewSecret

    async def add(
        self, actor: Actor, *, name: str, issuer: str, client_id: str, client_secret: str | None = None, request: Request = PLAIN
    ) -> IdentityProvider:
        """Trust a provider from now on, which is asked first what it publishes.

        Raises `RoleForbidden`, or `InvalidValue` also for an issuer that the account has, and for one that cannot be asked.
        """
        provider = checked_provider(
            ProviderId(self.new_id()), name=name, issuer=issuer, client_id=client_id, secret_id=None, at=self.clock.now()
        )
        _check_secret(client_secret)
        require_role(actor, Permission.MANAGE_PROVIDERS)
        await self.openid.examine(provider.issuer)

        async def unit(work: AccessWork) -> IdentityProvider:
            added = await self._with_secret(work, actor.account_id, provider, client_secret)
            await work.identities.add(added)
            await self._enter(work, DeedKind.PROVIDER_ADDED, added, actor, request)
            return added

        return await self.units.run(actor, unit, request)

    async def change(
        self,
        actor: Actor,
        provider_id: ProviderId,
        *,
        name: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        request: Request = PLAIN,
    ) -> IdentityProvider:
        """Another name, or another client of the same issuer; what is None stays. Raises `NotFound`, `InvalidValue` or `RoleForbidden`."""
        _check_secret(client_secret)

        async def unit(work: AccessWork) -> IdentityProvider:
            provider = changed_provider(await work.identities.get(provider_id), name=name, client_id=client_id)
            require_role(actor, Permission.MANAGE_PROVIDERS)
            provider = await self._with_secret(work, actor.account_id, provider, client_secret)
            await work.identities.save(provider)
            await self._enter(work, DeedKind.PROVIDER_CHANGED, provider, actor, request)
            return provider

        return await self.units.run(actor, unit, request)

    async def all(self, actor: Actor) -> Sequence[IdentityProvider]:
        """Those of the account, oldest first. Raises `RoleForbidden`."""
        require_role(actor, Permission.READ_PROVIDERS)
        return await self.offered(actor.account_id)

    async def require(self, actor: Actor, provider_id: ProviderId) -> None:
        """Raises `NotFound` for one that is not of the actor's account."""
        async with self.units.begin(actor.account_id) as work:
            await work.identities.get(provider_id)

    async def remove(self, actor: Actor, provider_id: ProviderId, *, request: Request = PLAIN) -> IdentityProvider:
        """Trust it no longer; who is signed in stays so. Raises `NotFound` or `RoleForbidden`."""

        async def unit(work: AccessWork) -> IdentityProvider:
            provider = await work.identities.get(provider_id)
            require_role(actor, Permission.MANAGE_PROVIDERS)
            await work.identities.drop(provider_id)
            if provider.secret_id is not None:
                await work.secrets.drop(provider.secret_id)
            await self._enter(work, DeedKind.PROVIDER_REMOVED, provider, actor, request)
            return provider

        return await self.units.run(actor, unit, request)

    async def offered(self, account_id: AccountId) -> Sequence[IdentityProvider]:
        """What a sign-in page offers; nothing, where there is no such account."""
        async with self.units.begin(account_id) as work:
            return await work.identities.all()

    async def person(self, token: str) -> Person:
        """Who a JWT stands for. Raises `Unauthenticated`, or `Unavailable` where its issuer cannot be asked for its keys."""
        account_id, issuer = addressed_account(token)
        try:
            async with self.units.begin(account_id) as work:
                provider = await work.identities.of_issuer(issuer)
        except NotFound:
            raise Unauthenticated from None
        identity = await self.openid.verified(provider, token, audience=audience(account_id))
        async with self.units.begin(account_id) as work:
            return await self._person(work, account_id, provider, identity)

    async def set_out(self, account_id: AccountId, provider_id: ProviderId, *, redirect_uri: str, back_to: str) -> SetOut:
        """Send a browser to a provider. Raises `NotFound` or `Unavailable`."""
        secret = self.new_secret()
        kept = token_text(account_id, secret, Prefix.ATTEMPT)
        at = self.clock.now()
        async with self.units.begin(account_id) as work:
            provider = await work.identities.get(provider_id)
        address = await self.openid.address(provider, _errand(kept, redirect_uri))
        attempt = SignInAttempt(digest=token_digest(secret), provider_id=provider_id, back_to=back_to, expires_at=at + ATTEMPT_LASTS)
        async with self.units.begin(account_id) as work:
            await work.identities.begin(attempt, at=at)
            await work.commit()
        return SetOut(address=address, text=kept)

    async def arrive(
        self, kept: str, *, account_id: AccountId, state: str, code: str, issuer: str | None, redirect_uri: str
    ) -> tuple[SignedIn, str]:
        """Sign in whom the provider gave a code for, in the browser that set out; and where it was going.

        Raises `Unauthenticated` where it is another browser, the second time, too late, the answer of another provider, or about
        nobody active here; `Unavailable` where the provider does not answer.
        """
        parsed = parse_token(kept, Prefix.ATTEMPT)
        errand = _errand(kept, redirect_uri)
        if not code or parsed.account_id != account_id or not hmac.compare_digest(errand.state.encode(), state.encode()):
            raise Unauthenticated
        async with self.units.begin(account_id) as work:
            attempt = await work.identities.arrive(parsed.digest, at=self.clock.now())
            provider = await work.identities.get(attempt.provider_id)
            secret = await self.safe.open(work, account_id, PURPOSE, provider.secret_id) if provider.secret_id else None
            await work.commit()
        if issuer not in (None, provider.issuer):
            raise Unauthenticated
        identity = await self.openid.redeemed(provider, errand, code=code, secret=secret)
        async with self.units.begin(account_id) as work:
            person = await self._person(work, account_id, provider, identity)
            await work.identities.link(provider.id, identity.subject, person.user_id)
            signed_in = await self.signing_in.signed_in(work, account_id, person.user_id, _way_in(provider))
            await work.commit()
        return signed_in, attempt.back_to

    async def _person(self, work: AccessWork, account_id: AccountId, provider: IdentityProvider, identity: Identity) -> Person:
        user_id = await work.identities.linked(provider.id, identity)
        if user_id is None:
            raise Unauthenticated
        (await work.people.account()).require_open()
        return (await work.people.user(user_id)).acting(account_id, way_in=_way_in(provider))

    async def _with_secret(
        self, work: AccessWork, account_id: AccountId, provider: IdentityProvider, client_secret: str | None
    ) -> IdentityProvider:
        if client_secret is None:
            return provider
        return evolve(provider, secret_id=await self.safe.put(work, account_id, PURPOSE, client_secret, in_place_of=provider.secret_id))

    async def _enter(self, work: AccessWork, kind: DeedKind, provider: IdentityProvider, actor: Actor, request: Request) -> None:
        said: dict[str, Plain] = {"name": provider.name, "issuer": provider.issuer, "client_id": provider.client_id}
        deed = Deed.of(kind, by=actor, at=self.clock.now(), thing_id=provider.id, changed=said, request_id=request.id)
        await work.audit.add(deed)


def _way_in(provider: IdentityProvider) -> WayIn:
    return WayIn(way=Way.PROVIDER, id=provider.id)


def _check_secret(client_secret: str | None) -> None:
    if client_secret is not None:
        text("client_secret", client_secret, most=10 * TITLE)


def _errand(kept: str, redirect_uri: str) -> Errand:
    """All of it follows from what the browser keeps, so that nothing of it need be stored."""
    return Errand(redirect_uri=redirect_uri, state=derived(kept, "state"), nonce=derived(kept, "nonce"), verifier=derived(kept, "verifier"))
