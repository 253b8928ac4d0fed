"""The relay, telling people by real SMTP what was committed, on memory and on Postgres (rows F15 to F20, F22 to F25)."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import anyio
import pytest
from attrs import define, evolve, field, frozen

from flowpilot_adapters.memory import MemoryNotifier, MemoryStore
from flowpilot_adapters.smtp import MailServer, SmtpNotifier
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.insights.search import IndexForSearch
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.relay.relay import MOST_AT_ONCE, MOST_TAKES, Relay
from flowpilot_core.domain.handoffs.handoff import HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId
from flowpilot_core.domain.kernel.sending import MOST_ATTEMPTS, DeliveryState
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.mail_rate import Pace
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.kernel import Clock, Jitter
from flowpilot_core.ports.notifications import Message, Notifier, NotSent
from flowpilot_core.ports.relay import Lease, Outbox, Work, WorkKind
from flowpilot_core.testing.builders import SetClock, Staff, a_staff
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults, Pause, raising
from flowpilot_core.testing.redaction import as_it_is
from flowpilot_http.main.relaying import MAIL_PLACES
from flowpilot_http.metrics import Metrics
from tests.support.mail_server import Fault, ScriptedServer
from tests.support.postgres import PostgresDatabase
from tests.support.product import a_product

pytestmark = pytest.mark.anyio

OLGA, ADAM, BEN = "olga@acme-it.example", "adam@acme-it.example", "ben@acme-it.example"
LINKS = Links.of("https://flowpilot.msp.example", bytes(32))
LONG = 3_600.0
UNBOUNDED = Pace(most=1_000_000)
TELEPORT = cast(WorkKind, "teleport")


def at_once() -> float:
    """Jitter that makes every pause none."""
    return 0.0


def as_late_as_can_be() -> float:
    """Jitter that makes every pause the longest."""
    return 1.0


@frozen
class VoidLeases:
    """An outbox whose leases have run out by the time anybody acts on them, as those of a relay that stood still too long."""

    outbox: Outbox

    async def take(
        self, room: Mapping[str, int], *, others: int = 0, holding: Collection[Lease] = (), lease_for: timedelta
    ) -> Sequence[Lease]:
        return await self.outbox.take(room, others=others, holding=holding, lease_for=timedelta(0))

    async def lag(self) -> float:
        return await self.outbox.lag()

    async def lags(self) -> Mapping[str, float]:
        return await self.outbox.lags()


@define
class Awaited:
    """A notifier that tells a test what has arrived."""

    notifier: Notifier
    missing: set[str]
    complete: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def send(self, message: Message) -> None:
        await self.notifier.send(message)
        self.missing.discard(message.to)
        if not self.missing:
            self.complete.set()


@frozen(kw_only=True)
class House:
    """An account whose people are told of escalations, and a mail server."""

    adapter: Adapter
    staff: Staff
    server: ScriptedServer
    clock: Clock = field(factory=SystemClock)

    @property
    def flowpilot(self) -> FlowPilot:
        return a_product(self.adapter, clock=self.clock, assess=False)

    @property
    def mail(self) -> SmtpNotifier:
        return SmtpNotifier(server=MailServer.of(self.server.url), sender="flowpilot@msp.example", clock=self.clock, idle=timedelta(0))

    @property
    def indexed(self) -> int:
        """Pieces of work for search that a session leaves: what is in memory is found without any."""
        return int(isinstance(self.adapter.outbox, SqlOutbox))

    def relay(
        self,
        *,
        notifier: Notifier | None = None,
        outbox: Outbox | None = None,
        jitter: Jitter = at_once,
        poll: float = LONG,
        pace: Pace = UNBOUNDED,
        settled: Callable[[Delivery], None] = lambda delivery: None,
    ) -> Relay:
        sending = SendDelivery(
            units=Units(begin=self.adapter.begin, committed=lambda _: None, new_id=new_id),
            notifier=notifier or self.mail,
            clock=self.clock,
            jitter=jitter,
            links=LINKS,
            redact=as_it_is,
            typeset=HtmlLetters(),
            pace=pace,
            settled=settled,
            mail_domain="msp.example",
        )
        return Relay(
            outbox=outbox or self.adapter.outbox,
            begin=self.adapter.begin,
            handlers={WorkKind.DELIVERY: sending, WorkKind.INDEX: IndexForSearch(begin=self.adapter.begin)},
            jitter=jitter,
            poll=poll,
        )

    async def escalated(self, staff: Staff | None = None, *, priority: Priority = Priority.NORMAL, to: Person | None = None) -> HandoffId:
        """Anna escalates a session of hers, to somebody or to all."""
        anna = (staff or self.staff).anna
        session = await self.flowpilot.sessions.start(anna, title="VPN down", problem="Nobody gets in.", client_name="Contoso")
        detail = await self.flowpilot.handoffs.hand_off(
            anna, session.session.id, intent=Intent.ESCALATE, reason="I am stuck", priority=priority, user_id=to.user_id if to else None
        )
        return detail.handoff.id

    async def ledger(self, handoff_id: HandoffId, staff: Staff | None = None) -> Mapping[str, Delivery]:
        """The deliveries of a handoff, by address."""
        staff = staff or self.staff
        addresses = {user.id: user.email for user in staff.users}
        deliveries = await self.flowpilot.deliveries.of(staff.anna, handoff_id, after=None, limit=100)
        return {addresses[delivery.user_id]: delivery for delivery in deliveries if delivery.user_id}

    async def states(self, handoff_id: HandoffId) -> Mapping[str, str]:
        return {address: str(delivery.state) for address, delivery in (await self.ledger(handoff_id)).items()}

    @property
    def mailed(self) -> Sequence[str]:
        """Whom the server took mails for, in order."""
        return [envelope.recipients[0] for envelope in self.server.accepted]


async def drained(relay: Relay, *, most: int = 500) -> int:
    """How many pieces of work the relay has done once nothing is due any more.

    One look that finds nothing does not say so: what a broken unit of work had locked stays so until its rollback has gone through.
    """
    done = 0
    with anyio.fail_after(60):
        while True:
            found = await relay.run_once()
            done += found
            assert done <= most, "there is still work: it goes round and round"
            if not found and not await relay.outbox.lag():
                return done


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer().running() as server:
        yield server


@pytest.fixture(params=["memory", "postgres"])
async def adapter(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    if request.param == "memory":
        store = MemoryStore(clock=SystemClock(), new_token=new_id)
        yield Adapter(begin=store.begin, view=store.view, outbox=store.outbox)
        return
    urls = request.getfixturevalue("own_database")
    database, outbox = Database(urls.app), SqlOutbox(urls.relay)
    try:
        yield Adapter(begin=database.begin, view=database.view, outbox=outbox)
    finally:
        await outbox.close()
        await database.close()


@pytest.fixture
async def house(adapter: Adapter, server: ScriptedServer) -> House:
    return House(adapter=adapter, staff=await a_staff().kept(adapter.begin), server=server)


ALL_SENT = {OLGA: "sent", ADAM: "sent", BEN: "sent"}


class TestTelling:
    async def test_everybody_who_may_claim_gets_one_mail_and_nobody_else(self, house: House) -> None:
        handoff_id = await house.escalated()

        await drained(house.relay())

        assert sorted([OLGA, ADAM, BEN]) == sorted(house.mailed)
        assert ALL_SENT == await house.states(handoff_id)

    async def test_the_mail_says_what_a_colleague_must_know(self, house: House) -> None:
        handoff_id = await house.escalated()

        await drained(house.relay())

        message = next(envelope.message for envelope in house.server.accepted if envelope.recipients == (BEN,))
        delivery = (await house.ledger(handoff_id))[BEN]
        assert f"<{delivery.id}@msp.example>" == message.message_id == delivery.message_id
        assert ("Ben Engineer", "Acme IT", "[normal] Contoso: VPN down") == (message.to_name, message.account_name, message.subject)
        (link,) = re.findall(r"https://flowpilot.msp.example/claim/(\S+)", message.text)
        assert (handoff_id, delivery.user_id) == (LINKS.claimed_by(link).handoff_id, LINKS.claimed_by(link).user_id)
        assert f"<{handoff_id}@msp.example>" == message.thread_id
        assert not message.maybe_twice

    async def test_a_parked_session_is_nobodys_news(self, house: House) -> None:
        session = await house.flowpilot.sessions.start(house.staff.anna, title="VPN down", problem="Nobody gets in.")
        await house.flowpilot.handoffs.hand_off(house.staff.anna, session.session.id, intent=Intent.PARK, reason="waiting for a part")

        assert house.indexed == await drained(house.relay())
        assert [] == house.mailed

    async def test_of_a_handoff_that_was_rolled_back_nobody_hears(self, house: House) -> None:
        """F02: not even where it broke at the very last moment."""
        faults = Faults()
        faults.at("commit (2): before", raising(RuntimeError("killed")))
        broken = evolve(house, adapter=evolve(house.adapter, begin=faults.begin(house.adapter.begin)))

        with pytest.raises(RuntimeError, match="killed"):
            await broken.escalated()

        assert house.indexed == await drained(house.relay())
        assert [] == house.mailed

    @pytest.mark.parametrize("what", ["claimed", "withdrawn"])
    async def test_once_it_is_taken_or_withdrawn_nobody_is_told_any_more(self, house: House, what: str) -> None:
        handoff_id = await house.escalated()
        if what == "claimed":
            await house.flowpilot.handoffs.claim(house.staff.ben, handoff_id)
        else:
            await house.flowpilot.handoffs.withdraw(house.staff.anna, handoff_id)

        await drained(house.relay())

        ledger = await house.ledger(handoff_id)
        assert {(DeliveryState.SUPPRESSED, f"the handoff is {what}")} == {(delivery.state, delivery.reason) for delivery in ledger.values()}
        assert [] == house.mailed

    async def test_who_was_deactivated_meanwhile_is_not_told(self, house: House) -> None:
        handoff_id = await house.escalated()
        await house.flowpilot.accounts.deactivate(house.staff.account_id, house.staff.ben.user_id)

        await drained(house.relay())

        assert {**ALL_SENT, BEN: "suppressed"} == await house.states(handoff_id)
        assert "the person is deactivated" == (await house.ledger(handoff_id))[BEN].reason
        assert sorted([OLGA, ADAM]) == sorted(house.mailed)

    async def test_what_counts_is_the_moment_of_each_try_and_not_of_the_first(self, house: House) -> None:
        house.server.on("RCPT", "451 4.7.1 greylisted", times=3)
        handoff_id = await house.escalated()
        await house.relay().run_once()
        await house.flowpilot.handoffs.claim(house.staff.ben, handoff_id)

        await drained(house.relay())

        assert dict.fromkeys(ALL_SENT, "suppressed") == await house.states(handoff_id)
        assert [] == house.mailed


class TestTroubleWithMail:
    async def test_while_the_server_is_down_mails_wait_and_the_handoff_does_not(self, house: House) -> None:
        """F22: tried again later; the handoff can be claimed all the while."""
        handoff_id = await house.escalated()
        nobody = SmtpNotifier(server=MailServer.of("smtp://127.0.0.1:1"), sender="flowpilot@msp.example", clock=house.clock)

        await house.relay(notifier=nobody).run_once()

        ledger = await house.ledger(handoff_id)
        assert {(DeliveryState.FAILED, 1, "the mail server refused the connection")} == {
            (delivery.state, delivery.attempts, delivery.last_error) for delivery in ledger.values()
        }
        assert HandoffState.OPEN is (await house.flowpilot.handoffs.get(house.staff.ben, handoff_id)).handoff.state
        await drained(house.relay())
        assert ALL_SENT == await house.states(handoff_id)

    async def test_a_greylisted_mail_arrives_at_the_third_try_under_one_message_id(self, house: House) -> None:
        """F23: 451 twice, then 250."""
        house.server.on("RCPT", "451 4.7.1 greylisted", to=BEN, times=2)
        handoff_id = await house.escalated()

        await drained(house.relay())

        delivery = (await house.ledger(handoff_id))[BEN]
        assert (DeliveryState.SENT, 3, None) == (delivery.state, delivery.attempts, delivery.last_error)
        (message,) = [envelope.message for envelope in house.server.accepted if BEN in envelope.recipients]
        assert (delivery.message_id, False) == (message.message_id, message.maybe_twice)

    async def test_of_three_one_is_refused_for_good_and_the_others_get_theirs(self, house: House) -> None:
        """F24: 550 for one; that one is dead, and the ledger says why."""
        house.server.on("RCPT", "550 5.1.1 no such user", to=ADAM)
        handoff_id = await house.escalated()

        await drained(house.relay())

        delivery = (await house.ledger(handoff_id))[ADAM]
        assert {**ALL_SENT, ADAM: "dead"} == await house.states(handoff_id)
        assert (1, "the mail server refused the address: 550 5.1.1 no such user") == (delivery.attempts, delivery.last_error)
        assert sorted([OLGA, BEN]) == sorted(house.mailed)
        events = await house.adapter.view(house.staff.account_id).events(after=0, limit=100)
        assert [("delivery.changed", "dead", str(delivery.id))] == [
            (one.event.kind, one.event.changed["state"], one.event.changed["delivery_id"])
            for one in events
            if one.event.handoff_id == handoff_id and one.event.kind is not EventKind.HANDOFF_ESCALATED
        ]

    async def test_after_a_lost_answer_the_repeat_says_that_it_may_be_one(self, house: House) -> None:
        """F25: the same Message-ID again."""
        house.server.on(".", Fault.HANG_UP, to=BEN)
        handoff_id = await house.escalated()

        await drained(house.relay())

        first, second = [envelope.message for envelope in house.server.accepted if BEN in envelope.recipients]
        assert first.message_id == second.message_id
        assert (False, True) == (first.maybe_twice, second.maybe_twice)
        assert ALL_SENT == await house.states(handoff_id)
        assert "it may have arrived twice" == (await house.ledger(handoff_id))[BEN].reason

    async def test_after_so_many_tries_it_is_dead_until_somebody_asks_for_it_again(self, house: House) -> None:
        house.server.on("RCPT", "452 4.2.2 mailbox full", to=BEN, times=MOST_ATTEMPTS)
        handoff_id = await house.escalated()

        await drained(house.relay())
        dead = (await house.ledger(handoff_id))[BEN]
        await house.flowpilot.deliveries.retry(house.staff.adam, handoff_id, dead.id)
        await drained(house.relay())

        assert (DeliveryState.DEAD, MOST_ATTEMPTS) == (dead.state, dead.attempts)
        assert "the mail server refused the address: 452 4.2.2 mailbox full" == dead.last_error
        assert ALL_SENT == await house.states(handoff_id)

    async def test_every_attempt_is_counted_and_logged_with_its_handoff(self, house: House, caplog: pytest.LogCaptureFixture) -> None:
        house.server.on("RCPT", f"550 Adam Admin <{ADAM}> has left us", to=ADAM)
        house.server.on("RCPT", f"451 {BEN} is away", to=BEN)
        handoff_id, metrics = await house.escalated(), Metrics()

        with caplog.at_level("INFO", logger="flowpilot.deliveries"):
            await drained(house.relay(settled=metrics.delivery))

        text = metrics.text().decode()
        for state, attempts in (("sent", 2), ("failed", 1), ("dead", 1)):
            assert f'flowpilot_delivery_attempts_total{{channel="email",state="{state}"}} {attempts}.0' in text
        assert 'flowpilot_delivery_seconds_count{channel="email"} 2.0' in text
        lines = [vars(record) for record in caplog.records if record.message == "delivery attempt"]
        assert 4 == len(lines)
        assert {str(handoff_id)} == {line["handoff_id"] for line in lines}
        refused = "the mail server refused the address"
        assert {None, f"{refused}: 550", f"{refused}: 451"} == {line["problem"] for line in lines}

    async def test_a_notifier_that_breaks_its_word_disturbs_nobody_else(self, house: House) -> None:
        class Broken:
            async def send(self, message: Message) -> None:
                if message.to == ADAM:
                    raise RuntimeError("a bug")
                await house.mail.send(message)

        handoff_id = await house.escalated()

        await house.relay(notifier=Broken(), jitter=as_late_as_can_be).run_once()

        assert {**ALL_SENT, ADAM: "failed"} == await house.states(handoff_id)
        assert "the channel failed: RuntimeError" == (await house.ledger(handoff_id))[ADAM].last_error


async def test_the_pauses_between_tries_grow(server: ScriptedServer) -> None:
    """F22: 4, 8 and 16 seconds at the longest, by the store's clock."""
    clock = SetClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    store = MemoryStore(clock=clock, new_token=new_id)
    adapter = Adapter(begin=store.begin, view=store.view, outbox=store.outbox)
    house = House(adapter=adapter, staff=await a_staff().kept(store.begin), server=server, clock=clock)
    server.on("CONNECT", "421 4.3.2 too busy", times=9)
    relay = house.relay(jitter=as_late_as_can_be)
    handoff_id = await house.escalated()
    await relay.run_once()

    found = []
    for seconds in (4, 8, 16):
        clock.jump(timedelta(seconds=seconds, milliseconds=-1))
        found.append(await relay.run_once())
        clock.jump(timedelta(milliseconds=1))
        found.append(await relay.run_once())

    assert [0, 3] * 3 == found
    assert ALL_SENT == await house.states(handoff_id)


