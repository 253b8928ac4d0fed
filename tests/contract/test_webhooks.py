"""Webhooks from end to end: an escalation in Postgres, the relay, and a receiver on this machine that checks what it gets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from attrs import evolve, frozen
from standardwebhooks import Webhook as Verifier

from flowpilot_adapters.outgoing import guarded_client
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.flowpilot import FlowPilot, reactions
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.notifications.policy_steps import CAUSE
from flowpilot_core.application.notifications.webhooks import Shown
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId, MaintenanceRunId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.maintenance.run import Run
from flowpilot_core.domain.maintenance.schedule import Target
from flowpilot_core.domain.notifications.delivery import Channel, DeliveryKind
from flowpilot_core.domain.notifications.webhook import WebhookFormat, WebhookMessage
from flowpilot_core.domain.notifications.webhook_formats import DEEDS, WebhookFacts, rendered
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import NOON, Staff, a_staff
from flowpilot_core.testing.contracts.maintenance.maintenance import a_schedule
from flowpilot_http.metrics import Metrics
from tests.support.postgres import PostgresDatabase
from tests.support.product import a_product
from tests.support.webhooks import KEY, Receiver, calling

pytestmark = pytest.mark.anyio

MANY = 20
"""Messages: more than a relay sends at once."""
LONGEST_WAIT = 60
"""Seconds until what never comes counts as that; no test waits for them to pass."""
ESCALATED = frozenset({EventKind.HANDOFF_ESCALATED})


@frozen(kw_only=True)
class Shop:
    """The product over one database, with a relay for webhooks."""

    flowpilot: FlowPilot
    relay: Relay
    acme: Staff
    globex: Staff
    database: Database
    metrics: Metrics

    async def hooked(
        self, receiver: Receiver, *, staff: Staff | None = None, kinds: frozenset[EventKind] = ESCALATED, **more: Any
    ) -> Shown:
        return await self.flowpilot.webhooks.add((staff or self.acme).olga, url=receiver.url, kinds=kinds, name="Chat", **more)

    async def escalated(self, staff: Staff | None = None, *, title: str = "VPN down", priority: Priority = Priority.HIGH) -> HandoffId:
        by = (staff or self.acme).anna
        session = await self.flowpilot.sessions.start(by, title=title, problem="x", client_name="Contoso", priority=priority)
        handed = await self.flowpilot.handoffs.hand_off(by, session.session.id, intent=Intent.ESCALATE, reason="Stuck")
        return handed.handoff.id

    async def reminded(self, handoff_id: HandoffId, *channels: Channel) -> None:
        """What a step of a policy leaves behind that tells over these channels."""
        units = Units(begin=self.database.begin, committed=lambda _: None, new_id=new_id, reactions=reactions(new_id))
        by = System(account_id=self.acme.account_id, cause=CAUSE)

        async def unit(work: UnitOfWork) -> None:
            handoff = await work.handoffs.get(handoff_id)
            await units.record(work, handoff.reminded(1, 0, channels, by=by, at=SystemClock().now()))

        await units.run(by, unit)

    async def done(self) -> None:
        """Whatever is due is done, until nothing is."""
        while await self.relay.run_once():
            pass

    async def log(self, shown: Shown, staff: Staff | None = None) -> list[WebhookMessage]:
        return list(await self.flowpilot.webhooks.messages((staff or self.acme).olga, shown.webhook.id, before=None, limit=100))


@pytest.fixture
async def shop(own_database: PostgresDatabase) -> AsyncIterator[Shop]:
    storage, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    vault = AesGcmVault([KEY])
    clock, metrics = SystemClock(), Metrics()
    async with guarded_client(allow_private=True, longest=timedelta(seconds=5)) as client:
        yield Shop(
            flowpilot=a_product(storage, clock=clock, vault=vault, tell=False, assess=False),
            relay=calling(storage.begin, outbox, client, vault, settled=metrics.delivery),
            acme=await a_staff("Acme").kept(storage.begin),
            globex=await a_staff("Globex").kept(storage.begin),
            database=storage,
            metrics=metrics,
        )
    await storage.close()
    await outbox.close()


@pytest.mark.parametrize(
    "head",
    [
        b"content-type: text/plain; charset=undefined",
        b"content-type: text/plain; charset=idna",
        b"content-type: text/plain; charset=punycode",
        b"content-type: text/plain; charset=\xff",
        b"retry-after: Mon, 01 Jan 2024 00:00:00 +99999999999999999",
        b"retry-after: " + b"9" * 5_000,
        b"retry-after: \xd9\xa3",
        b"location: https://xn--/",
        b"set-cookie: \xff=\xff",
    ],
)
async def test_a_receiver_that_accepts_a_message_has_it_once_whatever_else_it_says(shop: Shop, head: bytes) -> None:
    """P4: nothing of an answer that is not needed undoes it."""
    async with Receiver([b"200 OK\r\n" + head + b"\r\n"]).running() as receiver:
        shown = await shop.hooked(receiver)
        await shop.escalated()

        await shop.done()

        assert [(DeliveryState.SENT, 1)] == [(one.state, one.attempts) for one in await shop.log(shown)]
    assert 1 == len(receiver.requests)


async def test_a_webhook_is_told_of_an_escalation_in_a_message_that_its_receiver_can_trust(shop: Shop) -> None:
    async with Receiver().running() as receiver:
        shown = await shop.hooked(receiver)
        handoff_id = await shop.escalated(title="VPN down, password: Winter!2031")

        await shop.done()

    ((headers, body),) = receiver.requests
    told = Verifier(shown.secret or "").verify(body, headers)
    (message,) = await shop.log(shown)
    (delivery,) = await shop.flowpilot.deliveries.of(shop.acme.ben, handoff_id, after=None, limit=10)
    assert ("handoff.escalated", str(handoff_id)) == (told["type"], told["data"]["handoff_id"])
    assert {"id": str(shop.acme.anna.user_id), "name": shop.acme.anna.name} == told["data"]["by"]
    assert f"https://flowpilot.example/escalations/{handoff_id}?account={shop.acme.account_id}" == told["data"]["link"]
    assert "Winter" not in body
    assert f"msg_{message.id.hex}" == headers["webhook-id"]
    assert (DeliveryState.SENT, 200, "said", body) == (message.state, message.status, message.response, message.request)
    assert (str(message.id), None, Channel.WEBHOOK) == (str(delivery.id), delivery.user_id, delivery.channel)
    assert DeliveryState.SENT is delivery.state


async def test_a_step_of_a_policy_tells_the_chat_that_it_names_and_whoever_asked_for_reminders(shop: Shop) -> None:
    async with Receiver().running() as chat, Receiver().running() as asked, Receiver().running() as other:
        await shop.hooked(chat, format=WebhookFormat.SLACK)
        await shop.hooked(asked, kinds=frozenset({EventKind.HANDOFF_REMINDED}))
        await shop.hooked(other)
        handoff_id = await shop.escalated()
        await shop.done()
        await shop.reminded(handoff_id, Channel.SLACK)

        await shop.done()

    deliveries = await shop.flowpilot.deliveries.of(shop.acme.ben, handoff_id, after=None, limit=10)
    reminders = sorted(one.channel for one in deliveries if one.kind is DeliveryKind.REMINDER and one.state is DeliveryState.SENT)
    assert [Channel.SLACK, Channel.WEBHOOK] == reminders
    assert ["handoff.reminded"] == [body["type"] for body in asked.bodies()]
    assert "FlowPilot says it is still waiting for a colleague" in chat.requests[-1][1]
    assert ["handoff.escalated"] == [body["type"] for body in other.bodies()]


async def test_a_claim_in_one_trip_is_told_too(shop: Shop) -> None:
    async with Receiver().running() as receiver:
        await shop.hooked(receiver, kinds=frozenset({EventKind.HANDOFF_CLAIMED}))
        handoff_id = await shop.escalated()
        await shop.flowpilot.handoffs.claim(shop.acme.ben, handoff_id)

        await shop.done()

    (told,) = receiver.bodies()
    assert ("handoff.claimed", shop.acme.ben.name) == (told["type"], told["data"]["by"]["name"])


async def test_what_is_refused_for_now_is_tried_again_under_the_same_id(shop: Shop) -> None:
    async with Receiver([b"503 Busy\r\n", b"429 Slow\r\nretry-after: 0\r\n"]).running() as receiver:
        shown = await shop.hooked(receiver)
        await shop.escalated()

        await shop.done()

    (message,) = await shop.log(shown)
    assert (DeliveryState.SENT, 3, None) == (message.state, message.attempts, message.last_error)
    assert 1 == len({headers["webhook-id"] for headers, _ in receiver.requests})


async def test_every_attempt_is_counted_by_its_channel_and_logged_with_its_handoff(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    async with Receiver([b"503 Busy\r\n"]).running() as receiver:
        await shop.hooked(receiver, format=WebhookFormat.SLACK)
        handoff_id = await shop.escalated()

        with caplog.at_level("INFO", logger="flowpilot.webhooks"):
            await shop.done()

    text = shop.metrics.text().decode()
    for state in ("failed", "sent"):
        assert f'flowpilot_delivery_attempts_total{{channel="slack",state="{state}"}} 1.0' in text
    assert 'flowpilot_delivery_seconds_count{channel="slack"} 1.0' in text
    lines = [vars(record) for record in caplog.records if record.message == "webhook attempt"]
    assert [("failed", str(handoff_id)), ("sent", str(handoff_id))] == [(line["state"], line["handoff_id"]) for line in lines]


async def test_a_receiver_that_asks_for_time_gets_it(shop: Shop) -> None:
    async with Receiver([b"429 Slow\r\nretry-after: 600\r\n"]).running() as receiver:
        shown = await shop.hooked(receiver)
        await shop.escalated()

        await shop.done()

    (message,) = await shop.log(shown)
    assert (DeliveryState.FAILED, 1, 429) == (message.state, message.attempts, message.status)


@pytest.mark.parametrize("answer", [b"400 Bad\r\n", b"404 None\r\n", b"302 Found\r\nlocation: https://elsewhere.example/\r\n"])
async def test_what_will_never_be_taken_is_dead_at_once_and_can_be_sent_again(shop: Shop, answer: bytes) -> None:
    async with Receiver([answer]).running() as receiver:
        shown = await shop.hooked(receiver)
        handoff_id = await shop.escalated()
        await shop.done()
        (dead,) = await shop.log(shown)
        assert (DeliveryState.DEAD, 1) == (dead.state, dead.attempts)

        await shop.flowpilot.deliveries.retry(shop.acme.adam, handoff_id, (await _only_delivery(shop, handoff_id)).id)
        await shop.done()
        await shop.flowpilot.webhooks.replay(shop.acme.olga, shown.webhook.id, dead.id)
        with pytest.raises(InvalidTransition):
            await shop.flowpilot.webhooks.replay(shop.acme.olga, shown.webhook.id, dead.id)
        await shop.done()

    (message,) = await shop.log(shown)
    assert DeliveryState.SENT is message.state
    assert DeliveryState.SENT is (await _only_delivery(shop, handoff_id)).state
    assert [f"msg_{dead.id.hex}"] * 3 == [headers["webhook-id"] for headers, _ in receiver.requests]


async def test_a_webhook_that_is_gone_is_switched_off(shop: Shop) -> None:
    async with Receiver([b"410 Gone\r\n"]).running() as receiver:
        shown = await shop.hooked(receiver)
        for _ in range(2):
            await shop.escalated()
            await shop.done()

    (webhook,) = await shop.flowpilot.webhooks.list(shop.acme.olga)
    (message,) = await shop.log(shown)
    assert (1, DeliveryState.DEAD) == (len(receiver.requests), message.state)
    assert "410" in (webhook.off_reason or "")


async def test_nobody_is_told_of_an_escalation_that_was_withdrawn_meanwhile(shop: Shop) -> None:
    async with Receiver().running() as receiver:
        shown = await shop.hooked(receiver)
        handoff_id = await shop.escalated()
        await shop.flowpilot.handoffs.withdraw(shop.acme.anna, handoff_id)

        await shop.done()

    (message,) = await shop.log(shown)
    assert ([], DeliveryState.SUPPRESSED, "the handoff is withdrawn") == (receiver.requests, message.state, message.reason)


async def test_nobody_is_told_of_anything_in_an_account_that_was_closed_meanwhile(shop: Shop) -> None:
    """F49"""
    async with Receiver().running() as receiver:
        shown = await shop.hooked(receiver)
        await shop.escalated()
        await shop.flowpilot.accounts.close(shop.acme.account_id)

        await shop.done()

    (message,) = await shop.log(shown)
    assert (DeliveryState.SUPPRESSED, "the account is closed") == (message.state, message.reason)
    assert [] == receiver.requests


async def test_no_receiver_hears_of_another_account(shop: Shop) -> None:
    async with Receiver().running() as acmes, Receiver().running() as theirs:
        await shop.hooked(acmes)
        await shop.hooked(theirs, staff=shop.globex)
        handoff_id = await shop.escalated(shop.globex, title="canary")

        await shop.done()

    assert [] == acmes.requests
    assert [str(handoff_id)] == [told["data"]["handoff_id"] for told in theirs.bodies()]


async def test_a_receiver_that_is_down_delays_no_other(shop: Shop) -> None:
    async with Receiver().running() as down:
        await shop.hooked(down)
    async with Receiver().running() as up:
        await shop.hooked(up)
        await shop.escalated()
        await shop.relay.run_once()
        await shop.relay.run_once()

        assert 1 == len(up.requests)


async def test_a_receiver_that_hangs_delays_no_other(shop: Shop) -> None:
    answering = asyncio.Event()
    async with Receiver(answering=answering).running() as slow, Receiver().running() as quick, anyio.create_task_group() as tasks:
        await shop.hooked(slow)
        await shop.hooked(quick)
        await shop.escalated()
        tasks.start_soon(shop.done)

        async with asyncio.timeout(LONGEST_WAIT):
            await slow.asked.wait()
            await quick.asked.wait()
        answering.set()

    assert (1, 1) == (len(slow.requests), len(quick.requests))


async def test_many_messages_to_a_receiver_that_hangs_keep_no_others_back(shop: Shop) -> None:
    """A59: it holds one place, and another account's receiver hears at once of what is escalated meanwhile."""
    answering, stop = asyncio.Event(), asyncio.Event()
    async with Receiver(answering=answering).running() as slow, Receiver().running() as quick, anyio.create_task_group() as tasks:
        hanging = await shop.hooked(slow)
        for number in range(MANY):
            await shop.escalated(title=f"VPN {number} down")

        async def states() -> list[DeliveryState]:
            return [message.state for message in await shop.log(hanging)]

        tasks.start_soon(shop.relay.run, stop)
        async with asyncio.timeout(LONGEST_WAIT):
            await slow.asked.wait()
            await shop.hooked(quick, staff=shop.globex)
            await shop.escalated(shop.globex)
            await quick.asked.wait()
            on_their_way = (await states()).count(DeliveryState.SENDING)
            answering.set()
            while {DeliveryState.SENT} != set(await states()):
                await checkpoint()
        stop.set()

    assert 1 == on_their_way
    assert [1] * MANY == [message.attempts for message in await shop.log(hanging)]


