"""A world for each test: in memory, and on Postgres too for the modules that say so in `ADAPTERS`."""

from collections.abc import AsyncIterator

import pytest

from flowpilot_adapters.sql import Database, SqlOutbox
from tests.support.http import World, a_world, a_world_in
from tests.support.postgres import PostgresDatabase


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a world on every adapter that its module names."""
    if "world" in metafunc.fixturenames:
        adapters = getattr(metafunc.module, "ADAPTERS", ("memory",))
        marked = [pytest.param(name, marks=pytest.mark.postgres) if name == "postgres" else name for name in adapters]
        metafunc.parametrize("world", marked, indirect=True)


@pytest.fixture
async def world(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[World]:
    if request.param == "memory":
        yield await a_world()
        return
    database: PostgresDatabase = request.getfixturevalue("database")
    database.do("DELETE FROM flowpilot.due_work")  # What earlier tests left to be done would be done by this one's relay.
    storage, outbox = Database(database.app), SqlOutbox(database.relay)
    yield await a_world_in(storage.begin, storage.view, outbox)
    await storage.close()
    await outbox.close()
