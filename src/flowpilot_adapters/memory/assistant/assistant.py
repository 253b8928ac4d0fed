"""An assistant that says what it was told to."""

import asyncio
from collections import deque

from flowpilot_core.domain.assistant.assessment import Origin
from flowpilot_core.domain.assistant.diagnosis import Draft
from flowpilot_core.ports.assistant import NotAssessed, Opinion, Question

ORIGIN = Origin(provider="scripted", model="a-script", prompt_version="script-1", tokens_in=100, tokens_out=50)


class MemoryAssistant:
    """Keeps what it was asked in `questions`, and answers by its script; without one it declines."""

    def __init__(self, name: str = "scripted:a-script") -> None:
        self.name = name
        self.questions: list[Question] = []
        self._outcomes: deque[Draft | BaseException] = deque()

    def script(self, *outcomes: Draft | BaseException) -> None:
        """What the next questions come to, one each."""
        self._outcomes.extend(outcomes)

    async def assess(self, question: Question) -> Opinion:
        """As `Assistant.assess` says."""
        await asyncio.sleep(0)
        self.questions.append(question)
        outcome = self._outcomes.popleft() if self._outcomes else NotAssessed("it declines to answer")
        if isinstance(outcome, Draft):
            return Opinion(draft=outcome, origin=ORIGIN)
        raise outcome
