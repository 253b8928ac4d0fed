"""Waking the relay says nothing to anybody: not what happened, and not to whom."""

from random import random

import pytest

from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.links import Links
from flowpilot_core.application.notifications import SendDelivery
from flowpilot_core.application.relay import Relay
from flowpilot_core.domain.handoff import Intent
from flowpilot_core.domain.identifiers import AccountId
from flowpilot_core.domain.step import StepKind
from flowpilot_core.domain.text import EVIDENCE
from flowpilot_core.ports.outbox import WorkKind
from flowpilot_core.testing.builders import a_staff
from flowpilot_core.testing.redaction import as_it_is
from tests.support.postgres import PostgresDatabase, PostgresServer

LARGEST_NOTIFICATION = 8_000
"""Bytes of payload that PostgreSQL takes; a larger one fails its statement, and with it an escalation that made it."""


@pytest.mark.anyio
async def test_a_handoff_larger_than_any_notification_is_told_of_and_the_server_hears_of_no_wake_up(
    own_database: PostgresDatabase, postgres: PostgresServer
) -> None:
    """F41, A21: all that the server was asked is in its log, and none of it could wake, or be heard by, anybody of another account."""
    log = postgres.server.data_dir / "server.log"
    own_database.do(f"ALTER DATABASE {own_database.name} SET log_statement = 'all'")
    said_before = log.stat().st_size
    storage, outbox, notifier, clock = Database(own_database.app), SqlOutbox(own_database.relay), MemoryNotifier(), SystemClock()
    woken: list[AccountId] = []
    flowpilot = FlowPilot.of(
        begin=storage.begin,
        view=storage.view,
        clock=clock,
        new_id=new_id,
        new_secret=new_secret,
        committed=woken.append,
    )
    sending = SendDelivery(
        begin=storage.begin,
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
    await flowpilot.handoffs.claim(staff.ben, escalated.handoff.id)
    await storage.close()
    await outbox.close()
    asked = log.read_bytes()[said_before:].decode(errors="replace").lower()

    assert EVIDENCE > LARGEST_NOTIFICATION
    assert [staff.account_id] * 4 == woken
    assert escalated.told.people == len(notifier.messages)
    assert "insert into flowpilot.handoff_snapshot" in asked
    assert not [word for word in ("notify", "listen") if word in asked]