async def test_receivers_that_hang_keep_back_neither_the_next_of_their_account_nor_anothers(shop: Shop) -> None:
    """A59: six of one account, each with more to be told than it takes."""
    answering, stop = asyncio.Event(), asyncio.Event()
    async with Receiver(answering=answering).running() as slow, Receiver().running() as quick, Receiver().running() as other:
        for _ in range(6):
            await shop.hooked(slow)
        for _ in range(3):
            await shop.escalated()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shop.relay.run, stop)
            async with asyncio.timeout(LONGEST_WAIT):
                while len(slow.requests) < 6:
                    await checkpoint()
                await shop.hooked(quick)
                await shop.hooked(other, staff=shop.globex)
                await shop.escalated()
                await shop.escalated(shop.globex)
                await quick.asked.wait()
                await other.asked.wait()
            held = len(slow.requests)
            answering.set()
            stop.set()

    assert 6 == held


async def test_while_a_secret_is_changed_both_are_good(shop: Shop) -> None:
    async with Receiver().running() as receiver:
        old = await shop.hooked(receiver)
        new = await shop.flowpilot.webhooks.renew_secret(shop.acme.olga, old.webhook.id)
        await shop.escalated()
        await shop.done()
        async with shop.database.begin(shop.acme.account_id) as work:
            await work.webhooks.save(evolve(new.webhook, previous_until=NOON))
            await work.commit()
        await shop.escalated()
        await shop.done()

    (while_changing, later) = receiver.requests
    for secret in (old.secret, new.secret):
        Verifier(secret or "").verify(while_changing[1], while_changing[0])
    Verifier(new.secret or "").verify(later[1], later[0])
    assert 1 == len(later[0]["webhook-signature"].split())


