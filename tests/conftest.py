"""What all tests share."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresDatabase, PostgresServer, running_server


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, on one event loop for the whole run, so that fixtures may outlive a test."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server for the run, or for each worker of it; where there can be none the tests fail."""
    with running_server(tmp_path_factory.mktemp("postgres")) as server:
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
