"""Who is in an account and how they come in: people, invitations, tokens, browsers, identity providers, secrets, the audit log."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.access.account import Account, ApiToken, Team, User
from flowpilot_core.domain.access.audit import AuditEntry, AuditHead, Deed
from flowpilot_core.domain.access.branding import Branding, LogoFiles, Worn
from flowpilot_core.domain.access.identity_provider import Identity, IdentityProvider, SignInAttempt
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.access.sign_in import SignIn, SignInLink
from flowpilot_core.domain.access.sign_in_code import SignInCode
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import AccountId, InvitationId, ProviderId, SecretId, SignInCodeId, TeamId, TokenId, UserId
from flowpilot_core.domain.kernel.image import Image

from .kernel import KernelWork


class ApiTokens(Protocol):
    """The tokens of one account, inside one unit of work."""

    async def add(self, token: ApiToken) -> None:
        """Keep a new one. Raises `NotFound` (now or at the commit) for somebody who is not of this account."""

    async def get(self, token_id: TokenId) -> ApiToken:
        """Good or not. Raises `NotFound`."""

    async def of(self, user_id: UserId, *, after: TokenId | None, limit: int) -> Sequence[ApiToken]:
        """Somebody's, good or not, by id."""

    async def revoke(self, token_id: TokenId, *, at: datetime) -> None:
        """It is no good any more; when that was first said stays."""

    async def revoke_all(self, user_id: UserId, *, at: datetime) -> None:
        """None of somebody's is any good any more."""

    async def used(self, token_id: TokenId, *, at: datetime) -> None:
        """It was used then."""


@frozen(kw_only=True)
class Audited:
    """An entry, and what its person is called."""

    entry: AuditEntry
    name: str | None


class AuditLog(Protocol):
    """What was done to one account, inside one unit of work."""

    async def add(self, deed: Deed) -> AuditEntry:
        """Enter a deed after the last one; it commits with what was done. Whoever comes next waits until this unit of work ends."""

    async def head(self) -> AuditHead:
        """The end of the log as it is; number 0 before the first entry."""

    async def page(self, *, before: int | None, limit: int) -> Sequence[Audited]:
        """The newest entries first, from the one before number `before`."""


class Brand(Protocol):
    """How one account looks and signs, inside one unit of work."""

    async def get(self) -> Branding:
        """What it says of itself; of an account that says nothing, nothing."""

    async def save(self, branding: Branding, *, files: LogoFiles | None = None) -> None:
        """Keep what follows on the one that is there, with the files of a new logo; else those of the logo it has stay.

        Raises `Stale` (now or at the commit) where it does not follow on that one.
        """

    async def worn(self) -> Worn:
        """What it says of itself, with the small file of its logo."""


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


@frozen(kw_only=True)
class Member:
    """Somebody of the account, active or not, with the invitation they have yet to accept."""

    user: User
    invitation: Invitation | None = None


@frozen(kw_only=True)
class TeamDetail:
    """A team, and who is in it."""

    team: Team
    member_ids: frozenset[UserId] = frozenset()


class Invitations(Protocol):
    """The open invitations of one account, inside one unit of work."""

    async def add(self, invitation: Invitation) -> None:
        """Keep a new one, in place of any that its person had: the links of that one are void."""

    async def get(self, invitation_id: InvitationId) -> Invitation:
        """Raises `NotFound`, also where another has taken its place."""

    async def by(self, digest: bytes) -> Invitation:
        """The one that was mailed with this digest's secret. Raises `NotFound`."""

    async def save(self, invitation: Invitation) -> None:
        """Keep how far mailing it has got; nothing happens where it is no longer there."""

    async def drop(self, user_id: UserId) -> None:
        """Forget the one that this person has, if any."""


class Vault(Protocol):
    """Seals secrets with a key that is kept outside the database.

    What was sealed for one account and purpose opens for that account and purpose alone, wherever the bytes are moved to.
    """

    @property
    def key_id(self) -> str:
        """The name of the key that is sealed with now. Older ones may be known too, for opening."""

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        """`secret` in a form that may be stored; another one at every call. `purpose` is a word of the program, such as `psa`."""

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """The secret again. Raises `SecretUnreadable` for bytes of another account or purpose, or whose key is not known here."""

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """The same secret, sealed under the key of now. Raises as `open` does."""


class Secrets(Protocol):
    """The sealed secrets of one account, inside one unit of work. What needs one refers to it by its id."""

    async def put(self, secret: SealedSecret) -> None:
        """Keep a secret, in place of the one with its id if there is one. From now on `SecretHolders` name the account."""

    async def get(self, secret_id: SecretId) -> SealedSecret:
        """Raises `NotFound`."""

    async def drop(self, secret_id: SecretId) -> None:
        """Forget a secret, if it is there; what refers to it is dropped before."""

    async def sealed_otherwise(self, key_id: str, *, after: SecretId | None = None, limit: int) -> Sequence[SealedSecret]:
        """Secrets that are not sealed under this key, by id, from the one after `after`.

        Nobody else changes them until this unit of work ends.
        """