async def test_a_late_claim_silences_no_pager_that_rings_again(shop: Shop) -> None:
    kinds = frozenset({EventKind.HANDOFF_CLAIMED, EventKind.HANDOFF_UNCLAIMED})
    async with Receiver([b"503 Busy\r\nretry-after: 0\r\n"]).running() as receiver:
        shown = await shop.hooked(receiver, kinds=kinds, format=WebhookFormat.GOALERT)
        handoff_id = await shop.escalated()
        await shop.flowpilot.handoffs.claim(shop.acme.ben, handoff_id)
        await shop.flowpilot.handoffs.unclaim(shop.acme.ben, handoff_id)

        await shop.done()

    states = {message.kind: message.state for message in await shop.log(shown)}
    assert {EventKind.HANDOFF_CLAIMED: DeliveryState.SUPPRESSED, EventKind.HANDOFF_UNCLAIMED: DeliveryState.SENT} == states


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kinds": frozenset({EventKind.HANDOFF_ASSESSED}), "format": WebhookFormat.GOALERT}, "kinds"),
        ({"kinds": frozenset({EventKind.SESSION_PARKED})}, "kinds"),
        ({"kinds": frozenset[EventKind]()}, "kinds"),
        ({"format": WebhookFormat.PAGERDUTY}, "routing_key"),
        ({"format": WebhookFormat.PAGERDUTY, "routing_key": 'a"b'}, "routing_key"),
        ({"routing_key": "abc"}, "routing_key"),
    ],
)
async def test_what_no_receiver_can_make_sense_of_is_refused(shop: Shop, more: dict[str, Any], field: str) -> None:
    receiver = Receiver()
    receiver.url = "https://hooks.example/x"

    with pytest.raises(InvalidValue) as refused:
        await shop.hooked(receiver, **more)

    assert field == refused.value.field


