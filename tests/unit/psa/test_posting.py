"""Notes on tickets, from the event that causes them to the ticket they stand on."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from attrs import field, frozen

from flowpilot_adapters.memory import MemoryPsa, MemoryStore, MemoryTicket, MemoryVault
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.system import new_id
from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.assistant.assessing import MakeAssessment
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.psa.access import Psas
from flowpilot_core.application.psa.posting import PostNote
from flowpilot_core.application.relay.relay import MOST_TAKES, Handler, Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidTransition, RoleForbidden
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.psa.connection import Circuit, PsaConnection
from flowpilot_core.domain.psa.note import marker
from flowpilot_core.domain.psa.post import PostState, PsaPost
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.psa import NotDone, PostFilter, Trouble
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.builders import SetClock, Staff, a_staff
from flowpilot_core.testing.redaction import as_it_is
from tests.support.product import a_product

pytestmark = pytest.mark.anyio

TICKET = "1001"
DOWN = NotDone(Trouble.UNREACHABLE, "it is down")


@frozen(kw_only=True)
class Desk:
    """An account with a PSA, and everything that posts to it."""

    staff: Staff
    store: MemoryStore
    clock: SetClock
    psa: MemoryPsa = field(factory=lambda: MemoryPsa(tickets={TICKET: MemoryTicket(), "1002": MemoryTicket()}))
    vault: MemoryVault = field(factory=MemoryVault)

    @classmethod
    async def opened(cls, *, key: str = "good", templates: Mapping[str, str] | None = None) -> "Desk":
        clock = SetClock()
        store = MemoryStore(clock=clock, new_token=new_id)
        desk = cls(staff=await a_staff().kept(store.begin), store=store, clock=clock)
        await desk.connect(key=key, templates=templates)
        return desk

    @property
    def psas(self) -> Psas:
        return Psas(vendors={"memory": self.psa}, safe=Safe(vault=self.vault, clock=self.clock, new_id=new_id))

    @property
    def product(self) -> FlowPilot:
        store = self.store
        return a_product(store, clock=self.clock, vault=self.vault, psas={"memory": self.psa}, assess=False)

    async def connect(self, staff: Staff | None = None, *, key: str = "good", templates: Mapping[str, str] | None = None) -> PsaConnection:
        return await self.product.psa.connect(
            (staff or self.staff).olga,
            system="memory",
            name="Desk",
            base_url="https://psa.example",
            credentials={"key": key},
            settings={"templates": dict(templates or {})},
        )

    @property
    def relay(self) -> Relay:
        units = Units(begin=self.store.begin, committed=lambda _: None, new_id=new_id)
        posting = PostNote(
            units=units,
            psas=self.psas,
            clock=self.clock,
            jitter=lambda: 1.0,
            redact=SecretRedactor(bytes(32), compute_here),
            base_url="https://flowpilot.example",
        )
        handlers: dict[WorkKind, Handler] = {
            WorkKind.PSA_POST: posting,
            WorkKind.ASSESSMENT: MakeAssessment(units=units, view=self.store.view, redact=as_it_is, clock=self.clock),
        }
        return Relay(outbox=self.store.outbox, begin=self.store.begin, handlers=handlers, jitter=lambda: 1.0)

    async def relayed(self, *, after: float = 0.0) -> None:
        """What is due by then is done, once each."""
        self.clock.jump(timedelta(seconds=after))
        while await self.relay.run_once():
            pass

    async def session(self, ticket: str | None = TICKET, by: Person | None = None) -> SessionId:
        started = await self.product.sessions.start(
            by or self.staff.anna, title="VPN down", problem="No tunnel.", ticket=Ticket(system="memory", id=ticket) if ticket else None
        )
        return started.session.id

    async def escalated(self, ticket: str | None = TICKET, *, reason: str = "stuck", by: Person | None = None) -> SessionId:
        session_id = await self.session(ticket, by)
        await self.product.handoffs.hand_off(by or self.staff.anna, session_id, intent=Intent.ESCALATE, reason=reason)
        return session_id

    async def posts(self, staff: Staff | None = None) -> Sequence[PsaPost]:
        """Oldest first."""
        found = await self.product.psa.posts((staff or self.staff).olga, PostFilter(), after=None, limit=200)
        return list(reversed(found))

    async def post(self) -> PsaPost:
        (post,) = await self.posts()
        return post

    async def connection(self) -> PsaConnection:
        (connection,) = await self.product.psa.list(self.staff.olga)
        return connection

    def notes(self, ticket: str = TICKET) -> list[str]:
        return [note.text for note in self.psa.tickets[ticket].notes]


async def test_an_escalation_a_claim_and_a_resolution_stand_on_the_ticket_once_each_in_their_order() -> None:
    desk = await Desk.opened()
    session_id = await desk.escalated(reason="Out of ideas")
    detail = await desk.product.sessions.get(desk.staff.ben, session_id)
    await desk.relayed()
    await desk.product.handoffs.claim(desk.staff.ben, detail.handoffs[-1].id)
    await desk.relayed()
    await desk.product.sessions.resolve(desk.staff.ben, session_id, summary="New certificate")
    await desk.relayed()
    await desk.relayed()

    first, second, third = desk.notes()
    assert "Anna Engineer is stuck" in first
    assert "Why: Out of ideas" in first
    assert "Ben Engineer took over." in second
    assert "Resolved by Ben Engineer: New certificate" in third
    assert [PostState.POSTED] * 3 == [post.state for post in await desk.posts()]
    assert [marker(post.id, 1) in text for post, text in zip(await desk.posts(), desk.notes(), strict=True)]


async def test_what_was_posted_is_in_the_log_as_it_was_sent() -> None:
    desk = await Desk.opened()
    await desk.escalated(reason="The password is hunter2hunter2, the key sk_live_4eC39HqLyjWDarjtT1zdp7dc")
    await desk.relayed()

    post = await desk.post()

    assert ("1", "added", 1) == (post.vendor_id, post.answer, post.attempts)
    assert post.sent is not None
    assert post.sent in desk.notes()[0]
    assert "sk_live" not in desk.notes()[0]
    assert desk.clock.now() == post.posted_at == (await desk.connection()).health.last_success_at


async def test_a_park_posts_nothing_unless_the_account_wants_it() -> None:
    desk = await Desk.opened()
    await desk.product.handoffs.hand_off(desk.staff.anna, await desk.session(), intent=Intent.PARK, reason="waiting")
    assert [] == await desk.posts()

    connection = await desk.connection()
    await desk.product.psa.change(desk.staff.olga, connection.id, settings={"notes": {"parked": True}})
    await desk.product.handoffs.hand_off(desk.staff.anna, await desk.session(), intent=Intent.PARK, reason="waiting for a part")
    await desk.relayed()

    (note,) = desk.notes()
    assert "Why: waiting for a part" in note


async def test_an_accounts_own_template_says_it_in_its_words() -> None:
    desk = await Desk.opened(templates={"escalated": "{by} kommt nicht weiter: {reason}"})
    await desk.escalated(reason="kein Netz")
    await desk.relayed()

    assert desk.notes()[0].startswith("Anna Engineer kommt nicht weiter: kein Netz\n\nFlowPilot FP-")


async def test_a_note_waits_a_moment_for_its_assessment_and_no_longer() -> None:
    desk = await Desk.opened()
    product = a_product(desk.store, clock=desk.clock, vault=desk.vault, psas={"memory": desk.psa})
    await product.handoffs.hand_off(desk.staff.anna, await desk.session(), intent=Intent.ESCALATE, reason="stuck")
    leases = await desk.store.outbox.take({WorkKind.ASSESSMENT: 1}, lease_for=timedelta(seconds=5))
    assert 1 == len(leases)

    await desk.relayed()
    assert [] == desk.notes()
    await desk.relayed(after=6)
    await desk.relayed(after=2)

    assert "Assessment: " in desk.notes()[0]


async def test_where_no_assessment_comes_the_note_goes_without() -> None:
    desk = await Desk.opened()
    product = a_product(desk.store, clock=desk.clock, vault=desk.vault, psas={"memory": desk.psa})
    await product.handoffs.hand_off(desk.staff.anna, await desk.session(), intent=Intent.ESCALATE, reason="stuck")
    await desk.store.outbox.take({WorkKind.ASSESSMENT: 1}, lease_for=timedelta(hours=1))

    await desk.relayed(after=11)

    assert "Assessment" not in desk.notes()[0]


async def test_after_a_lost_answer_the_note_is_looked_for_and_stands_once() -> None:
    """F34."""
    desk = await Desk.opened()
    desk.psa.script(NotDone(Trouble.VENDOR_FAULT, "500", unknown=True))
    await desk.escalated()
    await desk.relayed()
    failed = await desk.post()
    await desk.relayed(after=10)

    assert (PostState.FAILED, True, "500") == (failed.state, failed.maybe_posted, failed.last_error)
    assert (1, PostState.POSTED, 2) == (len(desk.notes()), (await desk.post()).state, (await desk.post()).attempts)


async def test_a_refusal_for_good_that_may_have_been_a_success_is_looked_after() -> None:
    """F34: where the vendor's 500 means both."""
    desk = await Desk.opened()
    desk.psa.script(NotDone(Trouble.REFUSED, "something is odd", unknown=True))
    await desk.escalated()
    await desk.relayed()

    assert (PostState.POSTED, 1) == ((await desk.post()).state, len(desk.notes()))


