"""A backup into one file, and back into an empty database; checked on either way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Final

import flowpilot_core
from flowpilot_adapters.backup_file import Backup, BackupUnfit, Manifest, Rows, drafting
from flowpilot_adapters.embedded_postgres import EmbeddedPostgres, PostgresFailed
from flowpilot_adapters.postgres_programs import ProgramFailed, Programs
from flowpilot_adapters.sql import backups, migrations, roles
from flowpilot_adapters.sql.schema import SCHEMA
from flowpilot_adapters.system import SystemClock
from flowpilot_http.settings import Settings, database_address, variable

from .failures import CannotRun

RESTORED: Final = "the database was restored from a backup of {:%Y-%m-%d %H:%M} UTC, and what was sent since would be sent again"
"""Why relays rest then."""


def back_up(settings: Settings, file: Path) -> Manifest:
    """Write a backup beside `file` and, once it is checked, in its place; where anything fails, `file` stays as it is.

    What is dumped and what is counted are one snapshot, and the dump is read again and counted before it counts as a backup. Raises
    `CannotRun`.
    """
    with _told(), _database_to_save(settings) as url, backups.snapshot(url) as snapshot, drafting(file) as draft:
        programs = Programs.of(snapshot.version)
        draft.write_dump(programs.dump(url, snapshot=snapshot.id, schema=SCHEMA))
        manifest = Manifest(
            made_at=SystemClock().now(),
            database=snapshot.database,
            revision=snapshot.revision(),
            program=flowpilot_core.__version__,
            dumped_by=programs.version,
            rows=snapshot.rows(),
        )
        kept = draft.write_manifest(manifest)
        _compare(manifest.rows, programs.rows(kept.dump()), "the dump")
    return manifest


def restore(settings: Settings, file: Path, into: str | None) -> Manifest:
    """Have a backup in an empty database, where relays rest; where anything fails, the database is empty again. Raises `CannotRun`."""
    with _told():
        kept = Backup.read(file)
        manifest = kept.manifest
        if not migrations.knows(manifest.revision):
            raise CannotRun(f"{file} was made by FlowPilot {manifest.program}, which is newer; restore it with that version")
        with _database_to_fill(settings, into) as url:
            programs = Programs.of(max(manifest.dumped_by, backups.make_room(url)))
            try:
                programs.restore(url, kept.dump())
                _compare(manifest.rows, backups.rows_of(url), "the restored database")
                backups.open_again(url, resting=RESTORED.format(manifest.made_at.astimezone(UTC)))
            except BaseException:
                backups.clear(url)
                raise
    return manifest


def _compare(counted: Rows, there: Rows, what: str) -> None:
    """Raises `CannotRun` where a table has other rows there than were counted."""
    for table in sorted(counted.keys() | there.keys()):
        if counted.get(table, {}) != there.get(table, {}):
            saved, found = (sum(rows.get(table, {}).values()) for rows in (counted, there))
            of_whom = "" if saved != found else ", of other accounts"
            raise CannotRun(f"{what} has {found} rows of {table}{of_whom}, but {saved} were saved: this is not what was backed up")


@contextmanager
def _database_to_save(settings: Settings) -> Iterator[str]:
    """The database as the backup's role, and as it is: one that is to be updated is not updated first. Raises `CannotRun`."""
    if settings.embedded:
        if not settings.data_dir.is_dir():
            raise CannotRun(f"there is no database in {settings.data_dir}")
        with EmbeddedPostgres(settings.data_dir) as server:
            yield server.address.url(user=roles.BACKUP)
    elif settings.backup_database_url is None:
        raise CannotRun(f"set {variable('backup_database_url')} to the database as {roles.BACKUP}, the only role that may read all rows")
    else:
        yield settings.backup_database_url


@contextmanager
def _database_to_fill(settings: Settings, into: str | None) -> Iterator[str]:
    """An empty database as a superuser. Raises `CannotRun`."""
    if into is not None:
        try:
            address = database_address(into)
        except ValueError as exc:
            raise CannotRun(f"the database to restore into {exc}") from exc
        yield address
    elif settings.embedded:
        with EmbeddedPostgres(settings.data_dir) as server:
            yield server.address.url()
    else:
        raise CannotRun("name an empty database with --into, as a superuser: postgresql://postgres:…@db.example.com/flowpilot_restored")


@contextmanager
def _told() -> Iterator[None]:
    """Whatever an adapter says, for whoever runs it. Raises `CannotRun`."""
    try:
        yield
    except (BackupUnfit, ProgramFailed, PostgresFailed, backups.NoBackup) as exc:
        raise CannotRun(str(exc)) from exc