async def test_a_test_says_that_it_is_one(shop: Shop) -> None:
    async with Receiver().running() as receiver:
        shown = await shop.hooked(receiver)
        await shop.flowpilot.webhooks.test(shop.acme.adam, shown.webhook.id)

        await shop.done()

    (told,) = receiver.bodies()
    assert "webhook.test" == told["type"]


async def test_that_it_was_resolved_is_told_with_the_priority_it_was_escalated_with(shop: Shop) -> None:
    async with Receiver().running() as receiver:
        await shop.hooked(receiver, kinds=frozenset({EventKind.SESSION_RESOLVED}))
        handoff_id = await shop.escalated(priority=Priority.URGENT)
        claimed = await shop.flowpilot.handoffs.claim(shop.acme.ben, handoff_id)
        await shop.flowpilot.sessions.resolve(shop.acme.ben, claimed.handoff.session_id, summary="Renewed the certificate")

        await shop.done()

    (told,) = receiver.bodies()
    assert ("session.resolved", "urgent") == (told["type"], told["data"]["priority"])


async def test_neither_address_nor_secret_is_kept_in_the_open(shop: Shop, own_database: PostgresDatabase) -> None:
    async with Receiver().running() as receiver:
        shown = await shop.hooked(receiver, format=WebhookFormat.PAGERDUTY, routing_key="R0UT1NGKEY")
        await shop.escalated()
        await shop.done()

    (told,) = receiver.bodies()
    tables = ("webhook", "webhook_message", "secret", "delivery", "event")
    kept = "".join(str(own_database.do(f"SELECT {table}::text FROM flowpilot.{table}")) for table in tables)
    assert "R0UT1NGKEY" == told["routing_key"]
    assert not [secret for secret in ("R0UT1NGKEY", "s3cr3t", shown.secret or "") if secret in kept]


