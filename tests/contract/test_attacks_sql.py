"""What somebody could try who runs SQL as the application's role in account B, against everything that account A has."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from attrs import frozen
from psycopg import errors
from psycopg.sql import SQL, Identifier

from flowpilot_adapters.sql import Database
from flowpilot_adapters.sql.connection import Connection
from flowpilot_adapters.sql.database import SqlView
from flowpilot_adapters.sql.policies import APP_MAY
from flowpilot_adapters.sql.pool import Pool
from flowpilot_adapters.sql.schema import metadata
from flowpilot_adapters.sql.statement import Statement
from flowpilot_adapters.sql.unit_of_work import Beginning
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, DeliveryId, SessionId, TokenId
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.ports.kernel import Answer, Once
from flowpilot_core.ports.replay import ImportedRow
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.testing.builders import NOON, Case, Staff, a_session, a_staff, new_id
from tests.support.postgres import PostgresDatabase, PostgresServer

pytestmark = pytest.mark.anyio

CANARY = "xyzzy-of-account-a"
TABLES = sorted(table.name for table in metadata.tables.values() if "account_id" in table.c)


@frozen
class Seeded:
    """Account A, with a row in every table, and account B, whose people try."""

    database: PostgresDatabase
    a: Staff
    case: Case
    b: Staff
    case_of_b: Case

    @contextmanager
    def as_b(self) -> Iterator[psycopg.Connection]:
        """A transaction of the application in account B."""
        with psycopg.connect(self.database.app) as connection:
            connection.execute("SELECT set_config('flowpilot.account_id', %s, true)", [str(self.b.account_id)])
            yield connection

    def refused(self, statement: str, *values: object) -> psycopg.Error:
        """How a statement of B's is refused."""
        with self.as_b() as connection, pytest.raises(psycopg.Error) as refusal:
            connection.execute(statement.encode(), values)
        return refusal.value


@pytest.fixture(scope="module")
async def seeded(postgres: PostgresServer, anyio_backend: str) -> AsyncIterator[Seeded]:
    database = postgres.database()
    storage = Database(database.app)
    a, b = await a_staff("Acme").kept(storage.begin), await a_staff("Globex").kept(storage.begin)
    case = await a_session(by=a.anna, title=CANARY).step(CANARY).fork().in_branch("switch").step().escalated(CANARY).kept(storage.begin)
    once = Once(user_id=a.anna.user_id, key=CANARY, fingerprint=CANARY.encode(), at=NOON, expired=NOON - timedelta(hours=24))
    async with storage.begin(a.account_id, once) as work:
        token = ApiToken(id=TokenId(new_id()), user_id=a.anna.user_id, digest=CANARY.encode(), created_at=NOON)
        await work.tokens.add(token)
        told = Delivery(
            id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=a.ben.user_id, created_at=NOON, updated_at=NOON, reason=CANARY
        )
        await work.deliveries.add([told])
        await work.imports.add(ImportedRow(log=CANARY, line=1, case=CANARY, session_id=case.id, outcome=CANARY))
        await work.keep(Answer(status=200, body=CANARY.encode()))
        await work.commit()
    _fill(database, a)
    yield Seeded(database, a, case, b, await a_session(by=b.anna).step().escalated().kept(storage.begin))
    await storage.close()
    postgres.drop(database)


def _fill(database: PostgresDatabase, a: Staff) -> None:
    """A row of A's in every table that has none yet, whatever its checks and references want: only whose it is matters here."""
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        for table in TABLES:
            checks = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass"
            for (name,) in admin.execute(checks, [f"flowpilot.{table}"]).fetchall():
                admin.execute(SQL("ALTER TABLE flowpilot.{} DROP CONSTRAINT {}").format(Identifier(table), Identifier(name)))
            row = psycopg.types.json.Jsonb({**_values(table), "account_id": str(a.account_id)})
            query = SQL(
                "INSERT INTO flowpilot.{table} SELECT (jsonb_populate_record(NULL::flowpilot.{table}, %s)).*"
                " WHERE NOT EXISTS (SELECT FROM flowpilot.{table} WHERE account_id = %s)"
            )
            admin.execute(query.format(table=Identifier(table)), [row, a.account_id])


