"""The assistant that needs nobody: the rules of the domain behind the port."""

from attrs import frozen

from flowpilot_core.domain.assistant import rules as assessor
from flowpilot_core.domain.assistant.assessment import Origin
from flowpilot_core.domain.handoffs.case_file import CaseFile
from flowpilot_core.ports.assistant import Opinion, Question

PROVIDER = "rules"
ORIGIN = Origin(provider=PROVIDER, prompt_version=assessor.VERSION)


@frozen
class RulesAssistant:
    """Deterministic, offline, and done at once."""

    @property
    def name(self) -> str:
        """As `Assistant.name` says."""
        return PROVIDER

    async def assess(self, question: Question) -> Opinion:
        """As `Assistant.assess` says; it never refuses."""
        return Opinion(draft=assessor.assess(CaseFile.of(question.snapshot), question.similar), origin=ORIGIN)
