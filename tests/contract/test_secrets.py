"""Vaults and stores of secrets keep their contracts, and the two together lose nothing when a key changes."""

from collections.abc import AsyncIterator, Sequence

import pytest

from flowpilot_adapters.memory import MemoryStore, MemoryVault
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.ports.access import SecretHolders, Vault
from flowpilot_core.testing import contracts
from flowpilot_core.testing.contracts import Adapter
from tests.support.postgres import PostgresDatabase


class TestAesGcmVault(contracts.VaultContract):
    capabilities = frozenset({"hides", "rotates"})

    @staticmethod
    def vault_of(keys: Sequence[bytes]) -> Vault:
        return AesGcmVault(keys)


class TestMemoryVault(contracts.VaultContract):
    @staticmethod
    def vault_of(keys: Sequence[bytes]) -> Vault:
        return MemoryVault()


class TestSecretsInMemory(contracts.SecretsContract):
    @pytest.fixture
    def vault(self) -> Vault:
        return MemoryVault()

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(clock=SystemClock(), new_token=new_id)

    @pytest.fixture
    def adapter(self, store: MemoryStore) -> Adapter:
        return Adapter(begin=store.begin, view=store.view, outbox=store.outbox)

    @pytest.fixture
    def holders(self, store: MemoryStore) -> SecretHolders:
        return store.outbox


class TestSecretsInPostgres(contracts.SecretsContract):
    @pytest.fixture
    def vault(self) -> Vault:
        return AesGcmVault([b"k" * 32])

    @pytest.fixture
    async def relay(self, database: PostgresDatabase) -> AsyncIterator[SqlOutbox]:
        outbox = SqlOutbox(database.relay)
        yield outbox
        await outbox.close()

    @pytest.fixture
    async def adapter(self, database: PostgresDatabase, relay: SqlOutbox) -> AsyncIterator[Adapter]:
        storage = Database(database.app)
        yield Adapter(begin=storage.begin, view=storage.view, outbox=relay)
        await storage.close()

    @pytest.fixture
    def holders(self, relay: SqlOutbox) -> SecretHolders:
        return relay


def test_a_vault_needs_a_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        AesGcmVault([])
