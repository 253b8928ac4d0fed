"""What the database's catalogue says about keeping accounts apart, and that nothing which weakens it goes unseen."""

import os
import subprocess
from pathlib import Path

import pytest

from flowpilot_adapters.embedded_postgres import Binaries
from flowpilot_adapters.sql import roles, tenancy
from flowpilot_adapters.sql.policies import APP_MAY
from tests.support.postgres import PostgresDatabase, PostgresServer, set_up

LINT = Path(os.environ.get("FLOWPILOT_RLS_LINT") or Path(__file__).parents[3] / "shared/tools/rls_lint.sql")
"""A file with a second opinion: SQL for psql that fails where accounts are not kept apart."""


def test_a_migrated_database_keeps_accounts_apart(database: PostgresDatabase) -> None:
    """A02, A03, A08, A09, A10, A11, A14: row security, one policy a table, keys that begin with the account, no privilege too many."""
    assert () == tenancy.findings(database.owner)
    assert () == tenancy.findings(database.app)


@pytest.mark.skipif(not LINT.is_file(), reason="FLOWPILOT_RLS_LINT names no file with a second opinion")
def test_a_second_opinion_agrees(database: PostgresDatabase) -> None:
    psql = str(Binaries.find().folder / "psql")
    variables = ["-v", "ON_ERROR_STOP=1", "-v", f"app_role={roles.APP}", "-v", "schema=flowpilot"]
    command = [psql, "-X", "-q", *variables, "-f", str(LINT), database.admin]

    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == said.returncode, said.stdout + said.stderr


def test_the_application_may_do_to_each_table_what_its_migration_gave_it(database: PostgresDatabase) -> None:
    """A14: and nothing more; no column of what is frozen or logged can be changed."""
    given = database.do(
        "SELECT table_name, string_agg(privilege_type, ', ' ORDER BY array_position(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'],"
        " privilege_type::text)) FROM information_schema.table_privileges"
        " WHERE grantee = 'flowpilot_app' AND table_schema = 'flowpilot' GROUP BY table_name"
    )

    assert {**APP_MAY, "alembic_version": "SELECT"} == dict(given)


@pytest.mark.parametrize(
    ("weakening", "rule", "object"),
    [
        ("ALTER TABLE flowpilot.step DISABLE ROW LEVEL SECURITY", "row security", "flowpilot.step"),
        ("ALTER TABLE flowpilot.step NO FORCE ROW LEVEL SECURITY", "row security", "flowpilot.step"),
        ("CREATE TABLE flowpilot.stray (account_id uuid PRIMARY KEY)", "row security", "flowpilot.stray"),
        ("CREATE TABLE flowpilot.stray (id uuid PRIMARY KEY)", "account", "flowpilot.stray"),
        ("CREATE TABLE flowpilot.stray (account_id uuid)", "account", "flowpilot.stray"),
    ],
)
def test_a_table_that_is_not_closed_is_found(own_database: PostgresDatabase, weakening: str, rule: str, object: str) -> None:
    """A02."""
    own_database.do(weakening)

    assert (rule, object) in {(finding.rule, finding.object) for finding in tenancy.findings(own_database.owner)}


@pytest.mark.parametrize(
    "weakening",
    [
        "DROP POLICY own_account ON flowpilot.step",
        "CREATE POLICY another ON flowpilot.step USING (true)",
        "CREATE POLICY another ON flowpilot.step FOR SELECT USING (account_id = '00000000-0000-0000-0000-000000000001')",
        "ALTER POLICY own_account ON flowpilot.step WITH CHECK (true)",
        "ALTER POLICY own_account ON flowpilot.step USING (account_id = current_setting('flowpilot.account_id', true)::uuid)",
        "ALTER POLICY own_account ON flowpilot.step TO flowpilot_app",
        "CREATE POLICY again ON flowpilot.step USING (account_id = nullif(current_setting('flowpilot.account_id', true), '')::uuid)"
        " WITH CHECK (account_id = nullif(current_setting('flowpilot.account_id', true), '')::uuid)",
        "ALTER POLICY relay ON flowpilot.due_work TO PUBLIC",
        "COMMENT ON POLICY relay ON flowpilot.due_work IS NULL",
    ],
)
def test_a_policy_that_is_not_the_one_is_found(own_database: PostgresDatabase, weakening: str) -> None:
    """A03: missing, `true`, beside another, without its check, or with a cast that fails on a connection that was used before."""
    own_database.do(weakening)

    assert {"policy"} == {finding.rule for finding in tenancy.findings(own_database.owner)}


