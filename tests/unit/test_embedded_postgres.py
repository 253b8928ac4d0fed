"""The PostgreSQL that a program brings along, on real servers."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest

from flowpilot_adapters.embedded_postgres import Address, Binaries, EmbeddedPostgres, PostgresFailed

pytestmark = pytest.mark.postgres

QUICK = {"fsync": "off"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, which pytest's own would not be."""
    with tempfile.TemporaryDirectory(prefix="fp-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with (
        tempfile.TemporaryDirectory(prefix="fp-") as made,
        EmbeddedPostgres(Path(made) / 'it\'s "ours" & $kept', settings=QUICK) as running,
    ):
        yield running


def ask(address: Address, question: str) -> object:
    with psycopg.connect(address.url()) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def tell(address: Address, *statements: str) -> None:
    with psycopg.connect(address.url()) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_it_answers_on_a_socket_in_its_folder_and_nowhere_else(server: EmbeddedPostgres) -> None:
    assert str(server.data_dir) == server.address.host
    assert "" == ask(server.address, "show listen_addresses")
    with pytest.raises(PostgresFailed, match="TCP"):
        _ = server.tcp_address


def test_its_folder_lets_nobody_else_in(server: EmbeddedPostgres) -> None:
    assert 0o700 == server.data_dir.stat().st_mode & 0o777


def test_it_speaks_utf_8_and_knows_letters_beyond_ascii(server: EmbeddedPostgres) -> None:
    assert "UTF8" == ask(server.address, "show server_encoding")
    assert "ä" == ask(server.address, "select lower('Ä')")


def test_the_superuser_is_postgres(server: EmbeddedPostgres) -> None:
    assert "postgres" == ask(server.address, "select rolname from pg_roles where rolsuper")


def test_a_stopped_one_starts_again_with_its_data(server: EmbeddedPostgres) -> None:
    tell(server.address, "create table kept ()")
    server.stop()
    with pytest.raises(PostgresFailed, match="no PostgreSQL is running"):
        _ = server.address

    again = server.start()

    assert "kept" == ask(again, "select to_regclass('kept')::text")


def test_a_second_one_in_the_folder_uses_the_running_server_and_leaves_it_running(server: EmbeddedPostgres) -> None:
    started = ask(server.address, "select pg_postmaster_start_time()")

    with EmbeddedPostgres(server.data_dir) as second:
        assert not second.owned
        assert started == ask(second.address, "select pg_postmaster_start_time()")

    assert started == ask(server.address, "select pg_postmaster_start_time()")


def test_a_crash_keeps_what_was_committed_and_nothing_else(server: EmbeddedPostgres) -> None:
    """F08: what an immediate stop leaves is what a crash leaves."""
    tell(server.address, "create table note (body text)", "insert into note values ('committed')")
    with psycopg.connect(server.address.url()) as open_transaction:
        open_transaction.execute("insert into note values ('open')")
        server.stop("immediate")
        again = server.start()
        with pytest.raises(psycopg.OperationalError):
            open_transaction.execute("select 1")

    assert "committed" == ask(again, "select string_agg(body, ',') from note")


def test_one_whose_starter_was_killed_is_taken_over_and_stopped_by_the_next(folder: Path) -> None:
    program = dedent("""
        import sys
        from pathlib import Path
        from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
        print(EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"}).start().host, flush=True)
        sys.stdin.read()
    """)
    starter = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        assert str(folder) == starter.stdout.readline().strip()
        started = ask(Address(host=str(folder), port=5432), "select pg_postmaster_start_time()")
        starter.send_signal(signal.SIGKILL)

    with EmbeddedPostgres(folder) as heir:
        assert heir.owned
        assert started == ask(heir.address, "select pg_postmaster_start_time()")

    assert not (folder / "cluster" / "postmaster.pid").exists()


@pytest.mark.parametrize("name", ["deep" * 30, "one, two"])
def test_a_path_that_is_no_place_for_a_socket_gets_one_elsewhere_which_goes_with_the_server(folder: Path, name: str) -> None:
    deep = folder / name
    with EmbeddedPostgres(deep, settings=QUICK) as server:
        socket_folder = Path(server.address.host)
        assert folder not in socket_folder.parents
        assert 0o700 == socket_folder.stat().st_mode & 0o777
        with EmbeddedPostgres(deep) as second:
            assert socket_folder == Path(second.address.host)
        assert 1 == ask(server.address, "select 1")

    assert not socket_folder.exists()


def test_it_syncs_to_disk_unless_told_otherwise_and_listens_on_loopback_when_asked(folder: Path) -> None:
    with EmbeddedPostgres(folder, tcp=True) as server:
        assert "127.0.0.1" == server.tcp_address.host
        assert "on" == ask(server.tcp_address, "show fsync")
        assert "127.0.0.1" == ask(server.tcp_address, "select host(inet_server_addr())")


def test_a_start_that_fails_says_what_the_server_said_and_can_be_tried_again(folder: Path) -> None:
    with pytest.raises(PostgresFailed, match="max_connections"):
        EmbeddedPostgres(folder, settings={**QUICK, "max_connections": "many"}).start()

    with EmbeddedPostgres(folder, settings=QUICK) as server:
        assert 1 == ask(server.address, "select 1")


def test_a_folder_that_cannot_be_made_is_refused_by_name(folder: Path) -> None:
    in_the_way = folder / "file"
    in_the_way.touch()

    with pytest.raises(PostgresFailed, match=f"{in_the_way}/data cannot be made"):
        EmbeddedPostgres(in_the_way / "data").start()


def test_data_of_another_major_version_is_refused_untouched(folder: Path) -> None:
    (folder / "cluster").mkdir()
    (folder / "cluster" / "PG_VERSION").write_text("14\n")

    with pytest.raises(PostgresFailed, match="made by PostgreSQL 14"):
        EmbeddedPostgres(folder).start()

    assert ["PG_VERSION"] == os.listdir(folder / "cluster")


def test_a_url_survives_names_that_need_quoting() -> None:
    url = Address(host="/a b/c@d&e", port=5433).url(user="flowpilot app", database="a/b?c")

    told = psycopg.conninfo.conninfo_to_dict(url)

    assert {"host": "/a b/c@d&e", "port": "5433", "user": "flowpilot app", "dbname": "a/b?c"} == told


def pretend_to_have(version: str, folder: Path) -> None:
    for program in ("initdb", "pg_ctl", "postgres"):
        script = folder / program
        script.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        script.chmod(0o755)


def test_an_installed_postgres_is_used_where_it_is_wanted_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_to_have("99.1", folder)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    assert Binaries(folder=folder.resolve(), version=99) == Binaries.find(installed_first=True)
    assert 18 == Binaries.find().version


def test_an_installed_postgres_that_is_too_old_is_no_postgres(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_to_have("14.9", folder)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    assert folder.resolve() != Binaries.find(installed_first=True).folder
