"""The sealed secrets of one account, inside one unit of work."""

from collections.abc import Sequence
from datetime import UTC, datetime

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import SecretId
from flowpilot_core.ports.relay import SECRETS_KIND

NEVER = datetime.max.replace(tzinfo=UTC)


@frozen
class MemorySecrets:
    """Inside one unit of work."""

    _work: Transaction

    async def put(self, secret: SealedSecret) -> None:
        """As `Secrets.put` says."""
        await self._work.lock("secret", secret.id)
        self._work.rows.secrets.put(secret.id, secret)
        self._work.rows.due.put(self._work.account_id, DueWork(id=self._work.account_id, kind=SECRETS_KIND, due_at=NEVER))

    async def get(self, secret_id: SecretId) -> SealedSecret:
        """As `Secrets.get` says."""
        found = self._work.rows.secrets.get(secret_id)
        if found is None:
            raise NotFound("secret")
        return found

    async def drop(self, secret_id: SecretId) -> None:
        """As `Secrets.drop` says."""
        self._work.rows.secrets.drop(secret_id)

    async def sealed_otherwise(self, key_id: str, *, after: SecretId | None = None, limit: int) -> Sequence[SealedSecret]:
        """As `Secrets.sealed_otherwise` says."""
        others = (one for one in self._work.rows.secrets.values() if one.key_id != key_id and (after is None or one.id > after))
        found = sorted(others, key=lambda secret: secret.id)
        for secret in found[:limit]:
            await self._work.lock("secret", secret.id)
        current = (self._work.rows.secrets.get(secret.id) for secret in found[:limit])
        return [secret for secret in current if secret and secret.key_id != key_id]
