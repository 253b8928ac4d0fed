"""What goes wrong by itself: processes killed, databases gone, answers lost; and what must hold afterwards."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
import pytest

from flowpilot_adapters.embedded_postgres import Binaries, EmbeddedPostgres
from flowpilot_adapters.memory import MemoryNotifier, MemoryStore
from flowpilot_adapters.sql import Database, SqlOutbox, roles
from flowpilot_adapters.sql.pool import Pool
from flowpilot_adapters.sql.statement import Statement
from flowpilot_adapters.sql.unit_of_work import Beginning
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.kernel.units import MOST_TRIES, Units
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.kernel.errors import OutcomeUnknown, Stale, Unavailable
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.notifications import NotSent
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults, Pause, raising
from tests.support import processes
from tests.support.escalation import ESCALATE, Stuck, a_flowpilot, a_relay, an_app, heard, left_behind, stuck
from tests.support.mail_server import AiosmtpdServer
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.processes import Victim
from tests.support.proxy import COMMITTED, Proxy
from tests.support.serving import named, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    """One for the tests here, since relays look across accounts."""
    database = postgres.database()
    yield database
    postgres.drop(database)


@asynccontextmanager
async def on(database: PostgresDatabase, *, url: str | None = None, pool_size: int = 8) -> AsyncIterator[Adapter]:
    """The ports over a database, whatever `url` leads there."""
    store, outbox = Database(url or database.app, pool_size=pool_size), SqlOutbox(database.relay)
    try:
        yield Adapter(begin=store.begin, view=store.view, outbox=outbox)
    finally:
        await store.close()
        await outbox.close()


@pytest.fixture
async def adapter(database: PostgresDatabase) -> AsyncIterator[Adapter]:
    async with on(database) as adapter:
        yield adapter


def in_memory() -> Adapter:
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    return Adapter(begin=store.begin, view=store.view, outbox=store.outbox)


@asynccontextmanager
async def through_a_proxy(database: PostgresDatabase) -> AsyncIterator[tuple[Proxy, str]]:
    """A way to the database that a test can cut, and its address for the application."""
    socket = f"{database.address.host}/.s.PGSQL.{database.address.port}"
    async with Proxy(connect=partial(asyncio.open_unix_connection, socket)).running() as proxy:
        yield proxy, f"postgresql://{roles.APP}@127.0.0.1:{proxy.port}/{database.name}?sslmode=disable&gssencmode=disable"


@asynccontextmanager
async def calling(adapter: Adapter) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API over these ports."""
    transport = httpx.ASGITransport(app=an_app(a_flowpilot(adapter.begin, adapter.view)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://flowpilot.test") as client:
        yield client


NOBODY_IS_BUSY = f"""
SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = '{roles.APP}' AND datname = current_database() AND state <> 'idle'
"""


async def until(database: PostgresDatabase, condition: str) -> None:
    """Come back once the database says yes to the question; asking is the pause."""
    async with asyncio.timeout(60):
        while [(True,)] != await asyncio.to_thread(database.do, condition):
            pass


async def fault_points(adapter: Adapter) -> list[str]:
    """Every point an escalate passes."""
    faults = Faults()
    await (await stuck(adapter.begin, adapter.view)).escalate(faults.begin(adapter.begin))
    return faults.seen


async def judge(anna: Stuck, adapter: Adapter, *, point: object, committed: bool | None = None) -> HandoffId:
    """The one handoff there is once she has asked again: whatever happened before, all of it was kept or nothing, and heard or not."""
    before = await left_behind(anna, adapter.view)
    told = await heard(anna, adapter.begin, adapter.view, adapter.outbox)
    again = await anna.escalate(adapter.begin)

    assert committed in (None, before is not None), point
    assert (sorted(anna.told) if before else []) == told, point
    assert before in (None, again), point
    assert again == await left_behind(anna, adapter.view), point
    return again


class TestAnEscalationCutOff:
    """F01, F02: whatever happens in the middle of it, all of it is kept or nothing, and nobody hears of nothing."""

    async def walk(self, adapter: Adapter) -> None:
        committed = False
        for point in await fault_points(adapter):
            committed = committed or point == "commit: after"
            anna, faults = await stuck(adapter.begin, adapter.view), Faults()
            faults.at(point, raising(ZeroDivisionError(point)))
            with pytest.raises(ZeroDivisionError):
                await anna.escalate(faults.begin(adapter.begin))
            await judge(anna, adapter, point=point, committed=committed)

    async def test_by_an_error_at_any_point(self, adapter: Adapter) -> None:
        """F01, F02: every point, on Postgres."""
        await self.walk(adapter)

    async def test_by_an_error_at_any_point_in_memory(self) -> None:
        """F01, F02: every point, on the in-memory peer."""
        await self.walk(in_memory())

    async def test_by_kill_9_at_any_point(self, database: PostgresDatabase, adapter: Adapter) -> None:
        """F01, F02, F03: every point, each in a process of its own that is killed there."""
        committed = False
        for point in await fault_points(adapter):
            committed = committed or point == "commit: after"
            anna = await stuck(adapter.begin, adapter.view)
            victim = Victim.of(processes.escalate, database.app, anna, point)
            assert (None, -signal.SIGKILL) == (await asyncio.to_thread(victim.hears), victim.ended()), point
            await judge(anna, adapter, point=point, committed=committed)

    async def test_by_the_network_after_any_number_of_bytes(self, database: PostgresDatabase, adapter: Adapter) -> None:
        """F01, F02, F04: cut off at 40 places between the first byte to the database and the last."""
        async with through_a_proxy(database) as (proxy, url):
            async with on(database, url=url) as far:
                await (await stuck(adapter.begin, adapter.view)).escalate(far.begin)
            whole = proxy.sent

            for sent in range(0, whole + 1, whole // 40):
                anna = await stuck(adapter.begin, adapter.view)
                proxy.cut_after(sent)
                committed: bool | None = True
                async with on(database, url=url) as far:
                    try:
                        await anna.escalate(far.begin)
                    except Unavailable:
                        committed = False
                    except OutcomeUnknown:
                        committed = None
                proxy.mend()
                # The server may not have heard yet, and be committing.
                await until(database, NOBODY_IS_BUSY)
                await judge(anna, adapter, point=sent, committed=committed)


class TestTheSameKey:
    """One request, however often it is made."""

    async def test_after_a_kill_between_commit_and_answer_gets_the_handoff_that_was_made(
        self, database: PostgresDatabase, adapter: Adapter
    ) -> None:
        """F03: the server is killed; the client asks again."""
        anna = await stuck(adapter.begin, adapter.view)
        headers = await anna.signed_in(adapter.begin)
        victim = Victim.of(processes.serve, database.app, "commit (2): after")  # The first writes down that the token is used.
        port = await asyncio.to_thread(victim.hears)

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            with pytest.raises(httpx.TransportError):
                await client.post(anna.path, json=ESCALATE, headers=headers)
        assert -signal.SIGKILL == await asyncio.to_thread(victim.ended)

        made = await left_behind(anna, adapter.view)
        async with calling(adapter) as client:
            again = await client.post(anna.path, json=ESCALATE, headers=headers)
        assert (201, str(made), "true") == (again.status_code, again.json()["id"], again.headers["idempotency-replayed"])
        assert made == await left_behind(anna, adapter.view)

    async def test_settles_a_commit_whose_answer_was_lost(self, database: PostgresDatabase, adapter: Adapter) -> None:
        """F04: 503 that says so, and the repeat tells what happened."""
        anna = await stuck(adapter.begin, adapter.view)
        headers = await anna.signed_in(adapter.begin)
        async with through_a_proxy(database) as (proxy, url), on(database, url=url) as far, calling(far) as client:
            proxy.swallow(COMMITTED)
            unknown = await client.post(anna.path, json=ESCALATE, headers=headers)
            made = await left_behind(anna, adapter.view)
            again = await client.post(anna.path, json=ESCALATE, headers=headers)

        assert 1 == proxy.swallowed
        assert (503, "outcome_unknown", "1") == (unknown.status_code, unknown.json()["code"], unknown.headers["retry-after"])
        assert (201, str(made), "true") == (again.status_code, again.json()["id"], again.headers["idempotency-replayed"])
        assert made == await left_behind(anna, adapter.view)

    async def test_fifty_times_at_once_does_it_once(self, adapter: Adapter) -> None:
        """F05: one is done, the others get its answer, or are told that it is under way."""
        anna = await stuck(adapter.begin, adapter.view)
        headers = await anna.signed_in(adapter.begin)

        async with calling(adapter) as client:
            answers = await asyncio.gather(*(client.post(anna.path, json=ESCALATE, headers=headers) for _ in range(50)))

        made = str(await left_behind(anna, adapter.view))
        first = [answer for answer in answers if answer.status_code == 201 and "idempotency-replayed" not in answer.headers]
        replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
        told_to_wait = [answer for answer in answers if answer.status_code == 409]
        assert [made] == [answer.json()["id"] for answer in first]
        assert {(201, first[0].content)} >= {(answer.status_code, answer.content) for answer in replayed}
        assert {"idempotency_in_progress"} >= {answer.json()["code"] for answer in told_to_wait}
        assert 50 == len(first) + len(replayed) + len(told_to_wait)

    async def test_with_another_body_is_refused(self, adapter: Adapter) -> None:
        """F06: 422, and nothing is written, whether the first request went well or not."""
        anna = await stuck(adapter.begin, adapter.view)
        headers = await anna.signed_in(adapter.begin)

        async with calling(adapter) as client:
            invalid = await client.post(anna.path, json=ESCALATE | {"reason": ""}, headers=headers)
            first = await client.post(anna.path, json=ESCALATE, headers=headers)
            other = await client.post(anna.path, json=ESCALATE | {"reason": "I am bored"}, headers=headers)

        assert (422, "validation_failed") == (invalid.status_code, invalid.json()["code"])
        assert 201 == first.status_code
        assert (422, "idempotency_key_reused") == (other.status_code, other.json()["code"])
        assert first.json()["id"] == str(await left_behind(anna, adapter.view))


@pytest.fixture(scope="module")
def lasting() -> Iterator[PostgresServer]:
    """A server that may be crashed: what it says it has committed it has written."""
    with TemporaryDirectory(prefix="flowpilot-tests-") as folder, EmbeddedPostgres(Path(folder), settings={"fsync": "off"}) as server:
        yield PostgresServer(server)


@asynccontextmanager
async def calling_the_server(database: PostgresDatabase, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `flowpilot serve`, in a process of its own, without a relay."""
    with serving("--no-relay", **named(database), **settings) as server:
        address = (await asyncio.to_thread(server.says, "serving"))["address"]
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            yield client
        server.asked_to_end()
        assert 0 == await asyncio.to_thread(server.ended)


class TestAServer:
    """`flowpilot serve`, which is never started anew."""

    async def test_keeps_what_it_answered_and_goes_on_whenever_the_database_crashes(self, lasting: PostgresServer) -> None:
        """F08: three crashes amid escalates, whose clients ask again until they are answered.

        The server runs on uvloop, which tells of a socket in error once and then watches it no longer.
        """
        database = lasting.database()
        async with on(database) as adapter, calling_the_server(database) as client:
            annas = [await stuck(adapter.begin, adapter.view) for _ in range(30)]
            headers = [await anna.signed_in(adapter.begin) for anna in annas]

            async def escalate(anna: Stuck, signed_in: dict[str, str]) -> str:
                while True:
                    answer = await client.post(anna.path, json=ESCALATE, headers=signed_in)
                    if answer.status_code == 201:
                        return str(answer.json()["id"])
                    assert 503 == answer.status_code, answer.text

            made: list[str] = []
            for first in (0, 10, 20):
                some = slice(first, first + 10)
                waiting = [asyncio.create_task(escalate(*one)) for one in zip(annas[some], headers[some], strict=True)]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.to_thread(lasting.server.stop, "immediate")
                await asyncio.to_thread(lasting.server.start)
                made += await asyncio.gather(*waiting)

            assert made == [str(await left_behind(anna, adapter.view)) for anna in annas]
            assert sorted(annas[0].told) == await heard(annas[0], adapter.begin, adapter.view, adapter.outbox)

    async def test_with_its_pool_exhausted_refuses_in_bounded_time_and_is_ready(self, own_database: PostgresDatabase) -> None:
        """F11: whoever waits for a connection is told to come again; health has one of its own."""
        own_database.do(f"ALTER ROLE {roles.APP} IN DATABASE {own_database.name} SET lock_timeout = '60s'")
        async with on(own_database) as adapter, calling_the_server(own_database, pool_size="2") as client:
            annas = [await stuck(adapter.begin, adapter.view) for _ in range(2)]
            headers = [await anna.signed_in(adapter.begin) for anna in annas]
            with psycopg.connect(own_database.admin) as holding:
                holding.execute("SELECT FROM flowpilot.session FOR UPDATE")
                stalled = [
                    asyncio.create_task(client.post(anna.path, json=ESCALATE, headers=signed_in))
                    for anna, signed_in in zip(annas, headers, strict=True)
                ]
                await until(own_database, "SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                refused = await client.get("/handoffs/queue", headers=headers[0])
                ready = await client.get("/health/ready")

            assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
            assert 200 == ready.status_code
            assert [201, 201] == [answer.status_code for answer in await asyncio.gather(*stalled)]


class TestUnitsThatMeet:
    """F10: of two that cannot both go on one is tried again, all of it, a bounded number of times."""

    async def test_in_a_deadlock_both_are_done_in_the_end(self, own_database: PostgresDatabase) -> None:
        """F10: two units of work lock the same two sessions in opposite order."""
        own_database.do(f"ALTER ROLE {roles.APP} IN DATABASE {own_database.name} SET deadlock_timeout = '20ms'")
        async with on(own_database) as adapter:
            anna = await stuck(adapter.begin, adapter.view)
            other = await a_flowpilot(adapter.begin, adapter.view).sessions.start(anna.staff.anna, title="Another", problem="Another")
            both = (anna.session_id, other.session.id)
            met, tries = asyncio.Barrier(2), count()
            units = Units(begin=adapter.begin, committed=lambda _: None, new_id=new_id)

            async def unit(work: UnitOfWork, order: int) -> None:
                first_try = next(tries) < 2
                for session_id in both[::order]:
                    session = await work.sessions.get(session_id)
                    await work.sessions.save(session)
                    await work.sessions.detail(session_id)
                    if first_try and session_id == both[::order][0]:
                        await met.wait()

            await asyncio.gather(*(units.run(anna.staff.anna, partial(unit, order=order)) for order in (1, -1)))

            versions = [(await adapter.view(anna.account_id).session(session_id)).session.version for session_id in both]
            assert [anna.before.session.version + 2, other.session.version + 2] == versions
            assert 3 <= next(tries)

    async def test_a_serialization_failure_is_tried_again_with_the_same_key(self, own_database: PostgresDatabase) -> None:
        """F10: the database refuses the first two tries, each near its end."""
        own_database.do(
            "CREATE SEQUENCE public.tries",
            "GRANT ALL ON SCHEMA public TO public",
            "GRANT ALL ON SEQUENCE public.tries TO public",
            """
            CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF nextval('public.tries') <= 2 THEN
                RAISE EXCEPTION 'try again' USING ERRCODE = '40001';
              END IF;
              RETURN NEW;
            END $$
            """,
            "CREATE TRIGGER refuse BEFORE INSERT ON flowpilot.handoff FOR EACH ROW EXECUTE FUNCTION public.refuse()",
        )
        async with on(own_database) as adapter:
            anna = await stuck(adapter.begin, adapter.view)

            made = await anna.escalate(adapter.begin)

            assert made == await left_behind(anna, adapter.view) == await anna.escalate(adapter.begin)
            assert [(3,)] == own_database.do("SELECT last_value FROM public.tries")

    async def test_who_always_comes_second_is_told_in_the_end(self, adapter: Adapter) -> None:
        """F10: and nothing was changed."""
        anna, faults = await stuck(adapter.begin, adapter.view), Faults()
        for time in range(1, MOST_TRIES + 1):
            faults.at("commit: before" if time == 1 else f"commit ({time}): before", raising(Stale()))

        with pytest.raises(Unavailable):
            await anna.escalate(faults.begin(adapter.begin))

        assert MOST_TRIES == sum(point.startswith("begin") and point.endswith("before") for point in faults.seen)
        await judge(anna, adapter, point="commit", committed=False)


ACCOUNT_LEFT = Statement(
    "account left", "SELECT coalesce(current_setting('flowpilot.account_id', true), ''), count(*) FROM flowpilot.session"
)


class TestRequestsThatAreCancelled:
    async def test_leave_the_pool_whole_and_no_account_behind(self, database: PostgresDatabase, adapter: Adapter) -> None:
        """F12: 500 requests, aborted after one turn of the event loop, two turns, three …, until the requests are done before."""
        anna = await stuck(adapter.begin, adapter.view)
        pool = Pool(database.app, size=4)
        sessions = a_flowpilot(lambda account_id, once=None: Beginning(pool, account_id, once), adapter.view).sessions
        add_step = partial(sessions.add_step, anna.staff.anna, anna.session_id, kind=StepKind.NOTE, content="rebooted it")
        aborted = added = turns = 0

        while aborted < 500:
            task = asyncio.create_task(add_step())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            if task.cancelled():
                aborted, turns = aborted + 1, turns + 1
            else:
                task.result()
                added, turns = added + 1, 0
        async with asyncio.timeout(60):
            while pool.lent:  # noqa: ASYNC110 - the pool mends by itself and tells nobody
                await asyncio.sleep(0)

        async with AsyncExitStack() as all_at_once:
            for _ in range(4):
                connection = await all_at_once.enter_async_context(pool.connection())
                (left,) = await connection.round_trip([ACCOUNT_LEFT()])
                assert [("", 0)] == left.rows
        await pool.close()
        steps = (await adapter.view(anna.account_id).session(anna.session_id)).steps
        assert 0 < added <= len(steps) - len(anna.before.steps)


class TestTheLimitsOfTheRoles:
    """F13: what takes too long is ended by the server, for each role."""

    LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")

    @pytest.mark.parametrize("role", [roles.APP, roles.RELAY])
    async def test_are_set(self, database: PostgresDatabase, role: str) -> None:
        """F13: no role that serves waits for ever."""
        limits = database.do("SELECT " + ", ".join(f"current_setting('{limit}')" for limit in self.LIMITS), user=role)

        assert [("3s", "10s", "15s")] == limits

    async def test_a_change_of_tables_waits_for_no_lock_for_ever(self, database: PostgresDatabase) -> None:
        """F13: nor does who migrates."""
        assert [("10s",)] == database.do("SHOW lock_timeout", user=roles.OWNER)

    async def test_a_row_that_somebody_holds_makes_it_unavailable(self, own_database: PostgresDatabase) -> None:
        """F13: a lock."""
        self.limit(own_database, "lock_timeout")
        async with on(own_database) as adapter:
            anna = await stuck(adapter.begin, adapter.view)
            with psycopg.connect(own_database.admin) as holding:
                holding.execute("SELECT FROM flowpilot.session FOR UPDATE")
                with pytest.raises(Unavailable):
                    await anna.escalate(adapter.begin)
            await judge(anna, adapter, point="a lock", committed=False)

    async def test_a_statement_that_takes_long_makes_it_unavailable(self, own_database: PostgresDatabase) -> None:
        """F13: a statement."""
        self.limit(own_database, "statement_timeout")
        async with on(own_database) as adapter:
            anna = await stuck(adapter.begin, adapter.view)
            with psycopg.connect(own_database.admin) as holding:
                holding.execute("SELECT FROM flowpilot.session FOR UPDATE")
                with pytest.raises(Unavailable):
                    await anna.escalate(adapter.begin)
            await judge(anna, adapter, point="a statement", committed=False)

    async def test_who_idles_in_a_transaction_is_cut_off(self, own_database: PostgresDatabase) -> None:
        """F13: a transaction."""
        self.limit(own_database, "idle_in_transaction_session_timeout")
        async with on(own_database) as adapter:
            anna, faults, pause = await stuck(adapter.begin, adapter.view), Faults(), Pause()
            faults.at("commit: before", pause)
            escalating = asyncio.create_task(anna.escalate(faults.begin(adapter.begin)))
            await pause.reached.wait()
            await until(own_database, NOBODY_IS_BUSY)
            pause.go_on.set()

            with pytest.raises((Unavailable, OutcomeUnknown)):
                await escalating
            await judge(anna, adapter, point="idle", committed=False)

    def limit(self, database: PostgresDatabase, limit: str) -> None:
        database.do(f"ALTER ROLE {roles.APP} IN DATABASE {database.name} SET {limit} = '100ms'")


class TestARelayCutOff:
    """Whoever was to be told is told, if need be twice; the relays that are killed or stopped are processes of their own."""

    async def deliveries(self, anna: Stuck, adapter: Adapter, handoff_id: HandoffId) -> tuple[Delivery, ...]:
        return tuple((await adapter.view(anna.account_id).deliveries(handoff_id, after=None, limit=100))[1])

    async def escalated(self, anna: Stuck, adapter: Adapter, database: PostgresDatabase) -> HandoffId:
        """To Ben, and found by search already: the mail is all that there is to do."""
        handoff_id = await anna.escalate(adapter.begin, user_id=anna.staff.ben.user_id)
        database.do("DELETE FROM flowpilot.due_work WHERE kind = 'index'")
        return handoff_id

    def let_time_pass(self, database: PostgresDatabase) -> None:
        """All work is due, and whatever lease there was has run out."""
        database.do("UPDATE flowpilot.due_work SET due_at = now(), lease_until = lease_until - interval '1 day'")

    async def test_by_an_error_at_any_point_is_made_up_for_by_the_next(self, own_database: PostgresDatabase) -> None:
        """F16: every point; told once, or twice under one id where the mail had gone and nobody wrote it down."""
        async with on(own_database) as adapter:
            anna, passing = await stuck(adapter.begin, adapter.view), Faults()
            await self.escalated(anna, adapter, own_database)
            assert 1 == await self.faulty_relay(adapter, passing, MemoryNotifier()).run_once()
            points = passing.seen
            gone, written = points.index("notifier.send: after"), points.index("commit (2): after")

            for number, point in enumerate(points):
                anna, faults, notifier = await stuck(adapter.begin, adapter.view), Faults(), MemoryNotifier()
                handoff_id = await self.escalated(anna, adapter, own_database)
                faults.at(point, raising(ZeroDivisionError(point)))
                with suppress(ZeroDivisionError):
                    await self.faulty_relay(adapter, faults, notifier).run_once()
                self.let_time_pass(own_database)
                while await a_relay(adapter.begin, adapter.outbox, notifier).run_once():
                    pass

                (delivery,) = await self.deliveries(anna, adapter, handoff_id)
                messages = [message.message_id for message in notifier.messages]
                assert DeliveryState.SENT == delivery.state, point
                assert [delivery.message_id] * (2 if gone <= number < written else 1) == messages, point

    def faulty_relay(self, adapter: Adapter, faults: Faults, notifier: MemoryNotifier) -> Relay:
        return a_relay(faults.begin(adapter.begin), faults.outbox(adapter.outbox), faults.notifier(notifier))

    async def test_by_kill_9_at_any_point_is_made_up_for_by_the_next(self, own_database: PostgresDatabase) -> None:
        """F16: every point, each in a process of its own that is killed there; twice only where the mail was on its way, and marked so."""
        async with on(own_database) as adapter, AiosmtpdServer().running() as mail:
            anna, passing = await stuck(adapter.begin, adapter.view), Faults()
            await self.escalated(anna, adapter, own_database)
            await self.faulty_relay(adapter, passing, MemoryNotifier()).run_once()
            for point in passing.seen:
                mail.accepted.clear()
                anna, notifier = await stuck(adapter.begin, adapter.view), MemoryNotifier()
                handoff_id = await self.escalated(anna, adapter, own_database)
                victim = Victim.of(processes.relay, own_database.app, own_database.relay, mail.url, point, signal.SIGKILL)
                assert (point, -signal.SIGKILL) == (await asyncio.to_thread(victim.hears), await asyncio.to_thread(victim.ended))
                self.let_time_pass(own_database)
                while await a_relay(adapter.begin, adapter.outbox, notifier).run_once():
                    pass

                (delivery,) = await self.deliveries(anna, adapter, handoff_id)
                messages = [*(envelope.message for envelope in mail.accepted), *notifier.messages]
                assert DeliveryState.SENT == delivery.state, point
                assert {delivery.message_id} == {message.message_id for message in messages}, point
                assert all(again.maybe_twice for again in messages[1:]), point
                assert len(messages) <= 2, point

    async def test_by_kill_9_after_the_mail_sends_it_again_under_the_same_id(self, own_database: PostgresDatabase) -> None:
        """F16: kill -9; another one takes over once the lease has run out, and not before."""
        async with on(own_database) as adapter, AiosmtpdServer().running() as mail:
            anna = await stuck(adapter.begin, adapter.view)
            handoff_id = await self.escalated(anna, adapter, own_database)
            point = "notifier.send: after"
            victim = Victim.of(processes.relay, own_database.app, own_database.relay, mail.url, point, signal.SIGKILL)
            assert (point, -signal.SIGKILL) == (await asyncio.to_thread(victim.hears), await asyncio.to_thread(victim.ended))
            (killed,) = await self.deliveries(anna, adapter, handoff_id)

            notifier = MemoryNotifier()
            other = a_relay(adapter.begin, adapter.outbox, notifier)
            too_early = await other.run_once()
            self.let_time_pass(own_database)
            in_time = await other.run_once()

            assert DeliveryState.SENDING == killed.state
            assert (0, 1, 0) == (too_early, in_time, await other.run_once())
            (first,), (second,) = mail.accepted, notifier.messages
            assert (first.message.to, first.message.message_id) == (second.to, second.message_id)
            assert (False, True) == (first.message.maybe_twice, second.maybe_twice)
            (settled,) = await self.deliveries(anna, adapter, handoff_id)
            assert (DeliveryState.SENT, 2) == (settled.state, settled.attempts)

    async def test_by_a_sleep_longer_than_its_lease_writes_nothing_down(self, own_database: PostgresDatabase) -> None:
        """F17: SIGSTOP; what it found out is dropped, since another has settled it meanwhile."""
        async with on(own_database) as adapter, AiosmtpdServer().running() as mail:
            anna = await stuck(adapter.begin, adapter.view)
            handoff_id = await self.escalated(anna, adapter, own_database)
            point = "notifier.send: after"
            sleeper = Victim.of(processes.relay, own_database.app, own_database.relay, mail.url, point, signal.SIGSTOP)
            assert point == await asyncio.to_thread(sleeper.hears)

            self.let_time_pass(own_database)
            notifier = MemoryNotifier()
            notifier.script(anna.staff.user(anna.staff.ben).email, NotSent("nobody here", permanent=True))
            assert 1 == await a_relay(adapter.begin, adapter.outbox, notifier).run_once()
            settled = await self.deliveries(anna, adapter, handoff_id)
            sleeper.goes_on()

            assert 0 == await asyncio.to_thread(sleeper.ended)
            assert (1, [DeliveryState.DEAD]) == (len(mail.accepted), [delivery.state for delivery in settled])
            assert settled == await self.deliveries(anna, adapter, handoff_id)


class TestABackup:
    """F47: made by the role for it, or not at all."""

    def run(self, program: str, *arguments: str, said: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([Binaries.find().folder / program, *arguments], input=said, capture_output=True, check=False)

    def dumped(self, database: PostgresDatabase, role: str) -> "subprocess.CompletedProcess[bytes]":
        return self.run("pg_dump", "--schema=flowpilot", "--clean", "--if-exists", database.url(role))

    @pytest.mark.parametrize("role", [roles.OWNER, roles.APP, roles.RELAY])
    async def test_by_another_role_fails_loudly(self, database: PostgresDatabase, adapter: Adapter, role: str) -> None:
        """F47: no role that is bound by row security makes a backup without rows and calls it one."""
        await stuck(adapter.begin, adapter.view)

        dumped = self.dumped(database, role)

        assert 0 != dumped.returncode
        assert b"row-level security" in dumped.stderr or b"permission denied" in dumped.stderr

    async def test_restores_everything_of_every_account(self, postgres: PostgresServer, own_database: PostgresDatabase) -> None:
        """F47: counted in every table, account by account."""
        async with on(own_database) as adapter:
            for _ in range(3):
                await (await stuck(adapter.begin, adapter.view)).escalate(adapter.begin)

        dumped = self.dumped(own_database, roles.BACKUP)
        restored = postgres.empty_database()
        loaded = self.run("psql", "--quiet", "--set=ON_ERROR_STOP=1", restored.admin, said=dumped.stdout)

        assert (0, 0) == (dumped.returncode, loaded.returncode), (dumped.stderr, loaded.stderr)
        counts = self.counts(own_database)
        assert 4 <= len({account for _, account, _ in counts})
        assert counts == self.counts(restored)
        postgres.drop(restored)

    def counts(self, database: PostgresDatabase) -> list[tuple[Any, ...]]:
        """How many rows each account has in each table."""
        tables = database.do(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'flowpilot' AND column_name = 'account_id'"
        )
        each = [f"SELECT '{table}', account_id::text, count(*) FROM flowpilot.{table} GROUP BY account_id" for (table,) in tables]
        return sorted(database.do(" UNION ALL ".join(each)))
