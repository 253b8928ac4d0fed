"""`flowpilot backup` and `flowpilot restore`, each a process of its own, on a real database (F47, F52)."""

import asyncio
import json
import os
import re
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flowpilot_adapters.backup_file import MANIFEST, SUMS, UNFINISHED
from flowpilot_adapters.postgres_programs import ProgramFailed, Programs
from flowpilot_adapters.sql import Database, roles
from flowpilot_core.testing.builders import a_session, a_staff
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.serving import PROGRAM, environment, named, ran, said, until

YESTERDAYS = b"yesterday's backup"


@pytest.fixture
def full(own_database: PostgresDatabase) -> PostgresDatabase:
    """One in which two accounts have a session that was handed off, and that search finds."""

    async def fill() -> None:
        kept = Database(own_database.app)
        for name in ("Acme IT", "Globex"):
            staff = await a_staff(name).kept(kept.begin)
            case = await a_session(by=staff.anna).step("rebooted it\tand \\ waited\n\\.").escalated().kept(kept.begin)
            async with kept.begin(staff.account_id) as work:
                await work.search_index.refresh(case.id)
                await work.commit()
        await kept.close()

    asyncio.run(fill())
    return own_database


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    """One that nobody has set up."""
    database = postgres.empty_database()
    yield database
    postgres.drop(database)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where yesterday's backup lies."""
    file = tmp_path / "flowpilot.backup"
    file.write_bytes(YESTERDAYS)
    return file


def saving(database: PostgresDatabase, role: str = roles.BACKUP) -> dict[str, str]:
    return named(database) | {"backup_database_url": database.url(role)}


def restored(file: Path, into: PostgresDatabase) -> "subprocess.CompletedProcess[str]":
    return ran("restore", str(file), "--into", into.admin, **named(into))


def counts(database: PostgresDatabase) -> dict[str, dict[str, int]]:
    """How many rows each table has of each account, counted by this test."""
    tables = database.do(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'flowpilot' AND column_name = 'account_id'"
    )
    return {
        table: {str(one): number for one, number in database.do(f"SELECT account_id, count(*) FROM flowpilot.{table} GROUP BY 1")}
        for (table,) in tables
    }


def tables(database: PostgresDatabase) -> list[tuple[Any, ...]]:
    return database.do("SELECT tablename FROM pg_tables WHERE schemaname = 'flowpilot'")


def members(file: Path) -> dict[str, bytes]:
    """What is in the archive, as anybody opens it."""
    with tarfile.open(file) as archive:
        opened = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        return {name: content.read() for name, content in opened.items() if content is not None}


def changed(file: Path, **change: Callable[[bytes], bytes]) -> None:
    """Write the archive anew, with members changed."""
    read = members(file)
    with tarfile.open(file, "w") as archive:
        for name, content in read.items():
            new = change[name](content) if name in change else content
            member = tarfile.TarInfo(name)
            member.size = len(new)
            archive.addfile(member, BytesIO(new))


def test_every_account_has_its_rows_again_and_relays_rest(full: PostgresDatabase, empty: PostgresDatabase, file: Path) -> None:
    """F47 and F48: saved by the role for it, restored by a superuser, counted for each account."""
    made = said("backup", str(file), **saving(full))
    back = restored(file, empty)

    assert 0 == back.returncode, back.stderr
    assert counts(full) == counts(empty) == {table: made["rows"][table] for table in counts(full)}
    assert [2] * 4 == [len(made["rows"][table]) for table in ("handoff", "search_document", "search_spelling", "search_word")]
    ((reason,),) = empty.do("SELECT paused_because FROM flowpilot.relay_mark")
    assert re.match(r"the database was restored from a backup of \d{4}-\d\d-\d\d \d\d:\d\d UTC", reason)
    assert "flowpilot relay resume" in back.stdout
    assert said("account", "create", "Later", **named(empty))["id"]
    for account in made["rows"]["handoff"]:
        assert {"ok": True, "differences": []} == said("analytics", "verify", "--account", account, **named(empty))
    assert [(2, 2)] == empty.do("SELECT count(*), sum(escalations) FROM flowpilot.session")


