"""The identity providers of an account, whom they vouch for, and who is on the way there, inside one unit of work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from attrs import asdict
from sqlalchemy import Text, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import columns_but_account, own
from flowpilot_adapters.sql.schema import identity_link, identity_provider, person, sign_in_attempt
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.identity_provider import Identity, IdentityProvider, SignInAttempt
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import ProviderId, SecretId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email

_at = bindparam("at", type_=sign_in_attempt.c.expires_at.type)
_provider_id = bindparam("provider_id", type_=identity_link.c.provider_id.type)
_provider = select(*columns_but_account(identity_provider)).where(own(identity_provider))
_is_linked = own(identity_link) & (identity_link.c.provider_id == _provider_id) & (identity_link.c.subject == bindparam("subject"))

ADD: Final = compiled("add provider", insert(identity_provider).values({one: bindparam(one.name) for one in identity_provider.c}))
GET: Final = compiled("provider", _provider.where(identity_provider.c.id == bindparam("id")))
ALL: Final = compiled("providers", _provider.order_by(identity_provider.c.id))
OF_ISSUER: Final = compiled("provider of issuer", _provider.where(identity_provider.c.issuer == bindparam("issuer")))
SAVE: Final = compiled(
    "save provider",
    update(identity_provider)
    .where(identity_provider.c.account_id == bindparam("account_id"), identity_provider.c.id == bindparam("provider_id"))
    .values({name: bindparam(f"new_{name}") for name in ("name", "client_id", "secret_id")}),
)
DROP_LINKS: Final = compiled("drop links", delete(identity_link).where(own(identity_link), identity_link.c.provider_id == _provider_id))
DROP_ATTEMPTS: Final = compiled(
    "drop attempts", delete(sign_in_attempt).where(own(sign_in_attempt), sign_in_attempt.c.provider_id == _provider_id)
)
DROP: Final = compiled(
    "drop provider",
    delete(identity_provider).where(own(identity_provider), identity_provider.c.id == bindparam("id")).returning(identity_provider.c.id),
)
LINKED: Final = compiled("linked", select(identity_link.c.user_id).where(_is_linked))
OF_ADDRESS: Final = compiled(
    "person of address", select(person.c.id).where(own(person), person.c.folded_email == bindparam("folded_email", type_=Text()))
)
LINK: Final = compiled(
    "link",
    upsert(identity_link)
    .values({one: bindparam(one.name) for one in identity_link.c})
    .on_conflict_do_nothing(index_elements=list(identity_link.primary_key)),
)
BEGIN: Final = compiled("begin attempt", insert(sign_in_attempt).values({one: bindparam(one.name) for one in sign_in_attempt.c}))
FORGET: Final = compiled("forget attempts", delete(sign_in_attempt).where(own(sign_in_attempt), sign_in_attempt.c.expires_at <= _at))
ARRIVE: Final = compiled(
    "arrive",
    delete(sign_in_attempt)
    .where(own(sign_in_attempt), sign_in_attempt.c.digest == bindparam("digest"), sign_in_attempt.c.expires_at > _at)
    .returning(*columns_but_account(sign_in_attempt)),
)


class SqlIdentities:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, provider: IdentityProvider) -> None:
        """As `Identities.add` says."""
        self._transaction.write(ADD(account_id=self._account_id, **asdict(provider)))

    async def save(self, provider: IdentityProvider) -> None:
        """As `Identities.save` says."""
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                provider_id=provider.id,
                new_name=provider.name,
                new_client_id=provider.client_id,
                new_secret_id=provider.secret_id,
            )
        )

    async def drop(self, provider_id: ProviderId) -> None:
        """As `Identities.drop` says."""
        *_, dropped = await self._transaction.read(
            DROP_LINKS(account_id=self._account_id, provider_id=provider_id),
            DROP_ATTEMPTS(account_id=self._account_id, provider_id=provider_id),
            DROP(account_id=self._account_id, id=provider_id),
        )
        if dropped.first is None:
            raise NotFound("identity provider")

    async def get(self, provider_id: ProviderId) -> IdentityProvider:
        """As `Identities.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=provider_id))
        return _only(found.first)

    async def all(self) -> Sequence[IdentityProvider]:
        """As `Identities.all` says."""
        (found,) = await self._transaction.read(ALL(account_id=self._account_id))
        return [_made(row) for row in found.rows]

    async def of_issuer(self, issuer: str) -> IdentityProvider:
        """As `Identities.of_issuer` says."""
        (found,) = await self._transaction.read(OF_ISSUER(account_id=self._account_id, issuer=issuer))
        return _only(found.first)

    async def linked(self, provider_id: ProviderId, identity: Identity) -> UserId | None:
        """As `Identities.linked` says."""
        address = identity.email and folded_email(identity.email)
        linked, of_address = await self._transaction.read(
            LINKED(account_id=self._account_id, provider_id=provider_id, subject=identity.subject),
            OF_ADDRESS(account_id=self._account_id, folded_email=address),
        )
        if linked.first is not None:
            return UserId(linked.first.user_id)
        return None if of_address.first is None else UserId(of_address.first.id)

    async def link(self, provider_id: ProviderId, subject: str, user_id: UserId) -> None:
        """As `Identities.link` says."""
        self._transaction.write(LINK(account_id=self._account_id, provider_id=provider_id, subject=subject, user_id=user_id))

    async def begin(self, attempt: SignInAttempt, *, at: datetime) -> None:
        """As `Identities.begin` says."""
        self._transaction.write(FORGET(account_id=self._account_id, at=at))
        self._transaction.write(BEGIN(account_id=self._account_id, **asdict(attempt)))

    async def arrive(self, digest: bytes, *, at: datetime) -> SignInAttempt:
        """As `Identities.arrive` says."""
        (arrived,) = await self._transaction.read(ARRIVE(account_id=self._account_id, digest=digest, at=at))
        row = arrived.first
        if row is None:
            raise Unauthenticated
        return SignInAttempt(digest=row.digest, provider_id=ProviderId(row.provider_id), back_to=row.back_to, expires_at=row.expires_at)


def _only(row: Any) -> IdentityProvider:
    if row is None:
        raise NotFound("identity provider")
    return _made(row)


def _made(row: Any) -> IdentityProvider:
    return IdentityProvider(
        id=ProviderId(row.id),
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        secret_id=row.secret_id and SecretId(row.secret_id),
        created_at=row.created_at,
    )