async def test_of_a_note_in_parts_only_those_that_are_missing_are_sent_again() -> None:
    """F34."""
    desk = await Desk.opened(templates={"escalated": "\n\n".join(["{reason} " + "word " * 60] * 10)})
    desk.psa.script(None, NotDone(Trouble.UNREACHABLE, "the line went dead", unknown=True))
    await desk.escalated()
    await desk.relayed()
    assert 2 == len(desk.notes())
    await desk.relayed(after=10)

    post = await desk.post()
    found = [next(number for number in range(1, 9) if marker(post.id, number) in text) for text in desk.notes()]
    assert list(range(1, len(found) + 1)) == found
    assert len(found) > 2
    assert ", ".join(map(str, found)) == post.vendor_id


async def test_a_relay_that_died_in_the_middle_leaves_a_note_that_is_looked_for() -> None:
    """F16: the note was posted, and nobody wrote it down."""
    desk = await Desk.opened()
    await desk.escalated()
    (lease,) = await desk.store.outbox.take({WorkKind.PSA_POST: 1}, lease_for=timedelta(minutes=3))
    handler = desk.relay.handlers[WorkKind.PSA_POST]
    assert isinstance(handler, PostNote)
    draft = await handler._look(lease)
    assert draft is not None
    taken = await handler._take(lease, draft, draft.task.text(str))
    assert taken is not None
    await handler._post(draft, taken)

    await desk.relayed(after=200)

    assert (1, PostState.POSTED) == (len(desk.notes()), (await desk.post()).state)


