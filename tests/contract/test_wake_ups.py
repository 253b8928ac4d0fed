"""Waking others says nothing to anybody: not what happened, and not to whom; and it costs no commit anything."""

import re
from random import random

import psycopg
import pytest

from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_adapters.push import PostgresEventStream
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.text import EVIDENCE
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.builders import a_staff
from flowpilot_core.testing.redaction import as_it_is
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.product import a_product

LONGEST_WAIT = 60
LARGEST_NOTIFICATION = 8_000
"""Bytes of payload that PostgreSQL takes; a larger one fails its statement, and with it an escalation that made it."""


@pytest.mark.anyio
async def test_a_handoff_larger_than_any_notification_wakes_others_with_an_id_after_its_commit(
    own_database: PostgresDatabase, postgres: PostgresServer
) -> None:
    """F41, F42, A21: every role hears every wake-up, and learns an id from it; it is sent on a connection that does nothing else."""
    log = postgres.server.data_dir / "server.log"
    own_database.do(f"ALTER DATABASE {own_database.name} SET log_statement = 'all'")
    said_before = log.stat().st_size
    storage, outbox, notifier, clock = Database(own_database.app), SqlOutbox(own_database.relay), MemoryNotifier(), SystemClock()
    waking, woken = PostgresEventStream(own_database.app, jitter=random), list[AccountId]()

    def committed(account_id: AccountId) -> None:
        woken.append(account_id)
        waking.publish(account_id)

    flowpilot = a_product(storage, clock=clock, committed=committed)
    sending = SendDelivery(
        units=Units(begin=storage.begin, committed=lambda _: None, new_id=new_id),
        notifier=notifier,
        clock=clock,
        jitter=random,
        links=Links.of("https://fp.example", bytes(32)),
        redact=as_it_is,
        mail_domain="fp.example",
    )
    relay = Relay(outbox=outbox, begin=storage.begin, handlers={WorkKind.DELIVERY: sending}, jitter=random)
    staff = await a_staff().kept(storage.begin)

    started = await flowpilot.sessions.start(staff.anna, title="Printer offline", problem="It prints nothing.")
    session_id = started.session.id
    await flowpilot.sessions.add_step(staff.anna, session_id, kind=StepKind.ACTION, content="Traced it", evidence="x" * EVIDENCE)
    escalated = await flowpilot.handoffs.hand_off(staff.anna, session_id, intent=Intent.ESCALATE, reason="Out of ideas")
    await relay.run_once()
    async with await psycopg.AsyncConnection.connect(own_database.relay, autocommit=True) as stranger:
        await stranger.execute("LISTEN flowpilot_events")
        await flowpilot.handoffs.claim(staff.ben, escalated.handoff.id)
        payloads = [notification.payload async for notification in stranger.notifies(timeout=LONGEST_WAIT, stop_after=1)]
    await waking.close()
    await storage.close()
    await outbox.close()
    said = log.read_bytes()[said_before:].decode(errors="replace")
    asked: dict[str, list[str]] = {}
    for process, statement in re.findall(r"\[(\d+)\] LOG:  (?:statement|execute [^:]*): (.*)", said):
        asked.setdefault(process, []).append(statement)

    assert EVIDENCE > LARGEST_NOTIFICATION
    assert [staff.account_id] * 4 == woken
    assert escalated.told.people == len(notifier.messages)
    assert {staff.account_id.hex} == set(payloads)
    notifying = [statements for statements in asked.values() if any("pg_notify" in statement for statement in statements)]
    writing = [statements for statements in asked.values() if any("handoff_snapshot" in statement for statement in statements)]
    assert [{"SELECT pg_notify($1, $2)"}] == [set(statements) for statements in notifying]
    assert 1 == len(writing)