@frozen
class Quick:
    """A house whose clock stands still, and whose every wait is over when the clock says so."""

    house: House
    clock: SetClock
    database: PostgresDatabase | None

    async def minutes_pass(self, minutes: float) -> None:
        self.clock.jump(timedelta(minutes=minutes))
        if self.database is not None:
            self.database.do("UPDATE flowpilot.due_work SET due_at = now()")


@pytest.fixture
async def quick(adapter: Adapter, server: ScriptedServer, request: pytest.FixtureRequest) -> Quick:
    clock = SetClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    database = None
    if isinstance(adapter.outbox, SqlOutbox):
        database = request.getfixturevalue("own_database")
    else:
        store = MemoryStore(clock=clock, new_token=new_id)
        adapter = Adapter(begin=store.begin, view=store.view, outbox=store.outbox)
    return Quick(House(adapter=adapter, staff=await a_staff().kept(adapter.begin), server=server, clock=clock), clock, database)


class TestNoise:
    """No more than so many mails a minute for a person; what is more waits, and comes in one."""

    pace = Pace(most=2)

    async def test_what_is_too_much_for_a_minute_comes_in_one_mail_after_it(self, quick: Quick) -> None:
        house = quick.house
        handoffs = [await house.escalated() for _ in range(5)]

        await house.relay(pace=self.pace).run_once()
        first = Counter(house.mailed)
        waiting = [(await house.ledger(handoff))[BEN] for handoff in handoffs]
        await quick.minutes_pass(1)
        await drained(house.relay(pace=self.pace))

        assert {OLGA: 2, ADAM: 2, BEN: 2} == first
        assert {("pending", "waits: they got all the mails they may get in a minute")} == {
            (delivery.state, delivery.reason) for delivery in waiting if delivery.waits_until
        }
        assert {OLGA: 3, ADAM: 3, BEN: 3} == Counter(house.mailed)
        digest = [envelope.message for envelope in house.server.accepted if BEN in envelope.recipients][-1]
        assert "[normal] 3 messages in one: VPN down and others" == digest.subject
        assert 3 == digest.text.count("https://flowpilot.msp.example/claim/")
        settled = [(await house.ledger(handoff))[BEN] for handoff in handoffs]
        assert {"sent"} == {delivery.state for delivery in settled}
        assert 3 == [delivery.message_id for delivery in settled].count(digest.message_id)
        assert 0 == await house.relay(pace=self.pace).run_once()

    async def test_what_is_urgent_does_not_wait(self, quick: Quick) -> None:
        for _ in range(3):
            await quick.house.escalated()
        await quick.house.relay(pace=self.pace).run_once()

        urgent = await quick.house.escalated(priority=Priority.URGENT)
        await quick.house.relay(pace=self.pace).run_once()

        assert ALL_SENT == await quick.house.states(urgent)

    async def test_what_was_claimed_while_it_waited_is_left_out_of_the_one(self, quick: Quick) -> None:
        house = quick.house
        handoffs = [await house.escalated() for _ in range(5)]
        await house.relay(pace=self.pace).run_once()
        waiting = [handoff for handoff in handoffs if (await house.ledger(handoff))[BEN].waits_until]
        await house.flowpilot.handoffs.claim(house.staff.olga, waiting[1])

        await quick.minutes_pass(1)
        await drained(house.relay(pace=self.pace))

        digest = [envelope.message for envelope in house.server.accepted if BEN in envelope.recipients][-1]
        assert "[normal] 2 messages in one: VPN down and others" == digest.subject
        assert "suppressed" == (await house.states(waiting[1]))[BEN]

    async def test_the_one_is_tried_again_as_one(self, quick: Quick) -> None:
        """F23: under the same message id, and as maybe a repeat where its answer was lost."""
        house = quick.house
        handoffs = [await house.escalated() for _ in range(5)]
        await house.relay(pace=self.pace).run_once()
        house.server.on(".", Fault.HANG_UP, to=BEN)

        await quick.minutes_pass(1)
        await drained(house.relay(pace=self.pace))
        await quick.minutes_pass(1)
        await drained(house.relay(pace=self.pace))

        *_, first, second = [envelope.message for envelope in house.server.accepted if BEN in envelope.recipients]
        assert (first.message_id, first.text.count("/claim/")) == (second.message_id, second.text.count("/claim/"))
        assert (False, True) == (first.maybe_twice, second.maybe_twice)
        assert {"sent"} == {(await house.ledger(handoff))[BEN].state for handoff in handoffs}

    async def test_what_was_joined_to_one_that_is_not_sent_any_more_goes_by_itself(self, quick: Quick) -> None:
        """F16: the relay died in the middle, and then somebody claimed what carried the others."""
        house = quick.house
        handoffs = [await house.escalated(to=house.staff.ben) for _ in range(4)]
        await house.relay(pace=self.pace).run_once()
        await quick.minutes_pass(1)
        faults, killed = Faults(), Pause()
        faults.at("notifier.send: before", killed)
        relay = house.relay(pace=self.pace, notifier=faults.notifier(house.mail), outbox=VoidLeases(house.adapter.outbox))
        dying = asyncio.create_task(relay.run_once())
        await killed.reached.wait()
        dying.cancel()
        await asyncio.wait({dying})
        ledger = [(await house.ledger(handoff))[BEN] for handoff in handoffs]
        (carrier,) = {one.carried_by for one in ledger} - {None}
        await house.flowpilot.handoffs.claim(house.staff.olga, next(one.handoff_id for one in ledger if one.id == carrier))

        await quick.minutes_pass(2)
        await drained(house.relay(pace=self.pace))

        assert {"sent": 3, "suppressed": 1} == Counter([(await house.states(handoff))[BEN] for handoff in handoffs])
        assert [BEN] * 3 == house.mailed

    async def test_relays_at_once_send_no_more_than_one_would(self, quick: Quick) -> None:
        house = quick.house
        for _ in range(10):
            await house.escalated()
        notifier = MemoryNotifier()
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(drained, house.relay(notifier=notifier, pace=self.pace))
        first = Counter(notifier.recipients)

        await quick.minutes_pass(1)
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(drained, house.relay(notifier=notifier, pace=self.pace))

        assert {OLGA: 2, ADAM: 2, BEN: 2} == first
        assert {OLGA: 3, ADAM: 3, BEN: 3} == Counter(notifier.recipients)