async def test_a_vendor_that_is_down_costs_tries_and_then_the_connection_rests() -> None:
    desk = await Desk.opened()
    desk.psa.script(*[DOWN] * 6)
    await desk.escalated()
    for _ in range(5):
        await desk.relayed(after=100)

    resting = await desk.connection()
    assert (Circuit.OPEN, "it is down") == (resting.health.circuit, resting.health.problem)
    await desk.escalated("1002")
    await desk.relayed()
    assert [] == desk.notes("1002")
    assert [5, 0] == [post.attempts for post in await desk.posts()]

    await desk.relayed(after=3_000)
    await desk.relayed(after=3_000)
    await desk.relayed(after=3_000)

    assert [PostState.POSTED] * 2 == [post.state for post in await desk.posts()]
    assert Circuit.CLOSED is (await desk.connection()).health.circuit


async def test_a_wrong_key_is_told_and_nothing_is_sent_until_somebody_mends_it() -> None:
    """F32: dead, visible, and no hammering."""
    desk = await Desk.opened(key="canary-wrong-0000")
    session_id = await desk.escalated()
    await desk.escalated("1002")
    await desk.relayed()
    await desk.relayed(after=5_000)

    assert [PostState.DEAD] * 2 == [post.state for post in await desk.posts()]
    assert [True, True] == [0 <= post.attempts <= 1 for post in await desk.posts()]
    assert (Circuit.OPEN, None) == ((await desk.connection()).health.circuit, (await desk.connection()).health.rests_until)
    told = await desk.product.sessions.timeline(desk.staff.anna, session_id, after=0, limit=100)
    assert "dead" in [entry.logged.event.changed["state"] for entry in told if entry.logged.event.kind is EventKind.PSA_POST_CHANGED]

    connection = await desk.connection()
    await desk.product.psa.change(desk.staff.olga, connection.id, credentials={"key": "good"})
    for post in await desk.posts():
        await desk.product.psa.retry(desk.staff.adam, post.id)
    await desk.relayed()

    assert [1, 1] == [len(desk.notes(ticket)) for ticket in (TICKET, "1002")]


