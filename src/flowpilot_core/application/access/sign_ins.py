"""Use cases of a browser: sign somebody in, tell who they are, sign them out."""

from attrs import frozen

from flowpilot_core.domain.access.audit import Deed, DeedKind, operator
from flowpilot_core.domain.access.sign_in import LINK_LASTS, SignIn, SignInLink
from flowpilot_core.domain.kernel.actor import Person, Way, WayIn
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId, SignInId, UserId
from flowpilot_core.domain.kernel.secret_text import Prefix, parse_token, token_digest, token_text
from flowpilot_core.ports.access import AccessView, AccessWork
from flowpilot_core.ports.kernel import BeginWork, Clock, NewId, NewSecret, ViewOf


@frozen(kw_only=True)
class SignedIn:
    """Somebody who was signed in just now, and the text their browser is to keep."""

    person: Person
    text: str


@frozen(kw_only=True)
class SigningIn:
    """Browsers; each keeps a text that names its account, so that looking it up crosses nothing."""

    begin: BeginWork[AccessWork]
    view: ViewOf[AccessView]
    clock: Clock
    new_id: NewId
    new_secret: NewSecret

    async def person(self, text: str) -> Person:
        """Who is signed in with the browser that keeps `text`. Raises `Unauthenticated`."""
        parsed = parse_token(text, Prefix.SIGN_IN)
        return await self.view(parsed.account_id).signed_in(parsed.digest, at=self.clock.now())

    async def link(self, account_id: AccountId, user_id: UserId) -> str:
        """The text of a link that signs one person in, once and soon: the operator's to give.

        Raises `NotFound` for an unknown or deactivated person.
        """
        secret = self.new_secret()
        async with self.begin(account_id) as work:
            if (await work.people.user(user_id)).deactivated_at is not None:
                raise NotFound("active user")
            expires_at = self.clock.now() + LINK_LASTS
            await work.sign_ins.add_link(SignInLink(user_id=user_id, digest=token_digest(secret), expires_at=expires_at))
            made = Deed.of(DeedKind.SIGN_IN_LINK_MADE, by=operator(account_id), at=self.clock.now(), thing_id=user_id)
            await work.audit.add(made)
            await work.commit()
        return token_text(account_id, secret, Prefix.LINK)

    async def by_link(self, link: str, *, instead_of: str | None) -> SignedIn:
        """Sign in whom a link is for, in place of whoever the browser was signed in as. Raises `Unauthenticated`."""
        parsed = parse_token(link, Prefix.LINK)
        async with self.begin(parsed.account_id) as work:
            user_id = await work.sign_ins.take_link(parsed.digest, at=self.clock.now())
            signed_in = await self.signed_in(work, parsed.account_id, user_id, WayIn(way=Way.LINK))
            await work.commit()
        await self.out(instead_of)
        return signed_in

    async def signed_in(self, work: AccessWork, account_id: AccountId, user_id: UserId, way_in: WayIn) -> SignedIn:
        """Somebody, under a new secret, so that nobody can have planted it.

        Raises `Unauthenticated` for somebody deactivated, and for anybody of an account that is closed.
        """
        secret = self.new_secret()
        (await work.people.account()).require_open()
        person = (await work.people.user(user_id)).acting(account_id, way_in=way_in)
        await work.sign_ins.add(
            SignIn.of(SignInId(self.new_id()), user_id, digest=token_digest(secret), way_in=way_in, at=self.clock.now())
        )
        return SignedIn(person=person, text=token_text(account_id, secret, Prefix.SIGN_IN))

    async def out(self, text: str | None) -> None:
        """Sign out the browser that keeps `text`; one that is signed out already stays so."""
        try:
            parsed = parse_token(text or "", Prefix.SIGN_IN)
        except Unauthenticated:
            return
        async with self.begin(parsed.account_id) as work:
            await work.sign_ins.end(parsed.digest)
            await work.commit()
