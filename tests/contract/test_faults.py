"""What goes wrong by itself: processes killed, databases gone, answers lost; and what must hold afterwards."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults, raising
from tests.support import processes
from tests.support.escalation import Stuck, heard, left_behind, stuck
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.processes import Victim

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    """One for the tests here, since relays look across accounts."""
    database = postgres.database()
    yield database
    postgres.drop(database)


@asynccontextmanager
async def on(database: PostgresDatabase, *, url: str | None = None) -> AsyncIterator[Adapter]:
    """The ports over a database, whatever `url` leads there."""
    store, outbox = Database(url or database.app), SqlOutbox(database.relay)
    try:
        yield Adapter(begin=store.begin, view=store.view, outbox=outbox)
    finally:
        await store.close()
        await outbox.close()


@pytest.fixture
async def adapter(database: PostgresDatabase) -> AsyncIterator[Adapter]:
    async with on(database) as adapter:
        yield adapter


def in_memory() -> Adapter:
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    return Adapter(begin=store.begin, view=store.view, outbox=store.outbox)


async def fault_points(adapter: Adapter) -> list[str]:
    """Every point an escalate passes."""
    faults = Faults()
    await (await stuck(adapter.begin, adapter.view)).escalate(faults.begin(adapter.begin))
    return faults.seen


class TestEscalating:
    """F01, F02: whatever happens in the middle of an escalate, all of it is kept or nothing."""

    async def judge(self, anna: Stuck, adapter: Adapter, *, answered: bool, committed: bool, point: str) -> None:
        there = await left_behind(anna, adapter.view)
        told = await heard(anna, adapter.begin, adapter.view, adapter.outbox)

        assert committed is (there is not None), point
        assert not answered or committed, point
        assert (sorted(anna.told) if committed else []) == told, point
        if committed:
            assert there == await anna.escalate(adapter.begin), point

    async def an_error_at_every_point(self, adapter: Adapter) -> None:
        committed = False
        for point in await fault_points(adapter):
            anna = await stuck(adapter.begin, adapter.view)
            faults = Faults()
            faults.at(point, raising(ZeroDivisionError(point)))
            with pytest.raises(ZeroDivisionError):
                await anna.escalate(faults.begin(adapter.begin))
            committed = committed or point == "commit: after"
            await self.judge(anna, adapter, answered=False, committed=committed, point=point)

    async def test_an_error_at_any_point_leaves_all_or_nothing(self, adapter: Adapter) -> None:
        """F01, F02: every point, on Postgres."""
        await self.an_error_at_every_point(adapter)

    async def test_an_error_at_any_point_leaves_all_or_nothing_in_memory(self) -> None:
        """F01, F02: every point, on the in-memory peer."""
        await self.an_error_at_every_point(in_memory())

    async def test_killed_at_any_point_all_or_nothing_is_left(self, database: PostgresDatabase, adapter: Adapter) -> None:
        """F01, F02, F03: every point, each in a process that is killed there with SIGKILL."""
        committed = False

        for point in await fault_points(adapter):
            anna = await stuck(adapter.begin, adapter.view)
            victim = Victim.of(processes.escalate, database.app, anna, point)
            assert (None, -signal.SIGKILL) == (await asyncio.to_thread(victim.hears), victim.ended()), point
            committed = committed or point == "commit: after"
            await self.judge(anna, adapter, answered=False, committed=committed, point=point)
