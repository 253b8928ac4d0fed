"""Alembic at work: a database brought to a schema, and held against the one that this program is written for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, text

from flowpilot_adapters.sql.schema import SCHEMA, metadata

LOCK: Final = 0x666C6F77_70696C74
"""The advisory lock that a migration holds, so that two at once are one after the other."""
LONGEST_WAIT: Final = "60s"
"""How long a migration waits for another one to end."""
LONGEST_DDL_WAIT: Final = "5s"
"""How long a change of a table waits for those who use it; everybody who comes after waits behind it."""


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema of the database to a revision, in one transaction; does nothing where it is there.

    `url` connects as the role that owns the schema. Two at once run one after the other, and a killed one leaves nothing behind.
    """
    with _locked(url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Take the schema back to an earlier revision; what only later ones can hold is lost."""
    with _locked(url) as connection:
        command.downgrade(_config(connection), revision)


def drift(url: str) -> list[object]:
    """What differs between the tables of a database and those this program is written for, as Alembic says it."""
    with _connected(url) as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), metadata))


OPTIONS: Final[dict[str, Any]] = {
    "target_metadata": metadata,
    "version_table_schema": SCHEMA,
    "include_schemas": True,
    "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
    "compare_type": True,
    "compare_server_default": True,
}
"""How Alembic looks at a database: at our schema and nothing else."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    with _connected(url) as connection:
        _set(connection, LONGEST_WAIT)
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        _set(connection, LONGEST_DDL_WAIT)
        connection.commit()
        # Closing the connection lets go of the lock, however this ends.
        yield connection


def _set(connection: Connection, lock_timeout: str) -> None:
    connection.execute(text("SELECT set_config('lock_timeout', :longest, false)"), {"longest": lock_timeout})
