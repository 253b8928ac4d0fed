"""The four roles and the schema: what an administrator of the database server sets up once, before the first migration.

No role of FlowPilot may do this itself. Passwords are the administrator's to give, by `ALTER ROLE … PASSWORD`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import psycopg
from attrs import frozen

from .errors import translated

OWNER: Final = "flowpilot_owner"
"""Owns the tables and migrates them."""
APP: Final = "flowpilot_app"
"""Serves: bound by row security like everybody but the backup."""
RELAY: Final = "flowpilot_relay"
"""Finds due work in all accounts, and sees nothing else."""
BACKUP: Final = "flowpilot_backup"
"""Reads everything; under forced row security nobody else can make a backup that has rows in it."""

_SERVING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "statement_timeout": "10s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "15s",
        # Every statement finds its rows by a key, in the order of an index. While a table is small, or an account's share of it, reading
        # all of it looks cheaper to the planner; and a prepared statement keeps such a plan when the table has grown.
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
        "random_page_cost": "1.1",
        "jit": "off",
        # The planner takes a page whose length it is not told for a tenth of the table, and would begin other processes for it.
        "max_parallel_workers_per_gather": "0",
    }
)

SETTINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        OWNER: MappingProxyType({"lock_timeout": "10s"}),
        APP: _SERVING,
        RELAY: _SERVING,
        BACKUP: MappingProxyType({"default_transaction_read_only": "on"}),
    }
)
"""What each role's sessions begin with. PostgreSQL lets every role change its own, and its own password, and takes that from none."""

_BEFORE: Final = """
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['flowpilot_owner', 'flowpilot_app', 'flowpilot_relay', 'flowpilot_backup'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        EXECUTE format('CREATE ROLE %I', name);
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END $$;

ALTER ROLE flowpilot_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE flowpilot_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE flowpilot_relay LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE flowpilot_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
"""

_AFTER: Final = """DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO flowpilot_owner, flowpilot_app, flowpilot_relay, flowpilot_backup', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Large objects belong to no account.
DO $$
DECLARE
  routine regprocedure;
BEGIN
  FOR routine IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^(lo_|loread$|lowrite$)' LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
  END LOOP;
END $$;

CREATE SCHEMA IF NOT EXISTS flowpilot;
ALTER SCHEMA flowpilot OWNER TO flowpilot_owner;
REVOKE ALL ON SCHEMA flowpilot FROM PUBLIC;
GRANT USAGE ON SCHEMA flowpilot TO flowpilot_app, flowpilot_relay, flowpilot_backup;

-- Functions of others' making have a schema of their own, so that nobody looks for ours there.
CREATE SCHEMA IF NOT EXISTS flowpilot_search;
REVOKE ALL ON SCHEMA flowpilot_search FROM PUBLIC;
GRANT USAGE ON SCHEMA flowpilot_search TO flowpilot_owner, flowpilot_app;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA flowpilot_search;
ALTER EXTENSION pg_trgm SET SCHEMA flowpilot_search;
"""


def _settings() -> Iterator[str]:
    """Statements that set them, in place of what was set for this database alone."""
    yield from (f"ALTER ROLE {role} SET {name} = '{value}';" for role, settings in SETTINGS.items() for name, value in settings.items())
    yield "DO $$\nBEGIN"
    for role, settings in SETTINGS.items():
        yield from (f"  EXECUTE format('ALTER ROLE {role} IN DATABASE %I RESET {name}', current_database());" for name in settings)
    yield "END $$;"


SET_UP: Final = "\n".join((_BEFORE, *_settings(), "", _AFTER))
"""Makes the roles, their limits and the schema, in the database it is run in, as a superuser. Running it again changes nothing."""


def set_up(url: str) -> None:
    """Run `SET_UP` in the database of `url`, which connects as a superuser. Raises `psycopg.Error`."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SET_UP)


@frozen(kw_only=True)
class Drift:
    """A setting that a role's sessions begin with, and that is not as it was set up."""

    role: str
    setting: str
    value: str | None
    """None: it is gone."""

    @property
    def is_ours(self) -> bool:
        """Whether it is one that `SET_UP` sets, and mends."""
        return self.setting in SETTINGS[self.role]

    def __str__(self) -> str:
        now = "is not set" if self.value is None else f"is {self.value}"
        return f"{self.role}: {self.setting} {now}" + (f", not {SETTINGS[self.role][self.setting]}" if self.is_ours else "")


def drift(url: str) -> tuple[Drift, ...]:
    """What our roles' sessions in the database of `url` begin with otherwise than set up. Raises `Unavailable`."""
    try:
        with psycopg.connect(url) as connection:
            rows = connection.execute(_SET, {"roles": list(SETTINGS)}).fetchall()
    except psycopg.Error as error:
        raise translated(error) from error
    found: dict[str, dict[str, str]] = {role: {} for role in SETTINGS}
    for role, setting in rows:
        name, _, value = setting.partition("=")
        found[role][name] = value
    return tuple(
        Drift(role=role, setting=name, value=found[role].get(name))
        for role, settings in SETTINGS.items()
        for name in sorted(settings.keys() | found[role].keys())
        if found[role].get(name) != settings.get(name)
    )


_SET: Final = """
SELECT role.rolname, setting
FROM pg_db_role_setting AS standing
JOIN pg_roles AS role ON role.oid = standing.setrole
CROSS JOIN LATERAL unnest(standing.setconfig) AS setting
WHERE role.rolname = ANY (%(roles)s)
  AND standing.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY standing.setdatabase
"""
"""Those of the database come after those of all, and hold."""


def password_of(url: str) -> str | None:
    """The role that signs in as `url` says, where it does so with a password. Raises `Unavailable`."""
    try:
        with psycopg.connect(url) as connection:
            return connection.info.user if connection.pgconn.used_password else None
    except psycopg.Error as error:
        raise translated(error) from error


_ROOM = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
  - coalesce(current_setting('reserved_connections', true)::int, 0)
"""


def most_connections(url: str) -> int:
    """How many connections the server takes from those who are no superusers, all databases together. Raises `Unavailable`."""
    try:
        with psycopg.connect(url) as connection:
            ((most,),) = connection.execute(_ROOM).fetchall()
    except psycopg.Error as error:
        raise translated(error) from error
    return int(most)
