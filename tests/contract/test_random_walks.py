"""Random walks of three accounts, on every adapter, beside a plain model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.state_machine import AccountsMachine
from tests.support.postgres import PostgresDatabase

pytestmark = pytest.mark.hypothesis
SETTINGS = settings(deadline=None, stateful_step_count=40, suppress_health_check=list(HealthCheck))


def test_no_account_learns_of_another_in_memory() -> None:
    class MemoryMachine(AccountsMachine):
        @asynccontextmanager
        async def opened(self) -> AsyncIterator[Adapter]:
            store = MemoryStore(clock=SystemClock(), new_token=new_id)
            yield Adapter(begin=store.begin, view=store.view, outbox=store.outbox)

    run_state_machine_as_test(MemoryMachine, settings=settings(SETTINGS, max_examples=100))


def test_no_account_learns_of_another_on_postgres(database: PostgresDatabase) -> None:
    class PostgresMachine(AccountsMachine):
        @asynccontextmanager
        async def opened(self) -> AsyncIterator[Adapter]:
            storage, outbox = Database(database.app), SqlOutbox(database.relay)
            yield Adapter(begin=storage.begin, view=storage.view, outbox=outbox)
            await storage.close()
            await outbox.close()

    without_shrinking = [phase for phase in Phase if phase is not Phase.shrink]
    run_state_machine_as_test(PostgresMachine, settings=settings(SETTINGS, max_examples=15, phases=without_shrinking))
