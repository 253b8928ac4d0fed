"""Proposing goes wrong at every step, on memory and on Postgres: no resolution fails or waits for it, and the same is proposed once."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import anyio
import pytest
from attrs import frozen

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.knowledge.proposals import ProposalShown, ProposeTree
from flowpilot_core.application.relay.relay import MOST_TAKES, Relay
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId, TreeId
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.assistant import Clean, Redactor
from flowpilot_core.ports.relay import Lease, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import Staff, a_staff
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults, Pause, raising
from flowpilot_core.testing.redaction import AsItIs, as_it_is
from tests.support.postgres import PostgresDatabase
from tests.support.product import a_product
from tests.unit.knowledge.test_proposals import TREE

pytestmark = pytest.mark.anyio

AT_ONCE: Final = timedelta(0)
"""A lease that has run out as soon as it is had: whoever comes after a relay that died need not wait."""


class Broken(AsItIs):
    """Takes no secrets out of anything."""

    async def cleaned(self, _: AccountId, plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
        """Never."""
        raise Unavailable("redactor")


@frozen(kw_only=True)
class Office:
    """An account whose sessions teach something."""

    adapter: Adapter
    flowpilot: FlowPilot
    staff: Staff

    async def tree(self) -> TreeId:
        made = await self.flowpilot.trees.make(self.staff.anna, name="Printer offline", kind=TreeKind.TROUBLESHOOTING, content=TREE)
        tree_id = made.detail.listed.tree.id
        await self.flowpilot.trees.publish(self.staff.adam, tree_id)
        return tree_id

    async def left(self, tree_id: TreeId) -> SessionId:
        """A session that went on without the tree, and was resolved."""
        walks, anna = self.flowpilot.walks, self.staff.anna
        session = (await walks.start_session(anna, title="No mail", problem="Nothing arrives", tree_id=tree_id)).session
        await walks.leave(anna, session.id, reason="It is the cable")
        return await self.resolved(session.id)

    async def odd(self) -> SessionId:
        """One of those that are like each other and like no tree, resolved."""
        session = await self.flowpilot.sessions.start(self.staff.anna, title="Zwitscher gluckst", problem="Blubbernd gluckst er weiter")
        return await self.resolved(session.session.id)

    async def resolved(self, session_id: SessionId) -> SessionId:
        anna, sessions = self.staff.anna, self.flowpilot.sessions
        await sessions.add_step(anna, session_id, kind=StepKind.ACTION, content="Changed the cable")
        assert Status.RESOLVED is (await sessions.resolve(anna, session_id, summary="A new cable")).session.status
        return session_id

    async def leases(self) -> Sequence[Lease]:
        """What is to be looked at here."""
        leases = await self.adapter.outbox.take({WorkKind.TREE_PROPOSAL: 1_000}, lease_for=AT_ONCE)
        return [one for one in leases if one.account_id == self.staff.account_id]

    async def waiting(self) -> bool:
        """Whether there is something to be looked at."""
        return WorkKind.TREE_PROPOSAL in await self.adapter.outbox.lags()

    async def drained(self) -> None:
        """All that there is to look at is looked at: what a broken unit of work had locked stays so until its rollback has gone through."""
        with anyio.fail_after(60):
            while await self.waiting():
                for lease in await self.leases():
                    await self.handler().do(lease)

    async def proposed(self) -> Sequence[ProposalShown]:
        return await self.flowpilot.tree_proposals.list(self.staff.adam, None, after=None, limit=100)

    def handler(self, faults: Faults | None = None, redact: Redactor = as_it_is) -> ProposeTree:
        units = Units[UnitOfWork](begin=(faults or Faults()).begin(self.adapter.begin), committed=lambda _: None, new_id=new_id)
        return ProposeTree(units=units, view=self.adapter.view, redact=redact, clock=SystemClock(), new_id=new_id)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def adapter(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    if request.param == "memory":
        store = MemoryStore(clock=SystemClock(), new_token=new_id)
        yield Adapter(begin=store.begin, view=store.view, outbox=store.outbox)
        return
    urls: PostgresDatabase = request.getfixturevalue("own_database")
    database, outbox = Database(urls.app), SqlOutbox(urls.relay)
    try:
        yield Adapter(begin=database.begin, view=database.view, outbox=outbox)
    finally:
        await outbox.close()
        await database.close()


async def an_office(adapter: Adapter) -> Office:
    return Office(adapter=adapter, flowpilot=a_product(adapter, tell=False, assess=False), staff=await a_staff().kept(adapter.begin))


async def test_wherever_a_relay_dies_the_same_is_proposed_once(adapter: Adapter) -> None:
    """F56"""
    passing, office = Faults(), await an_office(adapter)
    session_id = await office.left(await office.tree())
    for lease in await office.leases():
        await office.handler(passing).do(lease)
    points = passing.seen
    assert {"due.holds: after", "tree_proposals.add: before", "due.finish: after", "commit: before", "commit: after"} <= set(points)
    assert [(session_id,)] == [tuple(one.id for one in shown.sessions) for shown in await office.proposed()]

    for point in points:
        faults, office = Faults(), await an_office(adapter)
        session_id = await office.left(await office.tree())
        faults.at(point, raising(RuntimeError("killed")))
        for lease in await office.leases():
            with pytest.raises(RuntimeError, match="killed"):
                await office.handler(faults).do(lease)
        await office.drained()

        assert [(session_id,)] == [tuple(one.id for one in shown.sessions) for shown in await office.proposed()], point


async def test_a_relay_that_slept_longer_than_its_lease_proposes_nothing(adapter: Adapter) -> None:
    """F56, F17"""
    office = await an_office(adapter)
    await office.left(await office.tree())
    (late,), (lease,) = await office.leases(), await office.leases()

    await office.handler().do(late)
    assert [] == await office.proposed()
    await office.handler().do(lease)
    await office.handler().do(lease)

    assert 1 == len(await office.proposed())


async def test_a_resolution_stands_where_nothing_can_be_proposed(adapter: Adapter) -> None:
    """F56: neither does it fail, nor does anything else wait; in the end it is given up."""
    office = await an_office(adapter)
    session_id = await office.left(await office.tree())
    broken: Mapping[WorkKind, ProposeTree] = {WorkKind.TREE_PROPOSAL: office.handler(redact=Broken())}
    relay = Relay(outbox=adapter.outbox, begin=adapter.begin, handlers=broken, jitter=lambda: 0.0)

    for _ in range(MOST_TAKES + 1):
        await relay.run_once()

    assert not await office.waiting()
    assert [] == await office.proposed()
    assert Status.RESOLVED is (await office.flowpilot.sessions.get(office.staff.anna, session_id)).session.status


@pytest.mark.parametrize("alike", [False, True], ids=["left", "alike"])
async def test_of_two_relays_that_learn_the_same_at_once_one_proposes(adapter: Adapter, *, alike: bool) -> None:
    """F56: and the other's session leads there too."""
    office, faults, pause = await an_office(adapter), Faults(), Pause()
    tree_id = await office.tree()
    known = [await office.odd() for _ in range(2)] if alike else []
    await office.drained()
    sessions = [await office.odd() if alike else await office.left(tree_id) for _ in range(2)]
    slow, fast = await office.leases()
    faults.at("tree_proposals.add: before", pause)

    late = asyncio.create_task(office.handler(faults).do(slow))
    await pause.reached.wait()
    await office.handler().do(fast)
    pause.go_on.set()
    await late

    assert [{*known, *sessions}] == [{one.id for one in shown.sessions} for shown in await office.proposed()]