def test_account_a_has_a_row_in_every_table(seeded: Seeded) -> None:
    """Or else what follows would prove nothing."""
    for table in TABLES:
        query = SQL("SELECT count(*) FROM flowpilot.{} WHERE account_id = %s").format(Identifier(table))
        with psycopg.connect(seeded.database.backup) as connection:
            (count,) = connection.execute(query, [seeded.a.account_id]).fetchone() or (0,)
        assert count > 0, table


class TestEveryTable:
    """A02, A12, A25."""

    @pytest.mark.parametrize("table", TABLES)
    def test_shows_b_no_row_of_a(self, seeded: Seeded, table: str) -> None:
        with seeded.as_b() as connection:
            query = SQL("SELECT DISTINCT account_id FROM flowpilot.{}").format(Identifier(table))
            assert {(seeded.b.account_id,)} >= set(connection.execute(query).fetchall())

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("setting", [None, ""])
    def test_shows_nothing_to_whoever_is_in_no_account(self, seeded: Seeded, table: str, setting: str | None) -> None:
        """A25: the default is nothing, on a new connection and on one that was used before."""
        with psycopg.connect(seeded.database.app) as connection:
            if setting is not None:
                connection.execute("SELECT set_config('flowpilot.account_id', '', false)")
            query = SQL("SELECT count(*) FROM flowpilot.{}").format(Identifier(table))
            assert (0,) == connection.execute(query).fetchone()

    @pytest.mark.parametrize("table", TABLES)
    def test_lets_b_change_and_delete_nothing_of_a(self, seeded: Seeded, table: str) -> None:
        update = SQL("UPDATE flowpilot.{} SET account_id = account_id WHERE account_id = %s").format(Identifier(table))
        delete = SQL("DELETE FROM flowpilot.{} WHERE account_id = %s").format(Identifier(table))
        for privilege, change in (("UPDATE", update), ("DELETE", delete)):
            if privilege in APP_MAY[table]:
                with seeded.as_b() as connection:
                    assert 0 == connection.execute(change, [seeded.a.account_id]).rowcount
            else:
                with seeded.as_b() as connection, pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(change, [seeded.a.account_id])

    @pytest.mark.parametrize("table", TABLES)
    def test_takes_no_row_of_as_from_b(self, seeded: Seeded, table: str) -> None:
        """A12: whatever is in it; row security speaks before any key."""
        query = SQL("INSERT INTO flowpilot.{} SELECT (jsonb_populate_record(NULL::flowpilot.{}, %s)).*").format(
            Identifier(table), Identifier(table)
        )
        row = psycopg.types.json.Jsonb({**_values(table), "account_id": str(seeded.a.account_id)})

        with seeded.as_b() as connection, pytest.raises(errors.InsufficientPrivilege, match="row-level security policy"):
            connection.execute(query, [row])

    @pytest.mark.parametrize("table", ["person", "session", "branch", "step", "handoff", "due_work"])
    def test_lets_b_give_no_row_of_its_own_to_a(self, seeded: Seeded, table: str) -> None:
        """A12."""
        with psycopg.connect(seeded.database.admin, autocommit=True) as admin:
            admin.execute(
                "INSERT INTO flowpilot.due_work VALUES (%s, %s, 'delivery', now() + interval '1 day', 0) ON CONFLICT DO NOTHING",
                [seeded.b.account_id, UUID(int=1)],
            )
        query = SQL("UPDATE flowpilot.{} SET account_id = %s").format(Identifier(table))
        with seeded.as_b() as connection:
            mine = connection.execute(SQL("SELECT count(*) FROM flowpilot.{}").format(Identifier(table))).fetchone()
        assert mine != (0,)

        with seeded.as_b() as connection, pytest.raises(errors.InsufficientPrivilege, match="row-level security policy"):
            connection.execute(query, [seeded.a.account_id])


def _values(table: str) -> dict[str, Any]:
    """Something for every column that must not be null."""
    wanted = [column for column in metadata.tables[f"flowpilot.{table}"].c if not column.nullable]
    texts: dict[str, Any] = {column.name: str(uuid4()) for column in wanted}
    for column in wanted:
        kind = column.type.python_type
        if kind is UUID:
            texts[column.name] = str(uuid4())
        elif kind is int:
            texts[column.name] = 1
        elif kind is bool:
            texts[column.name] = False
        elif kind is list:
            texts[column.name] = []
        elif kind.__name__ == "datetime":
            texts[column.name] = NOON.isoformat()
        elif kind is bytes:
            texts[column.name] = "\\x00"
    return texts


