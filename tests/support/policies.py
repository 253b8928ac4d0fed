"""An escalation whose policy, and a claim whose quiet, somebody looks after and dies over."""

from attrs import frozen

from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot, reactions
from flowpilot_core.application.handoffs.quiet_claims import WatchClaims
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.notifications.policy_steps import TakePolicySteps
from flowpilot_core.application.notifications.telling import Telling
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.notifications.delivery import Delivery, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyStep, Target, Whom
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, SetClock, Staff, a_staff

EVERYBODY = (Target(kind=Whom.EVERYBODY),)
POLICY = EscalationPolicy(
    steps=(PolicyStep(after=0 * MINUTE, whom=EVERYBODY), PolicyStep(after=30 * 24 * 60 * MINUTE, whom=EVERYBODY)),
    claim_quiet_minutes=5,
)


@frozen(kw_only=True)
class Waiting:
    """An escalation of long ago with a policy, and who is there."""

    staff: Staff
    handoff_id: HandoffId

    @classmethod
    async def of(cls, begin: BeginWork[UnitOfWork], view: ViewOf[View], *, now: bool, claimed: bool = False) -> "Waiting":
        """A new one in an account of its own, of now or of long ago, or claimed long ago and never looked at since."""
        staff = await a_staff(f"Waiting {new_id()}").kept(begin)
        clock = SystemClock() if now else SetClock()
        product = FlowPilot.of(begin=begin, view=view, clock=clock, new_id=new_id, new_secret=new_secret, tell=True, assess=False)
        await product.escalation.set_policy(staff.olga, POLICY)
        session = await product.sessions.start(staff.anna, title="Printer offline", problem="It prints nothing.")
        made = await product.handoffs.hand_off(staff.anna, session.session.id, intent=Intent.ESCALATE, reason="stuck")
        if claimed:
            await product.handoffs.claim(staff.ben, made.handoff.id)
        return cls(staff=staff, handoff_id=made.handoff.id)

    async def told(self, view: ViewOf[View], kind: DeliveryKind) -> list[Delivery]:
        """The messages of a kind."""
        found = (await view(self.staff.account_id).deliveries(self.handoff_id, after=None, limit=200))[1]
        return [one for one in found if one.kind is kind]

    async def happened(self, view: ViewOf[View], kind: EventKind) -> int:
        """How often something did."""
        events = await view(self.staff.account_id).events(after=0, limit=200)
        return sum(logged.event.kind is kind for logged in events)


def a_watch(begin: BeginWork[UnitOfWork], outbox: Outbox) -> Relay:
    """A relay for what time does, and for nothing else."""
    units = Units(begin=begin, committed=lambda _: None, new_id=new_id, reactions=reactions(new_id))
    handlers: dict[WorkKind, Handler] = {
        WorkKind.POLICY_STEP: TakePolicySteps(units=units, clock=SystemClock(), new_id=new_id),
        WorkKind.QUIET_CLAIM: WatchClaims(units=units, clock=SystemClock(), followers=(Telling(new_id=new_id),)),
    }
    return Relay(outbox=outbox, begin=begin, handlers=handlers, jitter=jitter)