class TestTwoRelays:
    async def test_killed_after_the_send_another_sends_it_again_under_the_same_message_id(self, house: House) -> None:
        """F16: nobody wrote down that the mail had gone."""
        house.server.on("RCPT", "550 no", to=OLGA, times=2)
        house.server.on("RCPT", "550 no", to=ADAM, times=2)
        handoff_id = await house.escalated()
        faults, killed = Faults(), Pause()
        for number in ("", " (2)", " (3)"):
            faults.at(f"notifier.send{number}: after", killed)
        relay = house.relay(notifier=faults.notifier(house.mail), outbox=VoidLeases(house.adapter.outbox))
        dying = asyncio.create_task(relay.run_once())
        await killed.reached.wait()
        dying.cancel()
        await asyncio.wait({dying})

        await drained(house.relay())

        first, second = [envelope.message for envelope in house.server.accepted]
        delivery = (await house.ledger(handoff_id))[BEN]
        assert (BEN, first.message_id) == (second.to, second.message_id)
        assert (False, True) == (first.maybe_twice, second.maybe_twice)
        assert (DeliveryState.SENT, 2) == (delivery.state, delivery.attempts)

    async def test_who_stood_still_too_long_changes_nothing_when_it_goes_on(self, house: House) -> None:
        """F17: its work was taken over and done; what it found out is dropped."""
        handoff_id = await house.escalated()
        faults, stopped = Faults(), Pause()
        refusing = MemoryNotifier()
        for address in (OLGA, ADAM, BEN):
            refusing.script(address, NotSent("no such user", permanent=True))
        for number in ("", " (2)", " (3)"):
            faults.at(f"notifier.send{number}: before", stopped)
        slow = asyncio.create_task(house.relay(notifier=faults.notifier(refusing), outbox=VoidLeases(house.adapter.outbox)).run_once())
        await stopped.reached.wait()
        await drained(house.relay())
        before = await house.ledger(handoff_id)

        stopped.go_on.set()
        await slow

        assert ALL_SENT == await house.states(handoff_id)
        assert before == await house.ledger(handoff_id)

    async def test_what_is_done_is_not_done_again_by_who_came_to_the_rescue(self, house: House) -> None:
        """F18: the rescuer holds leases that have been taken from it and finished meanwhile."""
        handoff_id = await house.escalated()
        faults, stopped = Faults(), Pause()
        faults.at("outbox.take: after", stopped)
        rescuer = asyncio.create_task(house.relay(outbox=faults.outbox(VoidLeases(house.adapter.outbox))).run_once())
        await stopped.reached.wait()
        await drained(house.relay())
        before = await house.ledger(handoff_id)

        stopped.go_on.set()
        await rescuer

        assert 3 == len(house.mailed)
        assert before == await house.ledger(handoff_id)
        assert 0 == await house.relay().run_once()

    async def test_eight_relays_do_every_piece_once(self, house: House) -> None:
        """F15: none is taken twice at once, none is left."""
        for _ in range(100):
            await house.escalated()
        notifier = MemoryNotifier()

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(drained, house.relay(notifier=notifier))

        assert 300 == len(notifier.messages)
        assert 300 == len({message.message_id for message in notifier.messages})
        assert {OLGA: 100, ADAM: 100, BEN: 100} == Counter(notifier.recipients)

    async def test_a_flooded_account_delays_no_other(self, house: House) -> None:
        """F20: with forty escalations waiting in one account, the first look finds the one of the other."""
        for _ in range(40):
            await house.escalated()
        other = await a_staff("Globex").kept(house.adapter.begin)
        handoff_id = await house.escalated(other)

        await house.relay(notifier=MemoryNotifier()).run_once()

        assert {DeliveryState.SENT} == {delivery.state for delivery in (await house.ledger(handoff_id, other)).values()}