class TestProbes:
    def test_a_foreign_key_does_not_tell_whether_a_has_an_id(self, seeded: Seeded) -> None:
        """A09, A26: pointing at A's is refused in the words for what does not exist, and no value shows."""
        add = (
            "INSERT INTO flowpilot.handoff_snapshot (account_id, handoff_id, body) VALUES (%s, %s, '')",
            "INSERT INTO flowpilot.delivery (account_id, id, handoff_id, user_id, channel, kind, number, state,"
            " attempts, maybe_arrived, created_at, updated_at)"
            " SELECT %s, gen_random_uuid(), %s, id, 'email', 'escalated', 0, 'pending', 0, false, now(), now()"
            " FROM flowpilot.person LIMIT 1",
        )
        for statement in add:
            told = [seeded.refused(statement, seeded.b.account_id, id) for id in (seeded.case.handoff.id, uuid4())]

            assert [errors.ForeignKeyViolation] * 2 == [type(refusal) for refusal in told]
            assert told[0].diag.constraint_name == told[1].diag.constraint_name
            assert CANARY not in str(told[0])

    def test_a_unique_key_does_not_tell_what_a_has(self, seeded: Seeded) -> None:
        """A10: what A has is free for B."""
        email = seeded.a.user(seeded.a.anna).email
        with seeded.as_b() as connection:
            done = connection.execute(
                "INSERT INTO flowpilot.person (account_id, id, email, folded_email, name, role, invited, created_at)"
                " VALUES (%s, %s, %s, %s, 'Probe', 'viewer', false, now()) ON CONFLICT DO NOTHING",
                [seeded.b.account_id, seeded.a.anna.user_id, email, email],
            )
            assert 1 == done.rowcount
            connection.rollback()

    def test_a_conflict_reads_nothing_of_as(self, seeded: Seeded) -> None:
        """A11: guessed letter by letter, a right guess and a wrong one look the same: it is B's own row that is met, or none."""
        guess = (
            "INSERT INTO flowpilot.handoff_snapshot (account_id, handoff_id, body) VALUES (%s, %s, '')"
            " ON CONFLICT (account_id, handoff_id) DO NOTHING"
        )
        told = [seeded.refused(guess, seeded.b.account_id, id) for id in (seeded.case.handoff.id, uuid4())]

        assert told[0].diag.message_primary == told[1].diag.message_primary
        read = seeded.refused(
            "INSERT INTO flowpilot.session AS mine SELECT (jsonb_populate_record(other, jsonb_build_object('account_id', %s::text))).*"
            " FROM flowpilot.session AS other ON CONFLICT (id) DO UPDATE SET title = 'x' WHERE mine.title LIKE 'x%%'",
            str(seeded.b.account_id),
        )
        assert isinstance(read, errors.InvalidColumnReference)

    def test_a_function_in_a_condition_sees_bs_rows_only(self, seeded: Seeded) -> None:
        """A17: what would fail on A's row does not, since it is never asked about it."""
        with seeded.as_b() as connection:
            query = "SELECT count(*) FROM flowpilot.session WHERE CASE WHEN title = %s THEN 1 / (length(title) - length(title)) END IS NULL"
            assert (1,) == connection.execute(query, [CANARY]).fetchone()

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE FUNCTION flowpilot.stray() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION public.stray() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION pg_temp.stray() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TEMPORARY TABLE step (id uuid)",
            "CREATE TABLE flowpilot.stray (id uuid)",
            "CREATE SCHEMA stray",
            "TRUNCATE flowpilot.step",
            "TRUNCATE flowpilot.due_work",
            "CREATE TRIGGER stray AFTER INSERT ON flowpilot.step EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "ALTER TABLE flowpilot.step DISABLE ROW LEVEL SECURITY",
            "DROP POLICY own_account ON flowpilot.step",
            "SET ROLE flowpilot_owner",
            "SET ROLE flowpilot_backup",
            "SET SESSION AUTHORIZATION postgres",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "COPY flowpilot.step FROM '/etc/passwd'",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT lo_create(0)",
            "SELECT lo_from_bytea(0, 'kept for others')",
        ],
    )
    def test_nothing_can_be_made_or_undone(self, seeded: Seeded, statement: str) -> None:
        """A14, A15, A17."""
        with seeded.as_b() as connection, pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
            connection.execute(statement.encode())

    def test_copy_writes_out_bs_rows_only_and_reads_in_none(self, seeded: Seeded) -> None:
        """A15."""
        with seeded.as_b() as connection:
            with connection.cursor().copy("COPY flowpilot.session TO STDOUT") as out:
                copied = b"".join(bytes(part) for part in out)
            assert str(seeded.case_of_b.id).encode() in copied
            assert CANARY.encode() not in copied
        with (
            seeded.as_b() as connection,
            pytest.raises(errors.FeatureNotSupported),
            connection.cursor().copy("COPY flowpilot.step FROM STDIN"),
        ):
            pass

    def test_row_security_cannot_be_switched_off(self, seeded: Seeded) -> None:
        """A16: an error, not rows."""
        with seeded.as_b() as connection:
            connection.execute("SET row_security = off")
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM flowpilot.session")

    def test_statistics_show_no_values(self, seeded: Seeded) -> None:
        """A18: but for the one table that is no account's, of which a database that is in use has them at some time or other."""
        seeded.database.do("ANALYZE flowpilot.session", "ANALYZE flowpilot.alembic_version")
        with seeded.as_b() as connection:
            shown = connection.execute("SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'flowpilot'").fetchall()

        assert [("alembic_version",)] == shown

    def test_nothing_cascades(self, seeded: Seeded) -> None:
        """A13: no delete reaches further than the row that is deleted."""
        keys = seeded.database.do(
            "SELECT conname FROM pg_constraint WHERE connamespace = 'flowpilot'::regnamespace AND contype = 'f'"
            " AND (confdeltype <> 'a' OR confupdtype <> 'a')"
        )

        assert [] == keys

    def test_no_number_is_counted_for_all_accounts_together(self, seeded: Seeded) -> None:
        """A20: and the numbers of B's log do not move with A's."""
        assert [] == seeded.database.do("SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'flowpilot'::regnamespace")
        with seeded.as_b() as connection:
            assert [(1,), (2,), (3,)] == connection.execute("SELECT number FROM flowpilot.event ORDER BY number").fetchall()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE flowpilot.event SET cause = 'x'",
            "DELETE FROM flowpilot.event",
            "UPDATE flowpilot.audit_entry SET cause = 'x'",
            "DELETE FROM flowpilot.audit_entry",
        ],
    )
    def test_the_log_cannot_be_rewritten(self, seeded: Seeded, statement: str) -> None:
        """A37: not even one's own."""
        assert isinstance(seeded.refused(statement), errors.InsufficientPrivilege)

    @pytest.mark.parametrize("change", ["UPDATE flowpilot.handoff_snapshot SET body = ''", "DELETE FROM flowpilot.handoff_snapshot"])
    def test_a_snapshot_cannot_be_changed(self, seeded: Seeded, change: str) -> None:
        assert isinstance(seeded.refused(change), errors.InsufficientPrivilege)


