"""kill -9 of whoever starts maintenance, at every step: each occurrence begins once, and each of its targets has one session."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_core.domain.maintenance.run import RunState
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults
from tests.support import processes
from tests.support.maintenance import Scheduled, a_caretaker
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim

pytestmark = pytest.mark.anyio


@pytest.fixture
async def adapter(own_database: PostgresDatabase) -> AsyncIterator[Adapter]:
    store, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    yield Adapter(begin=store.begin, view=store.view, outbox=outbox)
    await outbox.close()
    await store.close()


async def due(adapter: Adapter, looks: int) -> Scheduled:
    """A schedule that is due and was looked at so often: the first look begins the occurrence, the second starts its sessions."""
    scheduled = await Scheduled.of(adapter.begin)
    for _ in range(looks):
        assert 1 == await a_caretaker(adapter.begin, adapter.outbox).run_once()
    return scheduled


@pytest.mark.parametrize("looks", [0, 1])
async def test_killed_at_every_step_each_target_has_one_session_and_whoever_does_it_is_told_once(
    own_database: PostgresDatabase, adapter: Adapter, looks: int
) -> None:
    """F59: each point once, of beginning an occurrence and of starting its sessions."""
    await due(adapter, looks)
    passing = Faults()
    assert 1 == await a_caretaker(passing.begin(adapter.begin), passing.outbox(adapter.outbox)).run_once()
    first, *rest = passing.seen

    for point in [first, *(one for one in rest if one.endswith("after"))]:
        own_database.do("DELETE FROM flowpilot.due_work")
        scheduled = await due(adapter, looks)
        victim = Victim.of(processes.care, own_database.app, own_database.relay, point)
        assert -signal.SIGKILL == await asyncio.to_thread(victim.ended), point
        own_database.do("UPDATE flowpilot.due_work SET lease_until = now() WHERE lease_until IS NOT NULL")

        mailbox = MemoryNotifier()
        relay = a_caretaker(adapter.begin, adapter.outbox, mailbox)
        while await relay.run_once():
            pass

        (run,) = await scheduled.runs(adapter.begin)
        sessions = await scheduled.sessions(adapter.view)
        assert RunState.STARTED is run.state, point
        assert ["Patch night: srv-01", "Patch night: srv-02"] == sorted(one.title for one in sessions), point
        assert {one.id for one in sessions} == {one.session_id for one in run.targets}, point
        assert {scheduled.staff.anna.user_id} == {one.assignee_id for one in sessions}, point
        assert 1 == len(mailbox.messages), point


async def test_two_that_do_the_same_occurrence_at_once_start_each_session_once(own_database: PostgresDatabase, adapter: Adapter) -> None:
    """F59: the lease of the first ran out while it was at work."""
    scheduled = await Scheduled.of(adapter.begin)
    relays = [a_caretaker(adapter.begin, adapter.outbox) for _ in range(2)]
    done = 1
    while done:
        done = sum(await asyncio.gather(*(relay.run_once() for relay in relays)))
        own_database.do("UPDATE flowpilot.due_work SET lease_until = now() WHERE lease_until IS NOT NULL")

    assert 1 == len(await scheduled.runs(adapter.begin))
    assert 2 == len(await scheduled.sessions(adapter.view))