def _told(kind: EventKind | None = EventKind.HANDOFF_ESCALATED, **more: Any) -> WebhookFacts:
    told = WebhookFacts(
        event_id=None,
        kind=kind,
        at=NOON,
        by_id=None,
        by_name="Anna",
        session_id=None,
        handoff_id=None,
        title="Contoso: VPN down",
        priority=Priority.URGENT,
        link="https://flowpilot.example/handoffs/1",
        routing_key="key",
    )
    return evolve(told, **more)


BODIES: dict[WebhookFormat, Callable[[Any], object]] = {
    WebhookFormat.SLACK: lambda body: body["blocks"][0]["text"]["text"],
    WebhookFormat.TEAMS: lambda body: [block["text"] for block in body["attachments"][0]["content"]["body"]],
    WebhookFormat.PAGERDUTY: lambda body: (body["event_action"], body["payload"]["severity"], body["payload"]["summary"]),
    WebhookFormat.GOALERT: lambda body: (body["summary"], body.get("action")),
}


def test_in_slack_no_name_and_no_address_that_somebody_wrote_comes_alive() -> None:
    """A47: nor does anything turn what stands beside it round."""
    told = _told(title="@channel #general https://evil.example \u202ereversed\n\x1b[2J <!here>", by_name="A\u200bnna")

    body: Any = rendered(told, WebhookFormat.SLACK)

    assert body["blocks"][0]["text"]["verbatim"]
    assert "[urgent] @channel #general https://evil.example reversed [2J &lt;!here&gt;" == body["text"]
    assert "\nAnna is stuck and needs a colleague.\n" in body["blocks"][0]["text"]["text"]