async def test_a_vendor_that_asks_for_a_rest_gets_it_and_the_try_does_not_count() -> None:
    """F33."""
    desk = await Desk.opened()
    desk.psa.script(NotDone(Trouble.TOO_MANY_CALLS, "429", retry_after=90.0))
    await desk.escalated()
    await desk.relayed()
    await desk.relayed(after=60)
    waiting = await desk.post()
    await desk.relayed(after=60)

    assert (PostState.FAILED, 0) == (waiting.state, waiting.attempts)
    assert PostState.POSTED is (await desk.post()).state


@pytest.mark.parametrize("trouble", [Trouble.TICKET_GONE, Trouble.REFUSED, Trouble.WRONG_SETTING, Trouble.MISSING_PERMISSION])
async def test_a_ticket_that_takes_no_note_kills_the_post_and_nothing_else(trouble: Trouble) -> None:
    """F35: the handoff lives, and so does the connection."""
    desk = await Desk.opened()
    desk.psa.script(NotDone(trouble, "no"))
    session_id = await desk.escalated()
    await desk.escalated("1002")
    await desk.relayed()

    assert {PostState.DEAD, PostState.POSTED} == {post.state for post in await desk.posts()}
    assert "escalated" == (await desk.product.sessions.get(desk.staff.anna, session_id)).session.status
    assert Circuit.CLOSED is (await desk.connection()).health.circuit


async def test_tries_end() -> None:
    desk = await Desk.opened()
    desk.psa.script(*[NotDone(Trouble.TICKET_LOCKED, "locked")] * 20)
    await desk.escalated()
    for _ in range(12):
        await desk.relayed(after=4_000)

    assert (PostState.DEAD, 10, []) == ((await desk.post()).state, (await desk.post()).attempts, desk.notes())


async def test_a_dead_post_is_tried_again_when_an_admin_asks() -> None:
    desk = await Desk.opened()
    desk.psa.script(NotDone(Trouble.REFUSED, "no"))
    await desk.escalated()
    await desk.relayed()
    post = await desk.post()

    with pytest.raises(RoleForbidden):
        await desk.product.psa.retry(desk.staff.anna, post.id)
    await desk.product.psa.retry(desk.staff.adam, post.id)
    await desk.relayed()

    assert (PostState.POSTED, 1) == ((await desk.post()).state, len(desk.notes()))
    with pytest.raises(InvalidTransition):
        await desk.product.psa.retry(desk.staff.adam, post.id)


async def test_what_is_not_wanted_any_more_is_not_posted() -> None:
    desk = await Desk.opened()
    await desk.escalated()
    connection = await desk.connection()
    await desk.product.psa.change(desk.staff.olga, connection.id, settings={"notes": {"escalated": False}})
    await desk.relayed()

    assert (PostState.SUPPRESSED, []) == ((await desk.post()).state, desk.notes())


