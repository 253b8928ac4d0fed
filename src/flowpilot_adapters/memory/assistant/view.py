"""What there is to see of assessments, suggestions and similar sessions in one account."""

from collections.abc import Sequence

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.assistant import suggestions
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_adapters.memory.tables import Working
from flowpilot_core.domain.assistant.assessment import Assessment
from flowpilot_core.domain.assistant.similar_sessions import ResolvedSession
from flowpilot_core.domain.assistant.suggestion import Suggestion
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.identifiers import AssessmentId, HandoffId, SessionId
from flowpilot_core.ports.assistant import JudgedAssessment


class MemoryAssistantView(MemoryReading):
    """As `AssistantView` says."""

    async def assessments(
        self, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int
    ) -> tuple[Handoff, Sequence[JudgedAssessment]]:
        """As `AssistantView.assessments` says."""
        rows = await self._now()
        return reading.handoff(rows, handoff_id), _judged_of(rows, handoff_id, after=after, limit=limit)

    async def suggestions(self, session_id: SessionId) -> Sequence[Suggestion]:
        """As `AssistantView.suggestions` says."""
        return suggestions.of_session(await self._now(), session_id)[::-1]

    async def similar(self, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
        """As `AssistantView.similar` says."""
        return suggestions.similar(await self._now(), words, title, without=without, limit=limit)


def _judged_of(rows: Working, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
    """All of a handoff, newest first."""
    page = sorted(
        (one for one in reading.assessments_of(rows, handoff_id) if after is None or one.id < after), key=lambda one: one.id, reverse=True
    )[:limit]
    return [_judged(rows, one) for one in page]


def _judged(rows: Working, assessment: Assessment) -> JudgedAssessment:
    said = sorted(
        (one for one in rows.assessment_feedback.values() if one.assessment_id == assessment.id), key=lambda one: (one.at, one.user_id)
    )
    people = [one.user_id for one in said] + ([assessment.requested_by] if assessment.requested_by else [])
    names = {user_id: user.name for user_id in people if (user := rows.users.get(user_id))}
    return JudgedAssessment(assessment=assessment, feedback=tuple(said), names=names)