@pytest.mark.parametrize(
    ("weakening", "rule"),
    [
        ("ALTER TABLE flowpilot.step DROP CONSTRAINT uq_step_number, ADD UNIQUE (number)", "unique key"),
        ("CREATE UNIQUE INDEX stray ON flowpilot.person (folded_email, account_id)", "unique key"),
        ("CREATE UNIQUE INDEX stray ON flowpilot.person (lower(email))", "unique key"),
        (
            "ALTER TABLE flowpilot.account ADD column parent uuid UNIQUE; "
            "ALTER TABLE flowpilot.person ADD FOREIGN KEY (created_at_account) REFERENCES flowpilot.account (parent)",
            "foreign key",
        ),
        ("ALTER TABLE flowpilot.step ALTER number ADD GENERATED ALWAYS AS IDENTITY", "counter"),
        ("CREATE SEQUENCE flowpilot.stray; ALTER TABLE flowpilot.step ALTER number SET DEFAULT nextval('flowpilot.stray')", "counter"),
    ],
)
def test_a_key_that_tells_of_others_is_found(own_database: PostgresDatabase, weakening: str, rule: str) -> None:
    """A09, A10, A11, A20."""
    if rule == "foreign key":
        own_database.do("ALTER TABLE flowpilot.person ADD COLUMN created_at_account uuid")
    own_database.do(*weakening.split("; "))

    assert rule in {finding.rule for finding in tenancy.findings(own_database.owner)}


def test_a_key_whose_making_was_broken_off_is_found(own_database: PostgresDatabase) -> None:
    """F46: what a killed `CREATE INDEX CONCURRENTLY` leaves behind."""
    own_database.do("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'flowpilot.ix_event_session'::regclass")

    assert [("index", "flowpilot.ix_event_session")] == [(finding.rule, finding.object) for finding in tenancy.findings(own_database.owner)]


