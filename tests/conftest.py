"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.postgres import PostgresDatabase, PostgresServer, running_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks the server, so that `make unit` can do without."""
    for item in items:
        if isinstance(item, pytest.Function) and "postgres" in item.fixturenames:
            item.add_marker("postgres")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, on one event loop for the whole run, so that fixtures may outlive a test."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the run, or for each worker of it; where there can be none the tests fail."""
    # Not in pytest's folder: root's server runs as another user, and every run of pytest that starts closes that folder to others.
    with TemporaryDirectory(prefix="flowpilot-tests-") as folder, running_server(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> PostgresDatabase:
    """A migrated database that tests share: each makes accounts of its own in it."""
    return postgres.database()


@pytest.fixture
def own_database(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    """A migrated database for one test that changes more than rows."""
    database = postgres.database()
    yield database
    postgres.drop(database)