async def test_nothing_is_posted_over_a_connection_that_was_removed() -> None:
    desk = await Desk.opened()
    await desk.escalated()
    await desk.product.psa.remove(desk.staff.olga, (await desk.connection()).id)
    await desk.relayed()

    assert (PostState.SUPPRESSED, "the connection was removed", []) == ((await desk.post()).state, (await desk.post()).reason, desk.notes())
    async with desk.store.begin(desk.staff.account_id) as work:
        assert [] == list(await work.secrets.sealed_otherwise("", limit=10))


async def test_poison_is_given_up_and_shown() -> None:
    """F19."""
    desk = await Desk.opened()
    await desk.escalated()
    (lease,) = await desk.store.outbox.take({WorkKind.PSA_POST: 1}, lease_for=timedelta(minutes=3))

    await desk.relay.handlers[WorkKind.PSA_POST].give_up(lease, f"given up after {MOST_TAKES}")

    assert (PostState.DEAD, "given up after 40") == ((await desk.post()).state, (await desk.post()).last_error)


async def test_two_accounts_with_the_same_ticket_number_share_nothing() -> None:
    """The same vendor, the same number, another key: each note goes where its own account's key leads."""
    desk = await Desk.opened()
    globex = await a_staff("Globex").kept(desk.store.begin)
    theirs = MemoryPsa(key="theirs", tickets={TICKET: MemoryTicket()})
    await desk.connect(globex, key="theirs")
    await desk.escalated(reason="canary of acme")
    await desk.escalated(reason="canary of globex", by=globex.anna)

    both = _Both(desk.psa, theirs)
    units = Units(begin=desk.store.begin, committed=lambda _: None, new_id=new_id)
    psas = Psas(vendors={"memory": both}, safe=Safe(vault=desk.vault, clock=desk.clock, new_id=new_id))  # type: ignore[dict-item]
    posting = PostNote(units=units, psas=psas, clock=desk.clock, jitter=lambda: 0.0, redact=as_it_is, base_url="")
    relay = Relay(outbox=desk.store.outbox, begin=desk.store.begin, handlers={WorkKind.PSA_POST: posting}, jitter=lambda: 0.0)
    await relay.run_once()

    assert ["canary of acme" in note for note in desk.notes()] == [True]
    assert ["canary of globex" in note.text for note in theirs.tickets[TICKET].notes] == [True]
    assert [1, 1] == [len(await desk.posts(staff)) for staff in (desk.staff, globex)]


async def test_no_secret_of_a_connection_is_ever_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    desk = await Desk.opened(key="canary-wrong-0000")
    with caplog.at_level(logging.DEBUG):
        await desk.escalated(reason="canary-reason")
        await desk.relayed()
        tested = await desk.product.psa.test(desk.staff.olga, (await desk.connection()).id)

    assert Trouble.WRONG_KEY is tested.trouble
    told = repr([vars(record) for record in caplog.records]) + repr(await desk.posts()) + repr(await desk.connection()) + repr(tested)
    assert "canary-wrong" not in told
    assert "canary-reason" not in repr([vars(record) for record in caplog.records])


async def test_a_test_that_succeeds_mends_a_broken_connection() -> None:
    desk = await Desk.opened()
    connection = await desk.connection()
    async with desk.store.begin(desk.staff.account_id) as work:
        await work.psa.save_health(connection.id, connection.health.refused("the key was wrong"))
        await work.commit()

    tested = await desk.product.psa.test(desk.staff.adam, connection.id)

    assert tested.trouble is None
    assert (Circuit.CLOSED, None) == ((await desk.connection()).health.circuit, (await desk.connection()).health.problem)


@frozen
class _Both:
    """One vendor with two customers, told apart by their keys."""

    ours: MemoryPsa
    theirs: MemoryPsa

    def __getattr__(self, name: str) -> object:
        if name == "vendor":
            return self.ours.vendor

        async def call(access: object, *args: object) -> object:
            psa = self.theirs if access.credentials["key"] == self.theirs.key else self.ours  # type: ignore[attr-defined]
            await asyncio.sleep(0)
            return await getattr(psa, name)(access, *args)

        return call
