"""kill -9 of whoever tells webhooks, at every step: each hears of each event, and again only where nobody could know that it had."""

import asyncio
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.testing.builders import Staff, a_staff
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults
from tests.support import processes
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim
from tests.support.product import a_product
from tests.support.psa.posting import NO_CERTIFICATES
from tests.support.webhooks import KEY, Receiver, calling

pytestmark = pytest.mark.anyio

ON_ITS_WAY = "webhook.call: after"
"""The first moment at which a message has gone and nobody has written it down."""
WRITTEN_DOWN = "commit (3): after"
"""The first at which somebody has: after the messages were made, and one was taken."""


@pytest.fixture
async def adapter(own_database: PostgresDatabase) -> AsyncIterator[Adapter]:
    store, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    yield Adapter(begin=store.begin, view=store.view, outbox=outbox)
    await outbox.close()
    await store.close()


def product(adapter: Adapter) -> FlowPilot:
    """The use cases that tell nobody but webhooks."""
    return a_product(adapter, vault=AesGcmVault([KEY]), tell=False, assess=False)


async def escalated(adapter: Adapter, receiver: Receiver) -> tuple[Staff, HandoffId]:
    """An escalation in an account of its own, which this receiver is to hear of."""
    staff, flowpilot = await a_staff().kept(adapter.begin), product(adapter)
    await flowpilot.webhooks.add(staff.olga, url=receiver.url, kinds=frozenset({EventKind.HANDOFF_ESCALATED}), name="Chat")
    session = await flowpilot.sessions.start(staff.anna, title="VPN down", problem="x")
    done = await flowpilot.handoffs.hand_off(staff.anna, session.session.id, intent=Intent.ESCALATE, reason="Stuck")
    return staff, done.handoff.id


async def told(adapter: Adapter, faults: Faults | None = None) -> None:
    """Somebody tells webhooks all they are to be told."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        relay = calling(adapter.begin, adapter.outbox, client, AesGcmVault([KEY]), faults)
        while await relay.run_once():
            pass


async def test_at_every_step_every_webhook_is_told_and_twice_only_where_nobody_could_know(
    own_database: PostgresDatabase, adapter: Adapter
) -> None:
    """F16: each point once, each in a process of its own; a repeat has the id of the first."""
    async with Receiver().running() as receiver:
        passing = Faults()
        await escalated(adapter, receiver)
        await told(adapter, passing)
        assert [ON_ITS_WAY, WRITTEN_DOWN] == [point for point in passing.seen if point in (ON_ITS_WAY, WRITTEN_DOWN)]
        # But for the first, the moment before a call is the one after the call before it.
        first, *rest = passing.seen[: passing.seen.index(WRITTEN_DOWN) + 1]
        repeated = False

        for point in [first, *(point for point in rest if point.endswith("after"))]:
            repeated = (repeated or point == ON_ITS_WAY) and point != WRITTEN_DOWN
            receiver.requests.clear()
            staff, handoff_id = await escalated(adapter, receiver)
            victim = Victim.of(processes.call, own_database.app, own_database.relay, point)
            assert -signal.SIGKILL == await asyncio.to_thread(victim.ended), point
            own_database.do("UPDATE flowpilot.due_work SET lease_until = now() WHERE lease_until IS NOT NULL")
            await told(adapter)

            assert [str(handoff_id)] * (2 if repeated else 1) == [body["data"]["handoff_id"] for body in receiver.bodies()], point
            (webhook,) = await product(adapter).webhooks.list(staff.olga)
            (message,) = await product(adapter).webhooks.messages(staff.olga, webhook.id, before=None, limit=10)
            assert DeliveryState.SENT is message.state, point
            assert {f"msg_{message.id.hex}"} == {headers["webhook-id"] for headers, _ in receiver.requests}, point
