"""Secrets of an account, unreadable to whoever has the database alone."""

from collections.abc import Sequence
from typing import Protocol

from flowpilot_core.domain.identifiers import AccountId, SecretId
from flowpilot_core.domain.secret import SealedSecret


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