class TestLanes:
    async def test_a_kind_whose_far_end_is_dead_delays_no_mail(self, house: House) -> None:
        """With more of it waiting than a relay does at once, and all of it hanging."""
        hanging, told = Pause(), Awaited(MemoryNotifier(), {OLGA, ADAM, BEN})

        class Hanging:
            async def do(self, lease: Lease) -> None:
                await hanging()

            async def give_up(self, lease: Lease, problem: str) -> None:
                raise AssertionError(problem)

        async with house.adapter.begin(house.staff.account_id) as unit:
            for _ in range(3 * MOST_AT_ONCE):
                await unit.due.add(Work(id=new_id(), kind=TELEPORT, due_at=house.clock.now()))
            await unit.commit()
        relay, stop = house.relay(notifier=told), asyncio.Event()
        relay.handlers = {TELEPORT: Hanging(), **relay.handlers}
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(relay.run, stop)
                await hanging.reached.wait()
                await house.escalated()
                relay.wake()
                await told.complete.wait()
                stop.set()
                hanging.go_on.set()

    @pytest.mark.parametrize("others", [1, 10])
    async def test_an_account_whose_far_ends_all_hang_takes_no_lane(self, house: House, others: int) -> None:
        """A59: whatever kinds of work there are, it holds half of each lane at most, and everybody else's is done meanwhile."""
        lane = await self.hung(house, list(WorkKind), others)

        assert dict.fromkeys(WorkKind, MOST_AT_ONCE // 2) == lane

    async def test_a_thousand_others_are_done_while_one_hangs(self, house: House) -> None:
        """A59"""
        lane = await self.hung(house, [WorkKind.DELIVERY], 1_000)

        assert lane[WorkKind.DELIVERY] <= MOST_AT_ONCE // 2

    async def hung(self, house: House, kinds: Sequence[WorkKind], others: int) -> Mapping[str, int]:
        """How much of each kind hangs for one account, once all of the others' is done that was due after it."""
        hanging, left = Counter[str](), others * len(kinds)
        stop, done = asyncio.Event(), asyncio.Event()

        @frozen
        class Handling:
            """Hangs for the house's account, and is done for any other."""

            async def do(self, lease: Lease) -> None:
                nonlocal left
                if lease.account_id == house.staff.account_id:
                    hanging[lease.kind] += 1
                    await stop.wait()
                    return
                async with house.adapter.begin(lease.account_id) as unit:
                    assert await unit.due.finish(lease)
                    await unit.commit()
                left -= 1
                if not left:
                    done.set()

            async def give_up(self, lease: Lease, problem: str) -> None:
                raise AssertionError(problem)

        async def due(account_id: AccountId, pieces: int) -> None:
            async with house.adapter.begin(account_id) as unit:
                for kind in kinds:
                    for _ in range(pieces):
                        await unit.due.add(Work(id=new_id(), kind=kind, due_at=house.clock.now()))
                await unit.commit()

        relay = house.relay()
        relay.handlers = dict.fromkeys(kinds, Handling())
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                await due(house.staff.account_id, 2 * MOST_AT_ONCE)
                tasks.start_soon(relay.run, stop)
                while hanging.total() < len(kinds) * MOST_AT_ONCE // 2:
                    await anyio.lowlevel.checkpoint()
                for _ in range(others):
                    await due((await a_staff("Other").kept(house.adapter.begin)).account_id, 1)
                relay.wake()
                await done.wait()
                stop.set()
        return hanging

    def test_the_mails_of_one_account_leave_connections_to_the_mail_server_for_others(self) -> None:
        """A59: mails of all lanes share them."""
        connections = SmtpNotifier(server=MailServer.of("smtp://mail.example"), sender="flowpilot@msp.example", clock=SystemClock()).most

        kinds = {WorkKind.DELIVERY, WorkKind.SIGN_IN_CODE, WorkKind.INVITATION, WorkKind.WEEKLY_DIGEST, WorkKind.MAINTENANCE_NOTICE}
        assert kinds == set(MAIL_PLACES)
        assert sum((places + 1) // 2 for places in MAIL_PLACES.values()) < connections


class TestPoison:
    """F19: work that cannot be done ends, with a reason where there is somebody to read it, and holds nothing up."""

    async def test_work_of_a_kind_that_nobody_here_knows_is_left_for_another_relay_and_dropped_in_the_end(self, house: House) -> None:
        """F19: as a newer version may have left it, whose relay is still to come."""
        await self._add(house, Work(id=new_id(), kind=TELEPORT, due_at=house.clock.now()))
        handoff_id = await house.escalated()

        assert MOST_TAKES + 1 + 3 + house.indexed == await drained(house.relay())
        assert ALL_SENT == await house.states(handoff_id)

    async def test_work_for_a_delivery_that_is_not_there_ends_too(self, house: House) -> None:
        """F19: as a broken import may have left it."""
        await self._add(house, Work(id=new_id(), kind=WorkKind.DELIVERY, due_at=house.clock.now()))
        handoff_id = await house.escalated()

        assert MOST_TAKES + 1 + 3 + house.indexed == await drained(house.relay(outbox=VoidLeases(house.adapter.outbox)))
        assert ALL_SENT == await house.states(handoff_id)

    async def test_a_delivery_that_always_breaks_is_dead_in_the_end_and_says_so(self, house: House) -> None:
        """F19: after a bound, with the others long since told."""
        notifier = MemoryNotifier()
        notifier.script(ADAM, *[RuntimeError("a bug")] * (MOST_TAKES + 1))
        handoff_id = await house.escalated()

        await drained(house.relay(notifier=notifier, outbox=VoidLeases(house.adapter.outbox)))

        assert {**ALL_SENT, ADAM: "dead"} == await house.states(handoff_id)
        assert "the channel failed: RuntimeError" == (await house.ledger(handoff_id))[ADAM].last_error
        assert sorted([OLGA, BEN]) == sorted(notifier.recipients)

    async def test_between_its_tries_poison_rests(self, house: House) -> None:
        """F19: no hot loop; it waits like any other failure."""
        notifier = MemoryNotifier()
        notifier.script(ADAM, RuntimeError("a bug"))
        await house.escalated()
        relay = house.relay(notifier=notifier, jitter=as_late_as_can_be)

        assert [3 + house.indexed, 0] == [await relay.run_once(), await relay.run_once()]

    @staticmethod
    async def _add(house: House, work: Work) -> None:
        async with house.adapter.begin(house.staff.account_id) as unit:
            await unit.due.add(work)
            await unit.commit()


class TestRunning:
    """The relay as it runs inside the server."""

    async def test_it_does_what_it_finds_and_what_it_is_woken_for(self, house: House) -> None:
        await house.escalated()
        first, second = Awaited(MemoryNotifier(), {OLGA, ADAM, BEN}), Awaited(MemoryNotifier(), {OLGA, ADAM, BEN})

        class InTurn:
            async def send(self, message: Message) -> None:
                await (second if first.complete.is_set() else first).send(message)

        relay, stop = house.relay(notifier=InTurn()), asyncio.Event()
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(relay.run, stop)
                await first.complete.wait()
                await house.escalated()
                relay.wake()
                await second.complete.wait()
                stop.set()

    async def test_a_wake_up_that_is_lost_makes_it_late_and_nothing_else(self, house: House) -> None:
        told, stop = Awaited(MemoryNotifier(), {OLGA, ADAM, BEN}), asyncio.Event()
        relay = house.relay(notifier=told, poll=0.01)
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(relay.run, stop)
                await house.escalated()
                await told.complete.wait()
                stop.set()

    async def test_told_to_stop_it_finishes_what_it_has_begun(self, house: House) -> None:
        """F50: and takes nothing more."""
        handoff_id = await house.escalated()
        faults, sending, looked_again = Faults(), Pause(), Pause()
        for number in ("", " (2)", " (3)"):
            faults.at(f"notifier.send{number}: before", sending)
        faults.at("outbox.take (2): after", looked_again)
        looked_again.go_on.set()
        relay, stop = house.relay(notifier=faults.notifier(house.mail), outbox=faults.outbox(house.adapter.outbox)), asyncio.Event()
        with anyio.fail_after(30):
            running = asyncio.create_task(relay.run(stop))
            await sending.reached.wait()
            await looked_again.reached.wait()
            stop.set()
            later = await house.escalated()
            relay.wake()
            sending.go_on.set()
            await running

        assert ALL_SENT == await house.states(handoff_id)
        assert dict.fromkeys(ALL_SENT, "pending") == await house.states(later)

    async def test_told_to_stop_it_leaves_what_takes_too_long_to_who_comes_next(self, house: House) -> None:
        """F50: the process ends in time; the work is held until its lease has run out."""
        handoff_id = await house.escalated(to=house.staff.ben)
        faults, sending = Faults(), Pause()
        faults.at("notifier.send: before", sending)
        relay, stop = house.relay(notifier=faults.notifier(house.mail)), asyncio.Event()
        relay.grace = timedelta(0)
        with anyio.fail_after(30):
            running = asyncio.create_task(relay.run(stop))
            await sending.reached.wait()
            stop.set()
            await running

        assert {BEN: "sending"} == await house.states(handoff_id)
        assert 0 == await house.relay().run_once()

    async def test_it_takes_nothing_while_it_may_not(self, house: House) -> None:
        """F48."""
        await house.escalated()
        relay, may = house.relay(), False

        async def may_work() -> bool:
            return may

        relay.may_work = may_work
        assert 0 == await relay.run_once()
        may = True
        assert 3 + house.indexed == await relay.run_once()

    async def test_it_outlives_an_outbox_that_does_not_answer(self, house: House) -> None:
        """F09: it looks again, with pauses in between."""
        await house.escalated()
        faults = Faults()
        faults.at("outbox.take: before", raising(Unavailable("database")))
        faults.at("outbox.take (2): before", raising(Unavailable("database")))
        told, stop = Awaited(MemoryNotifier(), {OLGA, ADAM, BEN}), asyncio.Event()
        relay = house.relay(notifier=told, outbox=faults.outbox(house.adapter.outbox))
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(relay.run, stop)
                await told.complete.wait()
                stop.set()

    async def test_a_moment_without_the_database_costs_a_mail_a_moment(self, house: House) -> None:
        """A59: and not the three minutes of its lease."""
        handoff_id = await house.escalated()
        faults = Faults()
        faults.at("commit: before", raising(Unavailable("database")))
        relay = house.relay(notifier=MemoryNotifier())
        sending = relay.handlers[WorkKind.DELIVERY]
        assert isinstance(sending, SendDelivery)
        units = evolve(sending.units, begin=faults.begin(house.adapter.begin))
        relay.handlers = {WorkKind.DELIVERY: evolve(sending, units=units)}

        await drained(relay)

        assert {DeliveryState.SENT: 3} == Counter((await house.states(handoff_id)).values())

    async def test_no_more_is_sent_at_once_than_the_bound_allows(self, house: House) -> None:
        for _ in range(MOST_AT_ONCE):
            await house.escalated()
        now, most, sent = 0, 0, set[str]()
        done, stop = asyncio.Event(), asyncio.Event()

        class Counting:
            async def send(self, message: Message) -> None:
                nonlocal now, most
                now += 1
                most = max(most, now)
                await anyio.lowlevel.checkpoint()
                now -= 1
                sent.add(message.message_id)
                if len(sent) == 3 * MOST_AT_ONCE:
                    done.set()

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(house.relay(notifier=Counting()).run, stop)
                await done.wait()
                stop.set()

        assert most <= MOST_AT_ONCE