class SecretHolders(Protocol):
    """Which accounts have secrets, for who changes the key: ids alone."""

    async def holders(self, *, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """Accounts that have, or once had, sealed secrets, by id, from the one after `after`. Raises `Unavailable`."""


class SignInCodes(Protocol):
    """The codes of one account that browsers asked for, inside one unit of work."""

    async def ask(self, code: SignInCode) -> bool:
        """Keep a new one, unless there is no such account, or as many as may be were asked for its address lately; whether it was kept.

        Of any number at once no more are kept than may be. Those that count no more are forgotten.
        """

    async def get(self, code_id: SignInCodeId) -> SignInCode:
        """Raises `NotFound`."""

    async def hold(self, browser: bytes) -> SignInCode:
        """The one that the browser with this digest asked for; nobody else changes it before the unit of work ends.

        Raises `Unauthenticated` where it asked for none.
        """

    async def addressee(self, code: SignInCode) -> UserId | None:
        """Whose address it is, active or not."""

    async def save(self, code: SignInCode) -> None:
        """Keep its digests, its tries and until when it is good; nothing happens where it is no longer there."""


class SignIns(Protocol):
    """The sign-ins of one account, inside one unit of work."""

    async def add(self, sign_in: SignIn) -> None:
        """Keep a new one. Those of the account that are over by the time it begins are forgotten.

        Raises `NotFound` (now or at the commit) for somebody who is not of this account.
        """

    async def end(self, digest: bytes) -> None:
        """It is over; so is one that never was."""

    async def end_all(self, user_id: UserId) -> None:
        """All of somebody's are over, and the links for them."""

    async def add_link(self, link: SignInLink) -> None:
        """Keep a new link. Raises `NotFound` as `add` does."""

    async def take_link(self, digest: bytes, *, at: datetime) -> UserId:
        """Whom a link is for; of any number who take it at once, one succeeds.

        Raises `Unauthenticated` for an unknown one, one that was taken, and one that is over.
        """


class People(Protocol):
    """The account itself, its teams, people and tokens, inside one unit of work."""

    async def add_account(self, account: Account) -> None:
        """Keep the account this unit of work was opened for."""

    async def add_user(self, user: User) -> None:
        """Keep a new person. Raises `InvalidValue` for an e-mail address that somebody of the account has, whatever its case."""

    async def save_user(self, user: User) -> None:
        """Keep a changed person; who was held before loses nobody's change."""

    async def hold(self, *user_ids: UserId) -> Mapping[UserId, User]:
        """These people and every active account owner, as they are now; whoever else would hold one of them waits until this ends.

        Raises `NotFound` where one of `user_ids` is nobody's here.
        """

    async def member(self, user_id: UserId) -> Member:
        """Somebody with the invitation they have, as this unit of work has left them so far. Raises `NotFound`."""

    async def add_team(self, team: Team) -> None:
        """Keep a new team. Raises `InvalidValue` for a name that a team of the account has."""

    async def team(self, team_id: TeamId) -> TeamDetail:
        """Archived or not. Raises `NotFound`."""

    async def save_team(self, team: Team) -> None:
        """Keep a changed team. Raises `InvalidValue` as `add_team` does."""

    async def set_members(self, team_id: TeamId, user_ids: Collection[UserId]) -> None:
        """These people are in the team, and nobody else. Raises `NotFound` (now or at the commit) for who or what is not here."""

    async def save_account(self, account: Account) -> None:
        """Keep how the account works from now on; its name, its age and whether it is closed stay."""

    async def set_closed(self, closed_at: datetime | None) -> None:
        """The account is closed since then, or open where that is None: else nobody of it is signed in, and nobody acts or is told."""

    async def account(self) -> Account:
        """Raises `NotFound` where the account does not exist."""

    async def user(self, user_id: UserId) -> User:
        """Active or not. Raises `NotFound`."""

    async def users(self) -> tuple[User, ...]:
        """Everybody, active or not, oldest first."""

    async def teams(self) -> tuple[Team, ...]:
        """All teams, oldest first."""

    async def require_team(self, team_id: TeamId) -> None:
        """Raises `NotFound`, also for a team that is archived."""


class AccessWork(KernelWork, Protocol):
    """A unit of work over people and their ways in."""

    @property
    def people(self) -> People:
        """The people."""

    @property
    def branding(self) -> Brand:
        """How the account looks and signs."""

    @property
    def invitations(self) -> Invitations:
        """Who is invited."""

    @property
    def audit(self) -> AuditLog:
        """The audit log."""

    @property
    def secrets(self) -> Secrets:
        """The sealed secrets."""

    @property
    def identities(self) -> Identities:
        """The identity providers."""

    @property
    def tokens(self) -> ApiTokens:
        """API tokens."""

    @property
    def sign_ins(self) -> SignIns:
        """The browsers that people are signed in with."""

    @property
    def sign_in_codes(self) -> SignInCodes:
        """The codes that browsers asked for."""


class AccessView(Protocol):
    """What there is to see of people and their ways in in one account."""

    async def branding(self) -> Branding:
        """As `Brand.get`."""

    async def worn(self) -> Worn:
        """As `Brand.worn`."""

    async def logo(self) -> Image:
        """The whole file of the account's logo. Raises `NotFound`."""

    async def members(self, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """Everybody, active or not, by id."""

    async def member(self, user_id: UserId) -> Member:
        """Raises `NotFound`."""

    async def teams(self, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """All teams, archived or not, by id."""

    async def team(self, team_id: TeamId) -> TeamDetail:
        """Raises `NotFound`."""

    async def colleagues(self, *, limit: int) -> tuple[Sequence[Member], Sequence[TeamDetail]]:
        """The first of `members` and of `teams`, as of one moment."""

    async def authenticate(self, digest: bytes, *, at: datetime) -> tuple[Person, ApiToken]:
        """Who a token's digest stands for, with the token.

        Raises `Unauthenticated` for an unknown one, one that is revoked or over by `at`, and for a deactivated person.
        """

    async def signed_in(self, digest: bytes, *, at: datetime) -> Person:
        """Who is signed in with the browser of that digest. Raises `Unauthenticated` as above, and once the sign-in is over by `at`."""

    async def standing(self, digests: Collection[bytes], *, at: datetime) -> Mapping[bytes, tuple[Person, ApiToken | None]]:
        """Who each digest stands for, of a token (with the token) or of a browser: those alone that are good, as the two above say."""