class TestTheRelay:
    """A25: it finds work everywhere and sees nothing else."""

    def test_sees_the_due_work_of_all(self, seeded: Seeded) -> None:
        accounts = seeded.database.do("SELECT DISTINCT account_id FROM flowpilot.due_work", user="flowpilot_relay")

        assert (seeded.a.account_id,) in accounts

    @pytest.mark.parametrize("table", [table for table in TABLES if table != "due_work"])
    def test_has_no_way_to_content(self, seeded: Seeded, table: str) -> None:
        with pytest.raises(errors.InsufficientPrivilege):
            seeded.database.do(f"SELECT 1 FROM flowpilot.{table}", user="flowpilot_relay")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE flowpilot.due_work SET account_id = gen_random_uuid()",
            "UPDATE flowpilot.due_work SET due_at = now()",
            "UPDATE flowpilot.due_work SET kind = 'x'",
            "DELETE FROM flowpilot.due_work",
            "INSERT INTO flowpilot.due_work VALUES (gen_random_uuid(), gen_random_uuid(), 'delivery', now(), 0)",
            "TRUNCATE flowpilot.due_work",
        ],
    )
    def test_can_hold_work_and_do_nothing_else_to_it(self, seeded: Seeded, statement: str) -> None:
        with pytest.raises(errors.InsufficientPrivilege):
            seeded.database.do(statement, user="flowpilot_relay")