@pytest.mark.parametrize(
    ("weakening", "rule"),
    [
        ("CREATE VIEW flowpilot.stray AS SELECT * FROM flowpilot.step", "view"),
        ("CREATE VIEW flowpilot.stray WITH (security_invoker = false) AS SELECT * FROM flowpilot.step", "view"),
        ("CREATE MATERIALIZED VIEW flowpilot.stray AS SELECT * FROM flowpilot.step", "view"),
        ("CREATE FUNCTION flowpilot.stray() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "function"),
        ("CREATE FUNCTION flowpilot.stray() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'", "function"),
        ("CREATE FUNCTION flowpilot.stray() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function"),
        ("GRANT TRUNCATE ON flowpilot.step TO flowpilot_app", "privilege"),
        ("GRANT TRIGGER ON flowpilot.step TO flowpilot_app", "privilege"),
        ("GRANT REFERENCES (id) ON flowpilot.step TO flowpilot_app; GRANT REFERENCES ON flowpilot.step TO flowpilot_app", "privilege"),
        ("GRANT SELECT ON flowpilot.step TO PUBLIC", "privilege"),
        ("GRANT UPDATE ON flowpilot.event TO flowpilot_app", "privilege"),
        ("GRANT DELETE ON flowpilot.event TO flowpilot_app", "privilege"),
        ("GRANT UPDATE (body) ON flowpilot.handoff_snapshot TO flowpilot_app", "privilege"),
        ("GRANT SELECT ON flowpilot.session TO flowpilot_relay", "privilege"),
        ("GRANT DELETE ON flowpilot.due_work TO flowpilot_relay", "privilege"),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA flowpilot GRANT SELECT ON TABLES TO flowpilot_app", "privilege"),
        ("GRANT CREATE ON SCHEMA flowpilot TO flowpilot_app", "schema"),
        ("ALTER TABLE flowpilot.step OWNER TO flowpilot_app", "role"),
    ],
)
def test_a_way_round_row_security_is_found(own_database: PostgresDatabase, weakening: str, rule: str) -> None:
    """A04, A05, A06, A08, A14, A17, A37."""
    own_database.do(*weakening.split("; "))

    assert rule in {finding.rule for finding in tenancy.findings(own_database.owner)}


def test_a_view_of_who_asks_is_no_way_round(own_database: PostgresDatabase) -> None:
    own_database.do("CREATE VIEW flowpilot.fine WITH (security_invoker = true) AS SELECT * FROM flowpilot.step")

    assert () == tenancy.findings(own_database.owner)


def test_a_partition_that_can_be_addressed_directly_is_found(own_database: PostgresDatabase) -> None:
    """A07: policies of the parent do not bind it."""
    own_database.do(
        "CREATE TABLE flowpilot.stray (account_id uuid, PRIMARY KEY (account_id)) PARTITION BY HASH (account_id)",
        "CREATE TABLE flowpilot.stray_1 PARTITION OF flowpilot.stray FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "GRANT SELECT ON flowpilot.stray_1 TO flowpilot_app",
    )

    found = {(finding.rule, finding.object) for finding in tenancy.findings(own_database.owner)}

    assert {("partition", "flowpilot.stray_1"), ("row security", "flowpilot.stray_1"), ("row security", "flowpilot.stray")} <= found


def test_what_says_why_it_may_is_no_finding(own_database: PostgresDatabase) -> None:
    own_database.do(
        "CREATE TABLE flowpilot.weekday (name text PRIMARY KEY)",
        "COMMENT ON TABLE flowpilot.weekday IS 'tenancy: everybody has the same weekdays'",
    )

    assert () == tenancy.findings(own_database.owner)


class TestTheRoleThatServes:
    """A01: start-up refuses a role that row security does not bind."""

    @pytest.fixture
    def server(self, postgres: PostgresServer, database: PostgresDatabase) -> PostgresDatabase:
        return database

    @pytest.mark.parametrize("role", [roles.APP, roles.RELAY])
    def test_is_fit_where_it_is_one_of_ours(self, server: PostgresDatabase, role: str) -> None:
        tenancy.check_role(server.url(role))

    @pytest.mark.parametrize("role", ["postgres", roles.OWNER, roles.BACKUP])
    def test_is_unfit_where_it_passes_row_security(self, server: PostgresDatabase, role: str) -> None:
        with pytest.raises(tenancy.UnfitRole, match=role):
            tenancy.check_role(server.url(role))

    @pytest.mark.parametrize("other", [roles.OWNER, roles.BACKUP, "postgres"])
    def test_is_unfit_where_it_may_become_one_that_does(self, server: PostgresDatabase, other: str) -> None:
        server.do("CREATE ROLE stray LOGIN", f"GRANT {other} TO stray")

        try:
            with pytest.raises(tenancy.UnfitRole, match="stray"):
                tenancy.check_role(server.url("stray"))
        finally:
            server.do("DROP ROLE stray")

    def test_that_is_no_longer_bound_is_found(self, server: PostgresDatabase) -> None:
        server.do("ALTER ROLE flowpilot_app BYPASSRLS")

        try:
            found = tenancy.findings(server.owner)
        finally:
            set_up(server)

        assert ["flowpilot_app: has BYPASSRLS"] == [str(finding) for finding in found]
        assert () == tenancy.findings(server.owner)
