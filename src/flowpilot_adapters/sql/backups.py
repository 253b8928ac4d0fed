"""What a backup and its restore ask of the database itself: one snapshot, counts, an empty place, and relays that rest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg
from attrs import frozen
from psycopg.rows import scalar_row
from psycopg.sql import SQL, Identifier

from .roles import APP, OWNER, RELAY, SET_UP
from .schema import SCHEMA

Rows = Mapping[str, Mapping[str, int]]
"""How many rows each table has of each account; of none, under the empty name."""


class NoBackup(Exception):
    """The database does not let a backup be made or restored; the message says why."""


@frozen
class Snapshot:
    """The database at one moment, for as long as its block lasts."""

    connection: psycopg.Connection
    id: str
    """What `pg_dump` knows it by."""

    @property
    def version(self) -> int:
        """The server's major one."""
        return self.connection.info.server_version // 10000

    @property
    def database(self) -> str:
        """What it is called."""
        return self.connection.info.dbname

    def revision(self) -> str:
        """The schema's."""
        asked = self.connection.cursor(row_factory=scalar_row)
        return str(asked.execute("SELECT version_num FROM flowpilot.alembic_version").fetchone())

    def rows(self) -> Rows:
        """Every table's."""
        return _rows(self.connection)


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """The database as it is now, to whoever may read all of it. Raises `NoBackup`."""
    with _connected(url) as connection:
        # Somebody waits for a dump meanwhile, which takes as long as it takes.
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(SQL("SET {} = 0").format(Identifier(limit)))
        # Whoever does not pass row security gets an error in place of no rows.
        connection.execute("SET row_security = off")
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        asked = connection.cursor(row_factory=scalar_row)
        if asked.execute("SELECT to_regclass('flowpilot.alembic_version')").fetchone() is None:
            raise NoBackup(f"there is nothing of FlowPilot in the database {connection.info.dbname}")
        if not asked.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone():
            raise NoBackup(f"{connection.info.user} does not pass row security, so that rows would be missing: connect as flowpilot_backup")
        yield Snapshot(connection, str(asked.execute("SELECT pg_export_snapshot()").fetchone()))


_CLOSE: Final = SQL("REVOKE CONNECT ON DATABASE {} FROM {}, {}, {}; DROP SCHEMA flowpilot")


def make_room(url: str) -> int:
    """Make a database ready for the dump and for nobody else; returns the server's major version.

    Nobody who serves or relays may connect until `open_again`: between the dump and what is checked of it nothing is to be done. Raises
    `NoBackup`, too where it is not empty or the role is no superuser.
    """
    with _connected(url) as connection:
        asked = connection.cursor(row_factory=scalar_row)
        if not asked.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone():
            raise NoBackup(f"{connection.info.user} may not set roles up: connect as a superuser")
        there = asked.execute(_THERE).fetchone()
        if there is not None:
            raise NoBackup(f"the database {connection.info.dbname} is not empty, it has {there}: name an empty one")
        connection.execute(SET_UP)
        connection.execute(_CLOSE.format(*map(Identifier, (connection.info.dbname, APP, RELAY, OWNER))))
        return connection.info.server_version // 10000


def rows_of(url: str) -> Rows:
    """How many there are of what, in a database that nobody writes to. Raises `NoBackup`."""
    with _connected(url) as connection:
        connection.execute("SET row_security = off")
        return _rows(connection)


def open_again(url: str, *, resting: str) -> None:
    """Let everybody in to what was restored, where relays rest for that reason. Raises `NoBackup`."""
    with _connected(url) as connection:
        connection.execute("UPDATE flowpilot.relay_mark SET paused_because = %s", [resting])
        connection.execute("ANALYZE")
        connection.execute(SET_UP)


def clear(url: str) -> None:
    """Take away what was restored and is not what was saved. Raises `NoBackup`."""
    with _connected(url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS flowpilot CASCADE")
        connection.execute(SET_UP)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    """Each statement for itself. Raises `NoBackup` for whatever the database does not answer."""
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
    except psycopg.Error as exc:
        raise NoBackup(f"the database says: {str(exc).strip().splitlines()[0]}") from exc


_THERE: Final = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT 1
"""
"""Anything at all that is no extension's."""

_TABLES: Final = """
SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'account_id' AND NOT a.attisdropped)
FROM pg_class c WHERE c.relnamespace = 'flowpilot'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""


def _rows(connection: psycopg.Connection) -> Rows:
    found: dict[str, Mapping[str, int]] = {}
    for table, of_accounts in connection.execute(_TABLES).fetchall():
        name = Identifier(SCHEMA, table)
        if of_accounts:
            counting = SQL("SELECT account_id::text, count(*) FROM {} GROUP BY 1 ORDER BY 1").format(name)
        else:
            counting = SQL("SELECT '', count(*) FROM {} HAVING count(*) > 0").format(name)
        found[table] = dict(connection.execute(counting).fetchall())
    return found
