"""How often each of the hot paths waits for the database: what decides its speed."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from attrs import frozen

from flowpilot_adapters.sql import Database
from flowpilot_adapters.sql.connection import Connection, recorded_round_trips
from flowpilot_adapters.sql.handoffs.queue import queue_call
from flowpilot_adapters.sql.reading import ENTER_PLANNED
from flowpilot_adapters.sql.statement import Statement
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.handoffs.handoffs import Handoffs
from flowpilot_core.application.kernel.units import Cause, Request, Units
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, OwnHandoff
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.ports.kernel import Answer, Once
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import NOON, SetClock, Staff, a_session, a_staff, an_escalation, new_id
from tests.support.postgres import PostgresDatabase
from tests.support.product import a_product

pytestmark = pytest.mark.anyio


@frozen
class World:
    storage: Database
    flowpilot: FlowPilot
    acme: Staff

    def keyed(self, key: str) -> Request:
        once = Once(user_id=self.acme.ben.user_id, key=key, fingerprint=b"POST", at=NOON, expired=NOON - timedelta(hours=24))
        return Request(id="request", once=once, render=lambda _: Answer(status=200, body=b"{}"))


@pytest.fixture
async def world(database: PostgresDatabase) -> AsyncIterator[World]:
    storage = Database(database.app)
    flowpilot = a_product(storage, clock=SetClock(), new_secret=lambda: b"s" * 32)
    yield World(storage, flowpilot, await a_staff().kept(storage.begin))
    await storage.close()


async def test_escalating_takes_two(world: World) -> None:
    case = await a_session(by=world.acme.anna).step().kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.hand_off(world.acme.anna, case.id, intent=Intent.ESCALATE, reason="I am stuck")

    assert 2 == len(trips)
    assert ("begin", "enter account") == trips[0][:2]
    assert ("log event", "tell webhooks", "note on ticket", "commit") == trips[1][-4:]


async def test_escalating_under_a_key_takes_two_as_well(world: World) -> None:
    case = await a_session(by=world.acme.anna).step().kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.hand_off(
            world.acme.anna, case.id, intent=Intent.ESCALATE, reason="I am stuck", request=world.keyed("escalate")
        )

    assert 2 == len(trips)


async def test_claiming_takes_one(world: World) -> None:
    case = await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.claim(world.acme.ben, case.handoff.id)

    assert [("enter account", "claim and log", "handoff in detail", "watch claim", "tell webhooks", "note on ticket")] == trips


async def test_claiming_and_choosing_a_branch_takes_one_as_well(world: World) -> None:
    case = await a_session(by=world.acme.anna).step().fork("driver", "network").escalated().kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.claim(world.acme.ben, case.handoff.id, branch_id=case.branch("network"))

    assert [("enter account", "claim and log", "handoff in detail", "watch claim", "tell webhooks", "note on ticket")] == trips


async def test_who_comes_second_hears_why_in_the_same_trip(world: World) -> None:
    case = await an_escalation(by=world.acme.anna).claimed_by(world.acme.ben).kept(world.storage.begin)

    with recorded_round_trips() as trips, pytest.raises(AlreadyClaimed):
        await world.flowpilot.handoffs.claim(world.acme.adam, case.handoff.id)

    assert 1 == len(trips)


async def test_who_escalated_it_hears_why_in_the_same_trip(world: World) -> None:
    case = await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips, pytest.raises(OwnHandoff):
        await world.flowpilot.handoffs.claim(world.acme.anna, case.handoff.id)

    assert 1 == len(trips)


async def test_claiming_under_a_key_takes_two_and_locks_the_log_in_the_last(world: World) -> None:
    case = await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.claim(world.acme.ben, case.handoff.id, request=world.keyed("claim"))

    assert [
        ("begin", "enter account, locking key", "kept answer", "claim", "handoff in detail"),
        ("keep answer", "log event", "watch claim", "tell webhooks", "note on ticket", "commit"),
    ] == trips


async def test_the_queue_takes_one(world: World) -> None:
    await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.queue(world.acme.ben, QueueFilter(), after=None, limit=50)

    assert [("enter account, reading as planned", "queue")] == trips


async def test_the_sessions_of_a_person_take_one_and_are_planned_once_however_many_there_are(world: World) -> None:
    """With ten thousand of them, planning for each reader anew took longer than reading."""
    await a_session(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips:
        found, _ = await world.flowpilot.sessions.list(
            world.acme.anna, SessionFilter(assignee_id=world.acme.anna.user_id), after=None, limit=50
        )

    assert 1 == len(found)
    assert [
        (
            "begin reading",
            "enter account, reading as planned",
            "sessions of assignee",
            "branches of sessions of assignee",
            "commit",
        )
    ] == trips


PLANS = Statement("plans", "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE starts_with(name, 'queue_')")


async def test_the_queue_is_planned_once_however_often_it_is_read(database: PostgresDatabase) -> None:
    storage, connection = Database(database.app, pool_size=1), await Connection.connect(database.app, autocommit=True)
    staff = await a_staff().kept(storage.begin)
    enter, page = ENTER_PLANNED(account_id=staff.account_id), queue_call(staff.account_id, QueueFilter(), after=None, limit=50)

    for _ in range(20):
        await connection.round_trip([enter, page])
    (plans,) = await connection.round_trip([PLANS()])
    await connection.close()
    await storage.close()

    assert [(20, 0)] == plans.rows


async def test_who_comes_second_under_a_key_writes_nothing_down(world: World) -> None:
    """What follows from a claim is for whoever was first."""
    asked: list[Cause] = []

    async def follow(_: UnitOfWork, cause: Cause) -> None:
        asked.append(cause)

    units = Units(begin=world.storage.begin, committed=lambda _: None, new_id=new_id, reactions=(follow,))
    handoffs = Handoffs(units=units, view=world.storage.view, clock=SetClock(), new_id=new_id)
    case = await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    await handoffs.claim(world.acme.ben, case.handoff.id, request=world.keyed("first"))
    with pytest.raises(AlreadyClaimed):
        await handoffs.claim(world.acme.adam, case.handoff.id, request=world.keyed("second"))

    assert [EventKind.HANDOFF_CLAIMED] == [cause.kind for cause in asked]


async def test_a_session_takes_one(world: World) -> None:
    case = await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.sessions.get(world.acme.ben, case.id)

    assert 1 == len(trips)


async def test_a_handoff_and_its_snapshot_take_one_each(world: World) -> None:
    case = await an_escalation(by=world.acme.anna).kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.handoffs.get(world.acme.ben, case.handoff.id)
        await world.flowpilot.handoffs.snapshot(world.acme.ben, case.handoff.id, verify=True)

    assert 2 == len(trips)


async def test_adding_a_step_takes_two_and_reads_no_other_step(world: World) -> None:
    case = await a_session(by=world.acme.anna).step().kept(world.storage.begin)

    with recorded_round_trips() as trips:
        await world.flowpilot.sessions.add_step(world.acme.anna, case.id, kind=StepKind.NOTE, content="it blinks")

    assert [
        ("begin", "enter account", "session", "branches"),
        ("save session", "add step", "index for search", "log event", "commit"),
    ] == trips