def test_what_is_written_while_it_is_made_is_in_all_of_it_or_in_none(full: PostgresDatabase, file: Path) -> None:
    """F52: what is dumped and what is counted are one snapshot, so that a backup of a busy database is one."""
    writing = subprocess.Popen(
        [*PROGRAM, "backup", str(file), "--json"],
        env=environment(**saving(full)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for number in range(3):
        said("account", "create", f"Meanwhile {number}", **named(full))
    told, complaints = writing.communicate(timeout=60)

    assert 0 == writing.returncode, complaints
    assert json.loads(told)["rows"]["account"].items() <= counts(full)["account"].items()


@pytest.mark.parametrize("role", [roles.OWNER, roles.APP, roles.RELAY])
def test_it_is_made_by_a_role_that_reads_all_or_not_at_all(full: PostgresDatabase, file: Path, role: str) -> None:
    """F47"""
    ended = ran("backup", str(file), **saving(full, role))

    assert (1, YESTERDAYS) == (ended.returncode, file.read_bytes())
    assert "does not pass row security, so that rows would be missing: connect as flowpilot_backup" in ended.stderr


def test_yesterdays_stays_where_the_dump_fails(full: PostgresDatabase, file: Path) -> None:
    """F52: `pg_dump` ends with an error."""
    full.do("REVOKE SELECT ON flowpilot.handoff FROM flowpilot_backup")

    ended = ran("backup", str(file), **saving(full))

    assert (1, YESTERDAYS) == (ended.returncode, file.read_bytes())
    assert "flowpilot: pg_dump ended with 1: pg_dump: error: " in ended.stderr
    assert [file] == list(file.parent.iterdir())


def test_yesterdays_stays_where_it_is_killed_in_the_middle_and_the_next_one_is_made(
    full: PostgresDatabase, file: Path, empty: PostgresDatabase
) -> None:
    """F52: killed while `pg_dump` waits for a table that somebody holds."""
    with psycopg.connect(full.admin) as holding:
        holding.execute("LOCK TABLE flowpilot.handoff IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen([*PROGRAM, "backup", str(file)], env=environment(**saving(full)), stderr=subprocess.PIPE) as writing:
            until(lambda: full.do("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'flowpilot.handoff'::regclass") == [(1,)])
            os.kill(writing.pid, signal.SIGKILL)
    left = {one.name for one in file.parent.iterdir()}

    assert (YESTERDAYS, {file.name, file.name + UNFINISHED}) == (file.read_bytes(), left)
    assert said("backup", str(file), **saving(full))
    assert [file] == list(file.parent.iterdir())
    assert 0 == restored(file, empty).returncode


def test_two_at_once_do_not_write_into_each_other(full: PostgresDatabase, file: Path) -> None:
    """F52"""
    with psycopg.connect(full.admin) as holding:
        holding.execute("LOCK TABLE flowpilot.handoff IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen([*PROGRAM, "backup", str(file)], env=environment(**saving(full)), stdout=subprocess.DEVNULL) as first:
            until(lambda: full.do("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'flowpilot.handoff'::regclass") == [(1,)])
            second = ran("backup", str(file), **saving(full))
            holding.rollback()

    assert (0, 1) == (first.returncode, second.returncode)
    assert f"another backup is being written to {file}" in second.stderr


@pytest.mark.parametrize("where", ["nowhere/flowpilot.backup", "."])
def test_where_it_cannot_be_written_is_said(full: PostgresDatabase, tmp_path: Path, where: str) -> None:
    ended = ran("backup", str(tmp_path / where), **saving(full))

    assert 1 == ended.returncode
    assert "cannot be written" in ended.stderr


def test_a_database_that_is_not_there_is_said(own_database: PostgresDatabase, file: Path, tmp_path: Path) -> None:
    """F52: unnamed, out of reach, empty, or an embedded one that was never made."""
    wrong = {
        "set FLOWPILOT_BACKUP_DATABASE_URL": named(own_database),
        "the database says: ": saving(own_database) | {"backup_database_url": own_database.url(roles.BACKUP) + "&dbname=nobodys"},
        "there is nothing of FlowPilot in the database postgres": named(own_database) | {"backup_database_url": own_database.address.url()},
        "there is no database in ": {"data_dir": str(tmp_path / "nothing")},
    }

    for why, settings in wrong.items():
        ended = ran("backup", str(file), **settings)
        assert (1, YESTERDAYS) == (ended.returncode, file.read_bytes())
        assert why in ended.stderr


def test_a_file_in_which_anything_was_changed_is_refused(full: PostgresDatabase, empty: PostgresDatabase, file: Path) -> None:
    """F52: a byte of the dump, a count, a digest, an end that is missing, another file altogether."""
    said("backup", str(file), **saving(full))
    whole = file.read_bytes()

    def refused(content: bytes) -> str:
        file.write_bytes(content)
        ended = restored(file, empty)
        assert (1, []) == (ended.returncode, tables(empty))
        return ended.stderr

    for at in (whole.index(b"PGDMP") + 5_000, whole.index(b'"rows"') + 30, whole.index(b"  database.dump\n") - 1):
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert "is not as it was written: its digests are others now" in refused(flipped)
    assert "cannot be read" in refused(whole[: len(whole) // 2])
    assert "cannot be read" in refused(YESTERDAYS)
    assert "cannot be read" in refused(b"")


def test_a_restore_that_is_told_wrongly_says_what_is_wrong(tmp_path: Path) -> None:
    (letter := tmp_path / "letter.txt").write_text("Dear all")
    for file, why in (
        (tmp_path / "nowhere", "nowhere cannot be read: No such file or directory\n"),
        (tmp_path, "cannot be read: Is a directory\n"),
        (letter, "letter.txt cannot be read as a backup: it is another file, or cut short"),
    ):
        ended = ran("restore", str(file), data_dir=str(tmp_path))
        assert (1, True) == (ended.returncode, why in ended.stderr), ended.stderr


def test_a_restore_into_what_is_no_address_says_how_one_looks(full: PostgresDatabase, file: Path) -> None:
    said("backup", str(file), **saving(full))

    ended = ran("restore", str(file), "--into", "flowpilot_restored")

    assert 1 == ended.returncode
    assert "the database to restore into must be an address such as postgresql://" in ended.stderr


def test_a_backup_whose_counts_are_others_leaves_the_database_empty(full: PostgresDatabase, empty: PostgresDatabase, file: Path) -> None:
    """F52: its digests are right, and yet a row of one account is missing; nobody can connect meanwhile."""
    said("backup", str(file), **saving(full))
    (account, *_) = counts(full)["handoff"]

    def one_more(manifest: bytes) -> bytes:
        read = json.loads(manifest)
        read["rows"]["handoff"][account] += 1
        return json.dumps(read).encode()

    changed(file, **{MANIFEST: one_more})
    sums = {name: sha256(content).hexdigest() for name, content in members(file).items() if name != SUMS}
    changed(file, **{SUMS: lambda _: "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()})

    ended = restored(file, empty)

    assert (1, []) == (ended.returncode, tables(empty))
    assert "the restored database has 2 rows of handoff, but 3 were saved: this is not what was backed up" in ended.stderr


def test_a_restore_goes_into_an_empty_database_alone(full: PostgresDatabase, empty: PostgresDatabase, file: Path) -> None:
    """F52: a second time, over what is at work, or beside what is somebody else's; what is there stays."""
    said("backup", str(file), **saving(full))
    assert 0 == restored(file, empty).returncode
    before = counts(full)

    again, over = restored(file, empty), restored(file, full)
    empty.do("DROP SCHEMA flowpilot CASCADE", "CREATE TABLE public.theirs (id int)")
    beside = restored(file, empty)

    assert [1, 1, 1] == [one.returncode for one in (again, over, beside)]
    assert all("is not empty, it has" in one.stderr for one in (again, over, beside))
    assert before == counts(full)


def test_a_restore_that_cannot_be_is_said_and_leaves_nothing(full: PostgresDatabase, empty: PostgresDatabase, file: Path) -> None:
    """F52: by a role that may not, and where the dump does not load."""
    said("backup", str(file), **saving(full))

    nobody = ran("restore", str(file), **named(empty))
    owner = ran("restore", str(file), "--into", full.owner, **named(full))
    empty.do("CREATE FUNCTION public.no_tables() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no table here$$; END'")
    empty.do("CREATE EVENT TRIGGER no_tables ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.no_tables()")
    failed = restored(file, empty)

    assert [1, 1, 1] == [one.returncode for one in (nobody, owner, failed)]
    assert "name an empty database with --into, as a superuser" in nobody.stderr
    assert "flowpilot_owner may not set roles up: connect as a superuser" in owner.stderr
    assert "pg_restore ended with 1: pg_restore: error: " in failed.stderr
    assert [] == tables(empty)


def test_the_embedded_database_is_saved_and_restored_by_its_folder(tmp_path: Path) -> None:
    """F47: with nothing set but the folder."""
    one, other = {"data_dir": str(tmp_path / "one")}, {"data_dir": str(tmp_path / "other")}
    account = said("account", "create", "Acme", **one)["id"]

    made = said("backup", str(tmp_path / "kept"), **one)
    back = said("restore", str(tmp_path / "kept"), **other)

    assert made["rows"] == back["rows"]
    assert said("user", "create", "--account", account, "--email", "jo@acme.test", "--name", "Jo", "--role", "engineer", **other)["id"]


def test_programs_that_are_too_old_are_said() -> None:
    """F52: the server is newer than any `pg_dump` here."""
    with pytest.raises(ProgramFailed, match=r"of PostgreSQL 99 or newer are needed, and the newest here are of \d+"):
        Programs.of(99)
