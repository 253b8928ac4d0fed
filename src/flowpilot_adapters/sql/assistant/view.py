"""What there is to see of assessments, suggestions and similar sessions in one account."""

from collections.abc import Sequence

from flowpilot_adapters.sql.assistant import assessments, suggestions
from flowpilot_adapters.sql.queries import HANDOFF_BY_ID, HIGHEST
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import assistant as assistant_records
from flowpilot_adapters.sql.records import handoffs as handoffs_records
from flowpilot_core.domain.assistant.similar_sessions import ResolvedSession
from flowpilot_core.domain.assistant.suggestion import Suggestion
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.identifiers import AssessmentId, HandoffId, SessionId
from flowpilot_core.ports.assistant import JudgedAssessment


class SqlAssistantView(SqlReading):
    """As `AssistantView` says."""

    async def assessments(
        self, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int
    ) -> tuple[Handoff, Sequence[JudgedAssessment]]:
        """As `AssistantView.assessments` says."""
        handoff, *found = await self._read(
            HANDOFF_BY_ID(account_id=self._account_id, id=handoff_id),
            *assessments.page_calls(self._account_id, handoff_id, before=after or HIGHEST, most=limit),
        )
        return handoffs_records.the_one(handoff.first), assessments.page_of(found)

    async def suggestions(self, session_id: SessionId) -> Sequence[Suggestion]:
        """As `AssistantView.suggestions` says."""
        found = await self._read_one(suggestions.OF(account_id=self._account_id, session_id=session_id))
        return [assistant_records.suggestion(row) for row in reversed(found.rows)]

    async def similar(self, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
        """As `AssistantView.similar` says."""
        call = suggestions.similar_call(self._account_id, words, title, without=without, limit=limit)
        return suggestions.similar_of(await self._read_one(call))
