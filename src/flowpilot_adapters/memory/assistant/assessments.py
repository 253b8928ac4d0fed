"""Assessments, and where else they show."""

import asyncio

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AssessmentId
from flowpilot_core.ports.relay import WorkKind


@frozen
class MemoryAssessments:
    """The assessments of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, assessment: Assessment) -> None:
        """As `Assessments.add` says."""
        self._work.rows.assessments.put(assessment.id, assessment)
        due_at, rank = self._work.clock.now(), self._work.queue_rank(assessment.handoff_id)
        self._work.rows.due.put(assessment.id, DueWork(id=assessment.id, kind=WorkKind.ASSESSMENT, due_at=due_at, queue_rank=rank))

    async def get(self, assessment_id: AssessmentId) -> Assessment:
        """As `Assessments.get` says."""
        await asyncio.sleep(0)
        found = self._work.rows.assessments.get(assessment_id)
        if found is None:
            raise NotFound("assessment")
        return found

    async def save(self, assessment: Assessment) -> None:
        """As `Assessments.save` says; where else it shows, it shows by being read there."""
        self._work.rows.assessments.put(assessment.id, assessment)

    async def judge(self, feedback: AssessmentFeedback) -> None:
        """As `Assessments.judge` says."""
        self._work.rows.assessment_feedback.put((feedback.assessment_id, feedback.user_id), feedback)
