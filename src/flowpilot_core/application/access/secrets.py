"""Keeping the secrets of accounts: sealed at rest, opened where they are used, resealed when the key changes."""

import logging

from attrs import evolve, frozen

from flowpilot_core.domain.access.audit import Deed, DeedKind, operator
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import SecretUnreadable, Unavailable
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, SecretId
from flowpilot_core.ports.access import AccessWork, SecretHolders, Vault
from flowpilot_core.ports.kernel import BeginWork, Clock, NewId

log = logging.getLogger("flowpilot.secrets")

AT_ONCE = 100
"""Secrets, or accounts, that one unit of work or one look takes on."""
MOST_COUNTED = 10_000
"""Secrets of one account."""


class NoVault:
    """Where no vault was given: nothing secret can be kept."""

    key_id = "none"

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        """Raises `Unavailable`."""
        raise Unavailable("vault")

    open = resealed = seal


@frozen(kw_only=True)
class Safe:
    """Where use cases keep what nobody may read: inside their own unit of work, under an id."""

    vault: Vault
    clock: Clock
    new_id: NewId

    async def put(
        self, work: AccessWork, account_id: AccountId, purpose: str, secret: str, *, in_place_of: SecretId | None = None
    ) -> SecretId:
        """Keep a secret of the account that `work` is in; with `in_place_of` under the id of an earlier one, which is gone."""
        secret_id = in_place_of or SecretId(self.new_id())
        sealed = self.vault.seal(account_id, purpose, secret.encode())
        await work.secrets.put(
            SealedSecret(id=secret_id, purpose=purpose, sealed=sealed, key_id=self.vault.key_id, created_at=self.clock.now())
        )
        return secret_id

    async def open(self, work: AccessWork, account_id: AccountId, purpose: str, secret_id: SecretId) -> str:
        """A secret again. Raises `NotFound`, or `SecretUnreadable` also where it was kept for another purpose."""
        return self.vault.open(account_id, purpose, (await work.secrets.get(secret_id)).sealed).decode()


@frozen(kw_only=True)
class Rotated:
    """What a rotation came to."""

    key_id: str
    """The key that everything is sealed under now, but for what is unreadable."""
    resealed: int
    unreadable: int
    """Secrets whose key is not known any more: they stay as they are."""


@frozen(kw_only=True)
class Rotation:
    """Seals everything under the key of now, account by account, while others go on working.

    It can be stopped at any moment and run again: what is sealed already is not looked at twice.
    """

    begin: BeginWork[AccessWork]
    accounts: SecretHolders
    vault: Vault
    clock: Clock

    async def run(self) -> Rotated:
        """Reseal whatever is sealed under another key, in all accounts. Raises `Unavailable`."""
        resealed = unreadable = 0
        after: AccountId | None = None
        while holders := await self.accounts.holders(after=after, limit=AT_ONCE):
            for account_id in holders:
                done, left = await self._account(account_id)
                resealed, unreadable = resealed + done, unreadable + left
            after = holders[-1]
        return Rotated(key_id=self.vault.key_id, resealed=resealed, unreadable=unreadable)

    async def outstanding(self) -> tuple[int, int]:
        """How many secrets are not sealed under the key of now, and how many of all no known key opens. Raises `Unavailable`."""
        older = lost = 0
        after: AccountId | None = None
        while holders := await self.accounts.holders(after=after, limit=AT_ONCE):
            for account_id in holders:
                async with self.begin(account_id) as work:
                    for secret in await work.secrets.sealed_otherwise(self.vault.key_id, limit=MOST_COUNTED):
                        opens = self._opens(account_id, secret)
                        older, lost = older + opens, lost + (not opens)
            after = holders[-1]
        return older, lost

    def _opens(self, account_id: AccountId, secret: SealedSecret) -> bool:
        try:
            self.vault.open(account_id, secret.purpose, secret.sealed)
        except SecretUnreadable:
            return False
        return True

    async def _account(self, account_id: AccountId) -> tuple[int, int]:
        resealed = unreadable = 0
        after: SecretId | None = None
        while True:
            done = 0
            async with self.begin(account_id) as work:
                secrets = await work.secrets.sealed_otherwise(self.vault.key_id, after=after, limit=AT_ONCE)
                for secret in secrets:
                    try:
                        sealed = self.vault.resealed(account_id, secret.purpose, secret.sealed)
                    except SecretUnreadable:
                        unreadable += 1
                        log.warning("a secret cannot be opened any more", extra={"secret_id": str(secret.id), "purpose": secret.purpose})
                        continue
                    await work.secrets.put(evolve(secret, sealed=sealed, key_id=self.vault.key_id))
                    done += 1
                if done:
                    await self._enter(work, account_id, done)
                await work.commit()
            resealed += done
            if len(secrets) < AT_ONCE:
                return resealed, unreadable
            after = secrets[-1].id

    async def _enter(self, work: AccessWork, account_id: AccountId, resealed: int) -> None:
        changed: dict[str, Plain] = {"resealed": resealed, "key_id": self.vault.key_id}
        await work.audit.add(Deed.of(DeedKind.SECRETS_RESEALED, by=operator(account_id), at=self.clock.now(), changed=changed))
