"""The relay that makes assessments, with a model beside the rules."""

from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.assistant.assessing import MakeAssessment
from flowpilot_core.application.assistant.models import Models
from flowpilot_core.application.assistant.rules_assistant import RulesAssistant
from flowpilot_core.application.flowpilot import reactions
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.ports.assistant import Opinion, Question
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.faults import Faults


class _Model:
    """Says what the rules say, between two fault points."""

    name = "a:model"

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def assess(self, question: Question) -> Opinion:
        opinion: Opinion = await self._faults.call("model.assess", lambda: RulesAssistant().assess(question))
        return opinion


def assessing(begin: BeginWork[UnitOfWork], view: ViewOf[View], outbox: Outbox, faults: Faults) -> Relay:
    """A relay with the fault points of its units of work, its outbox and its model."""
    faulty = faults.begin(begin)
    handler = MakeAssessment(
        units=Units[UnitOfWork](begin=faulty, committed=lambda _: None, new_id=new_id, reactions=reactions(new_id)),
        view=view,
        redact=SecretRedactor(bytes(32), compute_here),
        clock=SystemClock(),
        models=Models(begin=faulty, clock=SystemClock(), assistants=[_Model(faults)], tokens=1_000_000_000),
    )
    return Relay(outbox=faults.outbox(outbox), begin=faulty, handlers={WorkKind.ASSESSMENT: handler}, jitter=lambda: 0.0)
