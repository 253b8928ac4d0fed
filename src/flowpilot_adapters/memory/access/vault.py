"""A vault without a lock, for tests and trying things out."""

from flowpilot_core.domain.kernel.errors import SecretUnreadable
from flowpilot_core.domain.kernel.identifiers import AccountId


class MemoryVault:
    """Keeps apart what belongs to different accounts and purposes, and hides nothing."""

    @property
    def key_id(self) -> str:
        """As `Vault.key_id` says: there is one key, and it is none."""
        return "none"

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        """As `Vault.seal` says, in plain sight."""
        return _label(account_id, purpose) + secret

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """As `Vault.open` says."""
        label = _label(account_id, purpose)
        if not sealed.startswith(label):
            raise SecretUnreadable(purpose)
        return sealed[len(label) :]

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """As `Vault.resealed` says."""
        return self.seal(account_id, purpose, self.open(account_id, purpose, sealed))


def _label(account_id: AccountId, purpose: str) -> bytes:
    return b"sealed %s %s: " % (str(account_id).encode(), purpose.encode())
