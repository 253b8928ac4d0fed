"""A PostgreSQL to test against: one server for the run, databases that are copies of a migrated one."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from attrs import frozen
from psycopg.sql import SQL, Identifier

from flowpilot_adapters.embedded_postgres import SUPERUSER, Address, EmbeddedPostgres
from flowpilot_adapters.sql import migrations, roles


@frozen(kw_only=True)
class PostgresDatabase:
    """One database, as each role connects to it."""

    address: Address
    name: str

    @property
    def admin(self) -> str:
        """The superuser, who passes row security."""
        return self.url(SUPERUSER)

    @property
    def owner(self) -> str:
        """Who migrates."""
        return self.url(roles.OWNER)

    @property
    def app(self) -> str:
        """Who serves."""
        return self.url(roles.APP)

    @property
    def relay(self) -> str:
        """Who finds due work."""
        return self.url(roles.RELAY)

    @property
    def backup(self) -> str:
        """Who reads everything."""
        return self.url(roles.BACKUP)

    def url(self, user: str) -> str:
        """As any role."""
        return self.address.url(user=user, database=self.name)

    def do(self, *statements: str, user: str = SUPERUSER) -> list[tuple[Any, ...]]:
        """Run statements one after the other, each committed; what the last one returned."""
        with psycopg.connect(self.url(user), autocommit=True) as connection:
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
            return rows


class PostgresServer:
    """A server of its own, whose databases are made and dropped at will."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._numbers = count(1)
        self._template: str | None = None

    def empty_database(self) -> PostgresDatabase:
        """One that nobody has set up."""
        return self._created(None)

    def database(self) -> PostgresDatabase:
        """One that is set up and migrated: as good as new, and quickly made."""
        if self._template is None:
            template = self.empty_database()
            set_up(template)
            migrations.migrate(template.owner)
            self._template = template.name
        return self._created(self._template)

    def copy(self, database: PostgresDatabase) -> PostgresDatabase:
        """As it is now, as from a backup; nobody may be connected to it meanwhile."""
        return self._created(database.name)

    def drop(self, database: PostgresDatabase) -> None:
        """Drop one, whoever is connected to it."""
        with self._admin() as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(database.name)))

    def _created(self, template: str | None) -> PostgresDatabase:
        database = PostgresDatabase(address=self.server.address, name=f"test_{next(self._numbers)}")
        with self._admin() as connection:
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(database.name), Identifier(template or "template0")))
        # What is granted on a database is not copied with it.
        if template:
            set_up(database)
        return database

    @contextmanager
    def _admin(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.server.address.url(), autocommit=True) as connection:
            yield connection


def set_up(database: PostgresDatabase) -> None:
    """What an administrator does before the first migration."""
    database.do(roles.SET_UP)


@contextmanager
def running_server(folder: Path) -> Iterator[PostgresServer]:
    """A server for the length of the block; it keeps nothing it is not asked to."""
    with EmbeddedPostgres(folder, settings={"fsync": "off", "synchronous_commit": "off", "max_connections": "200"}) as server:
        yield PostgresServer(server)
