"""Push over several processes on one database: what is between them fails, and nobody misses or repeats anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.push import NatsEventStream, PostgresEventStream
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_core.application.notifications import push
from flowpilot_core.testing.contracts import Adapter
from tests.support.listening import Heard, Listening, Pushing, pushing
from tests.support.nats_server import NatsServer, nats_server
from tests.support.postgres import PostgresDatabase, PostgresServer

pytestmark = pytest.mark.anyio

MANY = 1_000
"""Streams on two nodes together; a thousand on one are elsewhere."""
NEVER = 10**9
"""Looks until the log is read without a wake-up: not in this test."""
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flowpilot push' AND datname = current_database()"


@asynccontextmanager
async def a_node(database: PostgresDatabase, nats: NatsServer | None = None) -> AsyncIterator[Pushing]:
    """A process' worth of FlowPilot, with people of its own in the shared database."""
    async with AsyncExitStack() as stack:
        storage, outbox = Database(database.app), SqlOutbox(database.relay)
        stack.push_async_callback(storage.close)
        stack.push_async_callback(outbox.close)
        waking = NatsEventStream(nats.url, jitter=lambda: 0.0) if nats else PostgresEventStream(database.app, jitter=lambda: 0.0)
        stack.push_async_callback(waking.close)
        adapter = Adapter(begin=storage.begin, view=storage.view, outbox=outbox)
        yield await stack.enter_async_context(pushing(adapter, waking=waking))


@pytest.fixture(params=["postgres", "nats"])
async def two_nodes(request: pytest.FixtureRequest, database: PostgresDatabase) -> AsyncIterator[tuple[Pushing, Pushing]]:
    """Two processes that wake each other over what the parameter names."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(nats_server()) if request.param == "nats" else None
        yield (
            await stack.enter_async_context(a_node(database, nats)),
            await stack.enter_async_context(a_node(database, nats)),
        )


def _handoffs(heard: list[Heard]) -> list[str]:
    return [one.data["handoff_id"] for one in heard]


def _fill(connection: psycopg.Connection) -> None:
    """Notify until no more goes in."""
    with suppress(psycopg.errors.ProgramLimitExceeded):
        for number in count():
            connection.execute("SELECT pg_notify('something', %s)", (f"{number:07900}",))


async def test_what_is_committed_on_one_node_is_heard_on_the_other(
    two_nodes: tuple[Pushing, Pushing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "POLL", NEVER)
    one, other = two_nodes
    junior, senior = one.world.junior, one.world.senior
    stream = await other.listen(senior)
    made = [await junior.escalation() for _ in range(5)]

    assert [handoff["id"] for handoff in made] == _handoffs(await stream.some(5))


async def test_many_streams_on_two_nodes_are_killed_and_miss_and_repeat_nothing_on_the_other_node(
    two_nodes: tuple[Pushing, Pushing],
) -> None:
    """F38"""
    nodes = two_nodes
    junior, senior = nodes[0].world.junior, nodes[0].world.senior
    streams = [await nodes[number % 2].listen(senior) for number in range(MANY)]
    made = [await junior.escalation() for _ in range(2)]
    heard = [await stream.some(2) for stream in streams]
    for stream in streams:
        stream.hang_up()
    made += [await junior.escalation() for _ in range(2)]

    again = [await nodes[(number + 1) % 2].listen(senior, last_event_id=stream.last or "") for number, stream in enumerate(streams)]
    made.append(await junior.escalation())
    rest = [await stream.some(3) for stream in again]

    expected = [handoff["id"] for handoff in made]
    assert {tuple(expected)} == {tuple(_handoffs([*first, *then])) for first, then in zip(heard, rest, strict=True)}


async def test_what_was_committed_while_nobody_could_listen_is_found_by_looking(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F39: the notifications of the gap are lost; listening again comes first, then a look, and nothing polls here."""
    monkeypatch.setattr(push, "POLL", NEVER)
    async with a_node(database) as node:
        junior, senior = node.world.junior, node.world.senior
        stream = await node.listen(senior)
        made = []
        for _ in range(5):
            await asyncio.to_thread(database.do, CUT)
            made.append(await junior.escalation())

        assert [handoff["id"] for handoff in made] == _handoffs(await stream.some(5))


async def test_a_full_queue_of_notifications_fails_no_commit_and_hides_nothing(tmp_path: Path) -> None:
    """F40: somebody who listens and never looks fills the server's queue; then every notification fails, and no escalation does."""
    with EmbeddedPostgres(tmp_path / "own", settings={"fsync": "off", "max_notify_queue_pages": "64"}) as server:
        database = PostgresServer(server).database()
        with psycopg.connect(database.app) as blocking, psycopg.connect(database.app, autocommit=True) as filling:
            blocking.execute("LISTEN something")
            blocking.commit()
            blocking.execute("SELECT 1")
            _fill(filling)
            async with a_node(database) as node:
                stream = await node.listen(node.world.senior)
                made = [await node.world.junior.escalation() for _ in range(3)]

                assert [handoff["id"] for handoff in made] == _handoffs(await stream.some(3))
            with pytest.raises(psycopg.errors.ProgramLimitExceeded):
                filling.execute("SELECT pg_notify('something', %s)", ("x" * 7900,))


async def test_nats_that_is_killed_and_wiped_loses_nobody_anything(database: PostgresDatabase) -> None:
    """F43: escalating goes on as ever, listeners hear of it by polling, and once NATS is back without it."""
    async with nats_server() as nats, a_node(database, nats) as one, a_node(database, nats) as other:
        junior, senior = one.world.junior, one.world.senior
        streams: list[Listening] = [await one.listen(senior), await other.listen(senior)]
        made = [await junior.escalation()]
        await nats.wipe()
        made += [await junior.escalation() for _ in range(3)]
        while_down = [await stream.some(4) for stream in streams]
        await nats.start()
        made += [await junior.escalation() for _ in range(3)]

        for stream, heard in zip(streams, while_down, strict=True):
            assert [handoff["id"] for handoff in made] == _handoffs([*heard, *await stream.some(3)])


async def test_a_wake_up_that_comes_again_and_again_repeats_nothing(two_nodes: tuple[Pushing, Pushing]) -> None:
    """F44: whoever is woken reads on from where they stopped."""
    one, other = two_nodes
    junior, senior = one.world.junior, one.world.senior
    stream = await other.listen(senior)
    made = [await junior.escalation()]
    await stream.some(1)
    for _ in range(50):
        one.waking.publish(senior.account_id)
        await asyncio.sleep(0)
    made.append(await junior.escalation())

    assert [made[1]["id"]] == _handoffs(await stream.some(1))
