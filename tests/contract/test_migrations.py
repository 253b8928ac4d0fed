"""Bringing a database to the schema, back, and there again; alone, at once and killed."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

from flowpilot_adapters.sql import Database, migrations, tenancy
from flowpilot_adapters.sql.migrations import steps
from flowpilot_core.domain.insights.search import Document, HitKind
from tests.support.postgres import PostgresDatabase, PostgresServer, set_up

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'flowpilot' AND tablename <> 'alembic_version'"


@pytest.fixture
def bare(postgres: PostgresServer) -> PostgresDatabase:
    """A database that is set up and not migrated."""
    database = postgres.empty_database()
    set_up(database)
    return database


def test_a_database_goes_up_from_nothing_down_again_and_up(bare: PostgresDatabase) -> None:
    assert not migrations.is_at_head(bare.app)

    migrations.migrate(bare.owner)
    assert migrations.is_at_head(bare.app)
    assert [] == migrations.drift(bare.owner)

    migrations.downgrade(bare.owner)
    assert not migrations.is_at_head(bare.app)
    assert [(0,)] == bare.do(TABLES)

    migrations.migrate(bare.owner)
    assert migrations.is_at_head(bare.app)
    assert () == tenancy.findings(bare.owner)


def test_each_migration_can_be_taken_back_by_itself(bare: PostgresDatabase) -> None:
    migrations.migrate(bare.owner)
    tables = bare.do(TABLES)

    migrations.downgrade(bare.owner, "-1")
    migrations.migrate(bare.owner)

    assert tables == bare.do(TABLES)
    assert [] == migrations.drift(bare.owner)


def test_people_are_known_by_their_addresses_as_they_are_compared_now(bare: PostgresDatabase) -> None:
    """P1: of two whose addresses have become one, the first has it; back again each goes by what they did."""
    account = "00000000-0000-0000-0000-000000000001"
    emails = ["bob@straße.example", "Jo@Acme.example", "ann@xn--bcher-kva.example", "ann@bücher.example"]
    migrations.migrate(bare.owner, "0030")
    for number, email in enumerate(emails, 1):
        bare.do(
            "INSERT INTO flowpilot.person (account_id, id, email, folded_email, name, role, invited, created_at) VALUES"
            f" ('{account}', '00000000-0000-0000-0000-00000000000{number}', '{email}', '{email.casefold()}', 'x', 'engineer', false,"
            f" now() + interval '{number} s')"
        )
    folded = "SELECT folded_email FROM flowpilot.person ORDER BY id"

    migrations.migrate(bare.owner)
    now = ["bob@xn--strae-oqa.example", "jo@acme.example", "ann@xn--bcher-kva.example", "ann@bücher.example"]
    assert [(one,) for one in now] == bare.do(folded)
    assert () == tenancy.findings(bare.owner)

    migrations.downgrade(bare.owner, "0030")
    assert [(email.casefold(),) for email in emails] == bare.do(folded)


def test_what_was_found_before_stands_under_the_headings_that_are_given_now(bare: PostgresDatabase) -> None:
    account = "00000000-0000-0000-0000-000000000001"
    times = [datetime(1815, 6, 18, tzinfo=UTC), datetime(2012, 12, 31, 23, 59, tzinfo=UTC), datetime(2150, 1, 1, tzinfo=UTC)]
    migrations.migrate(bare.owner, "0060")
    for number, at in enumerate(times):
        bare.do(
            "INSERT INTO flowpilot.search_document (account_id, id, kind, title, is_titled, text, at)"
            f" VALUES ('{account}', '00000000-0000-0000-0000-00000000000{number}', 'tree', 'x', true, 'y', '{at.isoformat()}')"
        )
    headings = "SELECT id, word FROM flowpilot.search_word ORDER BY id, word"

    migrations.migrate(bare.owner)
    assert [
        (UUID(int=number), heading)
        for number, at in enumerate(times)
        for heading in sorted(Document.of(HitKind.TREE, UUID(int=number), "x", ("y",), at=at).headings)
    ] == bare.do(headings)

    migrations.downgrade(bare.owner, "0060")
    assert [] == bare.do(headings)


def test_migrating_again_changes_nothing(own_database: PostgresDatabase) -> None:
    """F46: it is re-runnable."""
    before = own_database.do("SELECT oid FROM pg_class WHERE relnamespace = 'flowpilot'::regnamespace ORDER BY oid")

    migrations.migrate(own_database.owner)

    assert before == own_database.do("SELECT oid FROM pg_class WHERE relnamespace = 'flowpilot'::regnamespace ORDER BY oid")


def test_setting_up_again_changes_nothing(own_database: PostgresDatabase) -> None:
    set_up(own_database)

    assert () == tenancy.findings(own_database.owner)
    assert migrations.is_at_head(own_database.app)


def test_a_table_that_differs_is_drift(own_database: PostgresDatabase) -> None:
    own_database.do("ALTER TABLE flowpilot.step ADD COLUMN stray integer")

    assert 1 == len(migrations.drift(own_database.owner))


def test_the_platform_has_its_account(database: PostgresDatabase) -> None:
    platform = "00000000-0000-0000-0000-000000000001"

    assert [(1,)] == database.do(f"SELECT count(*) FROM flowpilot.account WHERE account_id = '{platform}'")


def test_many_at_once_are_one_after_the_other(bare: PostgresDatabase) -> None:
    """F46."""
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(migrations.migrate, bare.owner) for _ in range(4)]:
            done.result()

    assert migrations.is_at_head(bare.app)
    assert [] == migrations.drift(bare.owner)


def _stop_in_the_middle(url: str, there: Event) -> None:
    """Migrate, and stand still once the first table has a policy."""

    @event.listens_for(Engine, "after_cursor_execute")
    def wait(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("CREATE POLICY"):
            there.set()
            signal.pause()

    migrations.migrate(url)


def test_one_that_is_killed_leaves_nothing_and_lets_the_next_one_pass(bare: PostgresDatabase) -> None:
    """F46: half-way is all the way back."""
    context = multiprocessing.get_context("spawn")
    there = context.Event()
    process = context.Process(target=_stop_in_the_middle, args=(bare.owner, there))
    process.start()
    assert there.wait(60)
    assert process.pid

    os.kill(process.pid, signal.SIGKILL)
    process.join()

    # Until the server has noticed, the dead one's lock makes the next one wait.
    migrations.migrate(bare.owner)
    assert migrations.is_at_head(bare.app)
    assert [] == migrations.drift(bare.owner)


def test_one_does_not_wait_for_ever_behind_those_who_use_a_table(bare: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """F45: everybody who comes after a change of a table waits behind it, so it gives up soon, and changes nothing."""
    migrations.migrate(bare.owner)
    monkeypatch.setattr(steps, "LONGEST_DDL_WAIT", "10ms")

    with psycopg.connect(bare.admin) as user:
        user.execute("SELECT count(*) FROM flowpilot.session")
        with pytest.raises(Exception, match="lock timeout"):
            migrations.downgrade(bare.owner)

    assert migrations.is_at_head(bare.app)


@pytest.mark.anyio
async def test_the_program_knows_whether_its_database_is_at_head(bare: PostgresDatabase) -> None:
    database = Database(bare.app)
    assert not await database.is_at_head()

    migrations.migrate(bare.owner)

    assert await database.is_at_head()
    await database.close()


def test_the_revision_that_is_read_from_the_steps_names_is_the_one_alembic_finds() -> None:
    folder = Path(steps.__file__).parent

    assert ScriptDirectory(str(folder)).get_current_head() == migrations.head()
