"""What a replay leaves in PostgreSQL: written without waiting for the disk, row by row, and on it in the end."""

from collections.abc import AsyncIterator

import pytest

from flowpilot_adapters.sql import Database
from flowpilot_adapters.sql.statement import Statement
from flowpilot_core.ports.replay import ImportedRow
from flowpilot_core.testing.builders import Case, a_session, a_staff
from tests.support.postgres import PostgresDatabase

pytestmark = pytest.mark.anyio

WAITS = Statement("waits for the disk", "SHOW synchronous_commit")


@pytest.fixture
async def storage(database: PostgresDatabase) -> AsyncIterator[Database]:
    # The server of the tests has nobody wait for the disk.
    database.do(f"ALTER DATABASE {database.name} SET synchronous_commit = on")
    storage = Database(database.app, pool_size=1)
    yield storage
    await storage.close()


def a_row(case: Case, line: int) -> ImportedRow:
    return ImportedRow(log="log", line=line, case="1", session_id=case.id, outcome="step")


async def test_the_commit_of_a_replayed_row_does_not_wait_for_the_disk_and_the_next_one_does(storage: Database) -> None:
    acme = await a_staff().kept(storage.begin)
    case = await a_session(by=acme.anna).kept(storage.begin)

    async with storage.begin(acme.account_id) as work:
        await work.imports.add(a_row(case, 1))
        (within,) = await work.transaction.read(WAITS())
        await work.commit()
    async with storage.begin(acme.account_id) as work:
        (after,) = await work.transaction.read(WAITS())

    assert [("off",)] == within.rows
    assert [("on",)] == after.rows


async def test_what_was_replayed_is_on_disk_once_it_is_settled(storage: Database, database: PostgresDatabase) -> None:
    acme = await a_staff().kept(storage.begin)
    case = await a_session(by=acme.anna).kept(storage.begin)
    for line in range(20):
        async with storage.begin(acme.account_id) as work:
            await work.imports.add(a_row(case, line))
            await work.commit()
    ((written,),) = database.do("SELECT pg_current_wal_insert_lsn()")

    async with storage.begin(acme.account_id) as work:
        await work.imports.settle()
        await work.commit()

    assert [(True,)] == database.do(f"SELECT pg_current_wal_flush_lsn() >= '{written}'")