@pytest.mark.parametrize(
    ("format", "said"),
    [
        (
            WebhookFormat.SLACK,
            "*[urgent] Contoso: VPN down*\nAnna is stuck and needs a colleague.\n"
            "<https://flowpilot.example/handoffs/1|Open it in FlowPilot>",
        ),
        (WebhookFormat.TEAMS, ["\\[urgent\\] Contoso: VPN down", "Anna is stuck and needs a colleague."]),
        (WebhookFormat.PAGERDUTY, ("trigger", "critical", "Contoso: VPN down: Anna is stuck and needs a colleague.")),
        (WebhookFormat.GOALERT, ("[urgent] Contoso: VPN down", None)),
    ],
)
def test_each_receiver_is_told_in_its_own_words(format: WebhookFormat, said: object) -> None:
    assert said == BODIES[format](rendered(_told(), format))


@pytest.mark.parametrize(
    ("kind", "pagerduty", "goalert"),
    [
        (EventKind.HANDOFF_LAPSED, "trigger", None),
        (EventKind.HANDOFF_REMINDED, "trigger", None),
        (EventKind.HANDOFF_CLAIMED, "resolve", "close"),
        (EventKind.HANDOFF_WITHDRAWN, "resolve", "close"),
        (EventKind.SESSION_RESOLVED, "resolve", "close"),
        (None, "resolve", "close"),
    ],
)
def test_a_pager_falls_silent_once_somebody_has_it_and_a_test_rings_nobody(
    kind: EventKind | None, pagerduty: str, goalert: str | None
) -> None:
    first, later = (rendered(_told(which), WebhookFormat.PAGERDUTY) for which in (EventKind.HANDOFF_ESCALATED, kind))
    closing = rendered(_told(kind), WebhookFormat.GOALERT)

    assert isinstance(first, dict)
    assert isinstance(later, dict)
    assert isinstance(closing, dict)
    assert (pagerduty, goalert) == (later["event_action"], closing.get("action"))
    assert first["dedup_key"] == later["dedup_key"]


@pytest.mark.parametrize("title", ["<!channel> <https://evil.example|click>", "[click](https://evil.example) ![x](https://evil.example/x)"])
def test_no_title_mentions_or_links_anything(title: str) -> None:
    """A40: in a chat."""
    slack = json.dumps(rendered(_told(title=title), WebhookFormat.SLACK))
    teams = json.dumps(rendered(_told(title=title), WebhookFormat.TEAMS))

    assert "<!channel>" not in slack
    assert "<https://evil" not in slack
    assert "](https://evil" not in teams


def test_every_kind_of_event_can_be_said() -> None:
    for format in WebhookFormat:
        for kind in DEEDS:
            assert json.dumps(rendered(_told(kind), format))


async def _only_delivery(shop: Shop, handoff_id: HandoffId) -> Any:
    (delivery,) = await shop.flowpilot.deliveries.of(shop.acme.ben, handoff_id, after=None, limit=10)
    return delivery


async def test_a_chat_waits_for_the_end_of_a_quiet_window_and_is_told_once_of_what_is_open_then(
    shop: Shop, own_database: PostgresDatabase
) -> None:
    target = Target(label="srv-01", client_name="Contoso")
    schedule = a_schedule(shop.acme, targets=(target,))
    run = Run.of(schedule, MaintenanceRunId(new_id()), SystemClock().now(), at=SystemClock().now())
    async with shop.database.begin(shop.acme.account_id) as work:
        await work.maintenance.add(schedule)
        await work.maintenance.add_run(run)
        await work.commit()

    async with Receiver().running() as receiver:
        shown = await shop.hooked(receiver, format=WebhookFormat.SLACK)
        await shop.escalated()
        await shop.escalated(title="Server down", priority=Priority.URGENT)
        await shop.done()
        during = sorted((one.state, one.reason) for one in await shop.log(shown))
        async with shop.database.begin(shop.acme.account_id) as work:
            await work.maintenance.save_run(run.finished().closed())
            await work.commit()
        own_database.do("UPDATE flowpilot.due_work SET due_at = now()")
        await shop.done()

    assert [(DeliveryState.PENDING, "maintenance"), (DeliveryState.SENT, None)] == during
    assert [DeliveryState.SENT] * 2 == [one.state for one in await shop.log(shown)]
    assert 2 == len(receiver.requests)
