"""One escalation, made under faults, and the judge of what it left behind."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from attrs import frozen

from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Request, Units
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.canonical_json import digest
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId, SessionId, UserId
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.handoffs import HandoffDetail
from flowpilot_core.ports.kernel import AlreadyAnswered, Answer, BeginWork, Once, ViewOf
from flowpilot_core.ports.notifications import Notifier
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, a_session, a_staff
from flowpilot_core.testing.redaction import as_it_is
from flowpilot_http.app import create_app
from flowpilot_http.middleware import Edge
from flowpilot_http.readiness import Probe, Readiness

ESCALATE = {"intent": "escalate", "reason": "I am stuck"}
KEY = "tried-once"


@frozen(kw_only=True)
class Stuck:
    """Anna is stuck: her account, and her session as it was before she escalates it."""

    staff: Staff
    before: SessionDetail

    @property
    def account_id(self) -> AccountId:
        """The account."""
        return self.staff.account_id

    @property
    def session_id(self) -> SessionId:
        """The session."""
        return self.before.session.id

    @property
    def told(self) -> set[str]:
        """The addresses of whoever is told when she escalates."""
        return {self.staff.user(person).email for person in (self.staff.olga, self.staff.adam, self.staff.ben)}

    @property
    def path(self) -> str:
        """Where her escalation is posted to."""
        return f"/ai-sessions/{self.session_id}/handoff"

    async def signed_in(self, begin: BeginWork[UnitOfWork]) -> dict[str, str]:
        """The headers of Anna's request, which is to be done once."""
        _, token = await a_flowpilot(begin, no_view).accounts.add_token(self.account_id, self.staff.anna.user_id)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": KEY}

    async def escalate(self, begin: BeginWork[UnitOfWork], *, key: str = KEY, user_id: UserId | None = None) -> HandoffId:
        """Anna escalates, or asks again with the same key: the handoff she is answered with."""
        flowpilot = a_flowpilot(begin, no_view)
        try:
            done = await flowpilot.handoffs.hand_off(
                self.staff.anna,
                self.session_id,
                intent=Intent.ESCALATE,
                reason="I am stuck",
                user_id=user_id,
                request=self.request(key),
            )
        except AlreadyAnswered as again:
            return HandoffId(UUID(again.answer.body.decode()))
        return done.handoff.id

    def request(self, key: str) -> Request:
        """A request that is done once."""
        once = Once(user_id=self.staff.anna.user_id, key=key, fingerprint=sha256(b"escalate").digest(), at=NOON, expired=NOON)
        return Request(id="the request", once=once, render=_answer)


async def stuck(begin: BeginWork[UnitOfWork], view: ViewOf[View]) -> Stuck:
    """A new account, with addresses that no other has, in which Anna is stuck."""
    staff = await a_staff(f"Stuck {new_id()}").kept(begin)
    case = await a_session(by=staff.anna).step("rebooted it").kept(begin)
    return Stuck(staff=staff, before=await view(staff.account_id).session(case.id))


async def an_account(url: str) -> tuple[str, str]:
    """A new account of three engineers, one of whom the token that goes with its id is for."""
    database = Database(url, pool_size=1)
    accounts = a_flowpilot(database.begin, database.view).accounts
    account = await accounts.create("Acme")
    users = [
        await accounts.add_user(account.id, email=f"{name.lower()}@example.test", name=name, role=Role.ENGINEER)
        for name in ("Anna", "Ben", "Cleo")
    ]
    _, token = await accounts.add_token(account.id, users[0].id)
    await database.close()
    return str(account.id), token


def a_flowpilot(begin: BeginWork[UnitOfWork], view: ViewOf[View]) -> FlowPilot:
    """The use cases over these ports."""
    return FlowPilot.of(begin=begin, view=view, clock=SystemClock(), new_id=new_id, new_secret=new_secret, assess=False)


async def always_ready() -> Readiness:
    """Nothing is ever wrong."""
    return Readiness(problems={})


def an_app(flowpilot: FlowPilot, probe: Probe = always_ready) -> Edge:
    """The API before them."""
    return create_app(
        flowpilot,
        clock=SystemClock(),
        new_id=new_id,
        new_secret=new_secret,
        secret_keys=[bytes(32)],
        base_url="https://flowpilot.example",
        probe=probe,
    )


def a_relay(begin: BeginWork[UnitOfWork], outbox: Outbox, notifier: Notifier) -> Relay:
    """The relay over these ports."""
    sending = SendDelivery(
        units=Units(begin=begin, committed=lambda _: None, new_id=new_id),
        notifier=notifier,
        clock=SystemClock(),
        jitter=jitter,
        links=Links.of("https://flowpilot.example", bytes(32)),
        redact=as_it_is,
        mail_domain="flowpilot.example",
    )
    return Relay(outbox=outbox, begin=begin, handlers={WorkKind.DELIVERY: sending}, jitter=jitter)


async def left_behind(stuck: Stuck, view: ViewOf[View]) -> HandoffId | None:
    """The handoff that is there with all that belongs to it, or None where nothing at all happened; fails for anything in between."""
    seen = view(stuck.account_id)
    detail = await seen.session(stuck.session_id)
    escalated = [logged.event for logged in await seen.events(after=0, limit=1_000) if logged.event.kind is EventKind.HANDOFF_ESCALATED]
    if detail == stuck.before:
        assert [] == escalated
        return None
    (handoff,) = detail.handoffs
    package = detail.session.escalation_package
    snapshot = await seen.snapshot(handoff.id)
    deliveries = (await seen.deliveries(handoff.id, after=None, limit=100))[1]
    people = {stuck.staff.user(person).email: person.user_id for person in stuck.staff.people}
    assert (Status.ESCALATED, handoff.id) == (detail.session.status, detail.session.latest_handoff_id)
    assert package is not None
    assert str(handoff.id) == package["handoff_id"]
    assert [handoff.id] == [event.handoff_id for event in escalated]
    assert handoff.snapshot_digest == digest(snapshot.body)
    assert {people[address] for address in stuck.told} == {delivery.user_id for delivery in deliveries}
    assert len(stuck.told) == len(deliveries)
    return handoff.id


async def heard(stuck: Stuck, begin: BeginWork[UnitOfWork], view: ViewOf[View], outbox: Outbox) -> Sequence[str]:
    """Whom a relay tells of it once it has done all that is due."""
    notifier = MemoryNotifier()
    relay = a_relay(begin, outbox, notifier)
    while await relay.run_once():
        pass
    ours = {user.email for user in stuck.staff.users}
    return sorted(message.to for message in notifier.messages if message.to in ours)


def no_view(account_id: AccountId) -> View:
    """Using this fails: an escalate looks at nothing outside of its unit of work."""
    raise AssertionError("nothing is viewed here")


def _answer(done: HandoffDetail) -> Answer:
    return Answer(status=201, body=str(done.handoff.id).encode())
