"""The assistant that needs nobody: the rules of the domain behind the port."""

from attrs import frozen

from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.domain.assistant import rules as assessor
from flowpilot_core.domain.assistant.assessment import Origin
from flowpilot_core.domain.assistant.diagnosis import Draft
from flowpilot_core.domain.handoffs.case_file import CaseFile
from flowpilot_core.ports.assistant import Opinion, Question
from flowpilot_core.ports.kernel import Compute

PROVIDER = "rules"
ORIGIN = Origin(provider=PROVIDER, prompt_version=assessor.VERSION)


@frozen
class RulesAssistant:
    """Deterministic and offline."""

    compute: Compute = compute_here

    @property
    def name(self) -> str:
        """As `Assistant.name` says."""
        return PROVIDER

    async def assess(self, question: Question) -> Opinion:
        """As `Assistant.assess` says; it never refuses."""
        return Opinion(draft=await self.compute(question.account_id, drafted, question), origin=ORIGIN)


def drafted(question: Question) -> Draft:
    """What the rules make of it."""
    return assessor.assess(CaseFile.of(question.snapshot), question.similar)