class TestAConnectionThatWasUsedBefore:
    LEFT = Statement("what is left", "SELECT coalesce(current_setting('flowpilot.account_id', true), '') AS account")
    SESSIONS = Statement("sessions", "SELECT count(*) AS sessions FROM flowpilot.session")

    @pytest.fixture
    async def pool(self, seeded: Seeded) -> AsyncIterator[Pool]:
        pool = Pool(seeded.database.app, size=1)
        yield pool
        await pool.close()

    async def sees(self, pool: Pool, account_id: AccountId) -> set[object]:
        found, _ = await SqlView(pool, account_id).sessions(SessionFilter(), _system(account_id), after=None, limit=100)
        return {session.id for session in found}

    async def look_for_nothing(self, pool: Pool, account_id: AccountId) -> None:
        async with Beginning(pool, account_id, None) as work:
            await work.sessions.get(SessionId(uuid4()))

    async def test_is_in_no_account(self, seeded: Seeded, pool: Pool) -> None:
        """A22: after a commit, after a rollback, after an error and after a read."""

        async def left() -> tuple[str, int]:
            async with pool.connection() as connection:
                account, sessions = await connection.round_trip([self.LEFT(), self.SESSIONS()])
                return account.rows[0].account, sessions.rows[0].sessions

        for commit in (True, False):
            async with Beginning(pool, seeded.a.account_id, None) as work:
                await work.sessions.get(seeded.case.id)
                if commit:
                    await work.commit()
            assert ("", 0) == await left()
        with pytest.raises(NotFound):
            await self.look_for_nothing(pool, seeded.a.account_id)
        assert ("", 0) == await left()
        await self.sees(pool, seeded.a.account_id)
        assert ("", 0) == await left()

    async def test_shows_each_account_its_own_whoever_was_there_before(self, seeded: Seeded, pool: Pool) -> None:
        """A23: two accounts in turn on one connection, with roll-backs and cancellations between them."""
        mine = {account: {case.id} for account, case in ((seeded.a.account_id, seeded.case), (seeded.b.account_id, seeded.case_of_b))}

        async def work(account_id: AccountId) -> None:
            async with Beginning(pool, account_id, None) as unit:
                await unit.people.users()
                await unit.people.teams()

        for turn in range(300):
            for account_id, sessions in mine.items():
                assert sessions == await self.sees(pool, account_id)
                task = asyncio.create_task(work(account_id))
                for _ in range(turn % 7):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def test_has_no_plan_that_remembers_an_account(self, seeded: Seeded) -> None:
        """A24: generic plans, made once for all, by whoever comes first."""
        pool = Pool(f"{seeded.database.app}&options=-cplan_cache_mode%3Dforce_generic_plan", size=1)

        for _ in range(10):
            assert {seeded.case.id} == await self.sees(pool, seeded.a.account_id)
            assert {seeded.case_of_b.id} == await self.sees(pool, seeded.b.account_id)
        await pool.close()

    async def test_shows_others_no_values_of_its_statements(self, seeded: Seeded) -> None:
        """A19: all connections of the application are of one role, which may read what each is doing."""
        activity = "SELECT query FROM pg_stat_activity WHERE usename = 'flowpilot_app' AND pid <> pg_backend_pid()"
        pool = Pool(seeded.database.app, size=1)
        async with Beginning(pool, seeded.a.account_id, None) as work:
            await work.sessions.add(a_session(by=seeded.a.anna, title=CANARY, problem=CANARY).session)
            await work.people.users()
            async with await Connection.connect(seeded.database.app, autocommit=True) as other:
                queries = [query for (query,) in await (await other.execute(activity)).fetchall()]
        await pool.close()

        assert any("flowpilot.person" in query for query in queries)
        assert not any(CANARY in query for query in queries)


def _system(account_id: AccountId) -> System:

    return System(account_id=account_id, cause="a test")
