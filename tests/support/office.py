"""An account in memory with the whole product over it, for tests of use cases."""

from collections.abc import Callable

from attrs import field, frozen

from flowpilot_adapters.memory import MemoryNotifier, MemoryStore
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.access.invitations import SendInvitation
from flowpilot_core.application.access.sign_in_codes import SendSignInCode
from flowpilot_core.application.assistant.assessing import MakeAssessment
from flowpilot_core.application.flowpilot import FlowPilot, reactions
from flowpilot_core.application.handoffs.quiet_claims import WatchClaims
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.notifications.policy_steps import TakePolicySteps
from flowpilot_core.application.notifications.push_record import NotePush
from flowpilot_core.application.notifications.telling import Telling
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId, SessionId
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import SetClock, Staff, a_staff
from flowpilot_core.testing.redaction import as_it_is
from tests.support.product import a_product

NODE = new_id()
"""Where people are online."""


@frozen(kw_only=True)
class Office:
    """Its people, a clock that stands still, a mailbox, and everything that FlowPilot does."""

    staff: Staff
    store: MemoryStore
    clock: SetClock = field(factory=SetClock)
    mailbox: MemoryNotifier = field(factory=MemoryNotifier)

    @classmethod
    async def opened(cls, name: str = "Acme", *, clock: SetClock | None = None) -> "Office":
        """With `clock`, the store too goes by it, so that what is due later comes when it is set."""
        store = MemoryStore(clock=clock or SystemClock(), new_token=new_id)
        return cls(staff=await a_staff(name).kept(store.begin), store=store, clock=clock or SetClock())

    @property
    def product(self) -> FlowPilot:
        return self.product_over(self.store.begin)

    def product_over(self, begin: BeginWork[UnitOfWork], *, committed: Callable[[AccountId], None] = lambda _: None) -> FlowPilot:
        """The product over other units of work."""
        return a_product(self.store, begin=begin, clock=self.clock, committed=committed)

    @property
    def relay(self) -> Relay:
        sending = SendDelivery(
            units=Units(begin=self.store.begin, committed=lambda _: None, new_id=new_id),
            notifier=self.mailbox,
            clock=self.clock,
            jitter=lambda: 0.0,
            links=Links.of("https://flowpilot.example", bytes(32)),
            redact=as_it_is,
            mail_domain="mail.example",
        )
        units = Units(begin=self.store.begin, committed=lambda _: None, new_id=new_id, reactions=reactions(new_id))
        assessing = MakeAssessment(units=units, view=self.store.view, redact=as_it_is, clock=self.clock)
        inviting = SendInvitation(
            begin=self.store.begin,
            notifier=self.mailbox,
            clock=self.clock,
            jitter=lambda: 0.0,
            new_secret=new_secret,
            base_url="https://flowpilot.example",
            mail_domain="mail.example",
        )
        coding = SendSignInCode(
            begin=self.store.begin,
            notifier=self.mailbox,
            clock=self.clock,
            jitter=lambda: 0.0,
            new_secret=new_secret,
            mail_domain="mail.example",
        )
        handlers: dict[WorkKind, Handler] = {
            WorkKind.DELIVERY: sending,
            WorkKind.PUSH: NotePush(begin=self.store.begin, clock=self.clock, settled=lambda _: None),
            WorkKind.ASSESSMENT: assessing,
            WorkKind.POLICY_STEP: TakePolicySteps(units=units, clock=self.clock, new_id=new_id),
            WorkKind.QUIET_CLAIM: WatchClaims(units=units, clock=self.clock, followers=(Telling(new_id=new_id),)),
            WorkKind.INVITATION: inviting,
            WorkKind.SIGN_IN_CODE: coding,
        }
        return Relay(outbox=self.store.outbox, begin=self.store.begin, handlers=handlers, jitter=lambda: 0.0)

    async def online(self, *people: Person) -> None:
        """They have a stream of events open, and nobody else."""
        async with self.store.begin(self.staff.account_id) as work:
            await work.presence.here(NODE, {person.user_id for person in people}, seconds=3600)
            await work.commit()

    async def session(self, by: Person | None = None) -> SessionId:
        """A new session, Anna's if not said whose."""
        started = await self.product.sessions.start(by or self.staff.anna, title="Printer offline", problem="It prints nothing.")
        return started.session.id

    async def handed_off(self, intent: Intent, by: Person | None = None) -> HandoffId:
        """A handoff of a new session."""
        actor = by or self.staff.anna
        made = await self.product.handoffs.hand_off(actor, await self.session(actor), intent=intent, reason="stuck")
        return made.handoff.id

    async def escalation(self, by: Person | None = None) -> HandoffId:
        return await self.handed_off(Intent.ESCALATE, by)

    async def park(self, by: Person | None = None) -> HandoffId:
        return await self.handed_off(Intent.PARK, by)

    async def happened(self) -> list[EventKind]:
        """What is in the log of the account."""
        events = await self.store.view(self.staff.account_id).events(after=0, limit=10_000)
        return [logged.event.kind for logged in events]
