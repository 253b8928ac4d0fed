"""Where assessments are kept, and what seniors think of them."""

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.assessment import Assessment, AssessmentFeedback
from flowpilot_core.domain.identifiers import AssessmentId, UserId


@frozen(kw_only=True)
class JudgedAssessment:
    """An assessment with what people think of it."""

    assessment: Assessment
    feedback: tuple[AssessmentFeedback, ...]
    """Oldest first."""
    names: Mapping[UserId, str]
    """What everybody on record here is called."""


class Assessments(Protocol):
    """The assessments of one account, inside one unit of work."""

    async def add(self, assessment: Assessment) -> None:
        """Keep a new one, with the work of making it due at once."""

    async def get(self, assessment_id: AssessmentId) -> Assessment:
        """Raises `NotFound`."""

    async def save(self, assessment: Assessment) -> None:
        """Keep a changed one.

        Once it is ready it stands in its session's escalation package too, where that is of its handoff; the session's
        version stays as it is.
        """

    async def judge(self, feedback: AssessmentFeedback) -> None:
        """Keep what somebody thinks of one, in place of what they thought before."""
