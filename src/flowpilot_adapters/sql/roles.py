"""The four roles and the schema: what an administrator of the database server sets up once, before the first migration.

No role of FlowPilot may do this itself. Passwords are the administrator's to give, by `ALTER ROLE … PASSWORD`.
"""

from typing import Final

import psycopg

OWNER: Final = "flowpilot_owner"
"""Owns the tables and migrates them."""
APP: Final = "flowpilot_app"
"""Serves: bound by row security like everybody but the backup."""
RELAY: Final = "flowpilot_relay"
"""Finds due work in all accounts, and sees nothing else."""
BACKUP: Final = "flowpilot_backup"
"""Reads everything; under forced row security nobody else can make a backup that has rows in it."""

SET_UP: Final = """
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

ALTER ROLE flowpilot_owner SET lock_timeout = '10s';
ALTER ROLE flowpilot_app SET statement_timeout = '10s';
ALTER ROLE flowpilot_app SET lock_timeout = '3s';
ALTER ROLE flowpilot_app SET idle_in_transaction_session_timeout = '15s';
-- Every statement finds its rows by a key, in the order of an index. While a table is small, or an account's share of it, reading all
-- of it looks cheaper to the planner; and a prepared statement keeps such a plan when the table has grown.
ALTER ROLE flowpilot_app SET enable_seqscan = off;
ALTER ROLE flowpilot_app SET enable_bitmapscan = off;
ALTER ROLE flowpilot_app SET random_page_cost = 1.1;
ALTER ROLE flowpilot_app SET jit = off;
ALTER ROLE flowpilot_relay SET statement_timeout = '10s';
ALTER ROLE flowpilot_relay SET lock_timeout = '3s';
ALTER ROLE flowpilot_relay SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE flowpilot_relay SET enable_seqscan = off;
ALTER ROLE flowpilot_relay SET enable_bitmapscan = off;
ALTER ROLE flowpilot_relay SET random_page_cost = 1.1;
ALTER ROLE flowpilot_relay SET jit = off;
ALTER ROLE flowpilot_backup SET default_transaction_read_only = on;

DO $$
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
"""Makes the roles, their limits and the schema, in the database it is run in, as a superuser. Running it again changes nothing."""


def set_up(url: str) -> None:
    """Run `SET_UP` in the database of `url`, which connects as a superuser. Raises `psycopg.Error`."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SET_UP)
