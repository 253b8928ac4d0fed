"""Secrets of an account, unreadable to whoever has the database alone."""

from typing import Protocol

from flowpilot_core.domain.identifiers import AccountId


class Vault(Protocol):
    """Seals secrets with a key that is kept outside the database.

    What was sealed for one account and purpose opens for that account and purpose alone, wherever the bytes are moved to.
    """

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        """`secret` in a form that may be stored; another one at every call. `purpose` is a word of the program, such as `psa`."""

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """The secret again. Raises `SecretUnreadable` for bytes of another account or purpose, or whose key is not known here."""
