"""kill -9 of whoever looks after policies and quiet claims, at every step: nothing is lost, and nothing happens twice."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.notifications.delivery import DeliveryKind
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults
from tests.support import processes
from tests.support.policies import Waiting, a_watch
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim

pytestmark = pytest.mark.anyio


@pytest.fixture
async def adapter(own_database: PostgresDatabase) -> AsyncIterator[Adapter]:
    store, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    yield Adapter(begin=store.begin, view=store.view, outbox=outbox)
    await outbox.close()
    await store.close()


def only(database: PostgresDatabase, kind: WorkKind) -> None:
    """Nothing else is due, and this is due now."""
    database.do(f"DELETE FROM flowpilot.due_work WHERE kind <> '{kind}'", "UPDATE flowpilot.due_work SET due_at = now()")


async def points(adapter: Adapter) -> list[str]:
    """Every fault point that one piece of due work passes; but for the first, before a call is after the one before it."""
    passing = Faults()
    assert 1 == await a_watch(passing.begin(adapter.begin), passing.outbox(adapter.outbox)).run_once()
    first, *rest = passing.seen
    return [first, *(point for point in rest if point.endswith("after"))]


async def killed(database: PostgresDatabase, point: str) -> None:
    """Somebody does what is due, and is killed; later their lease has run out."""
    victim = Victim.of(processes.watch, database.app, database.relay, point)
    assert -signal.SIGKILL == await asyncio.to_thread(victim.ended), point
    database.do("UPDATE flowpilot.due_work SET lease_until = now() WHERE lease_until IS NOT NULL")


async def looked_after(adapter: Adapter) -> None:
    """Somebody else does all that is due."""
    while await a_watch(adapter.begin, adapter.outbox).run_once():
        pass


async def test_of_a_policy_at_every_step_loses_no_step_and_repeats_none(own_database: PostgresDatabase, adapter: Adapter) -> None:
    """F16: each point once; everybody is told once, and the next step is still to come."""
    await Waiting.of(adapter.begin, adapter.view, now=True)
    only(own_database, WorkKind.POLICY_STEP)

    for point in await points(adapter):
        waiting = await Waiting.of(adapter.begin, adapter.view, now=True)
        own_database.do("DELETE FROM flowpilot.due_work WHERE kind <> 'policy_step'")
        await killed(own_database, point)
        await looked_after(adapter)

        told = await waiting.told(adapter.view, DeliveryKind.REMINDER)
        staff = waiting.staff
        assert sorted([staff.olga.user_id, staff.adam.user_id, staff.ben.user_id]) == sorted(one.user_id for one in told if one.user_id)
        assert 1 == await waiting.happened(adapter.view, EventKind.HANDOFF_REMINDED), point
        async with adapter.begin(staff.account_id) as work:
            run = await work.escalation.run_of(waiting.handoff_id)
        assert 1 == (run and run.fired), point


async def test_of_whoever_watches_a_claim_at_every_step_warns_once_and_lets_it_lapse_once(
    own_database: PostgresDatabase, adapter: Adapter
) -> None:
    """F16: each point of the warning and of the lapse once."""
    await Waiting.of(adapter.begin, adapter.view, now=False, claimed=True)
    only(own_database, WorkKind.QUIET_CLAIM)
    to_warn = await points(adapter)
    only(own_database, WorkKind.QUIET_CLAIM)
    to_lapse = await points(adapter)

    for dies_warning, point in [(True, point) for point in to_warn] + [(False, point) for point in to_lapse]:
        own_database.do("DELETE FROM flowpilot.due_work")
        waiting = await Waiting.of(adapter.begin, adapter.view, now=False, claimed=True)
        only(own_database, WorkKind.QUIET_CLAIM)
        if dies_warning:
            await killed(own_database, point)
        await looked_after(adapter)
        warned = await waiting.told(adapter.view, DeliveryKind.LAPSE_WARNING)
        lapsed_early = await waiting.happened(adapter.view, EventKind.HANDOFF_LAPSED)
        only(own_database, WorkKind.QUIET_CLAIM)
        if not dies_warning:
            await killed(own_database, point)
        await looked_after(adapter)

        handoff = (await adapter.view(waiting.staff.account_id).handoff(waiting.handoff_id)).handoff
        assert ([waiting.staff.ben.user_id], 0) == ([one.user_id for one in warned], lapsed_early), point
        assert 1 == await waiting.happened(adapter.view, EventKind.HANDOFF_LAPSED), point
        assert (HandoffState.OPEN, 1) == (handoff.state, len(await waiting.told(adapter.view, DeliveryKind.LAPSE_WARNING))), point
