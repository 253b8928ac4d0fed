"""Assessments, and what seniors think of them."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, AssessmentState, FeedbackVerdict
from flowpilot_core.domain.assistant.diagnosis import Cause, Confidence, Statement
from flowpilot_core.ports.assistant import JudgedAssessment
from flowpilot_http.schemas.kernel import Closed, Instant, MaybeText, PersonOut, person


class NewFeedback(Closed, kw_only=True, frozen=True):
    """What you think of an assessment; again replaces."""

    verdict: FeedbackVerdict
    comment: Annotated[MaybeText | None, Meta(examples=["The switch had been ruled out in step 4"])] = None


class StatementOut(msgspec.Struct, kw_only=True, frozen=True):
    """Something said, with the steps of the snapshot that show it."""

    text: str
    cites: list[UUID]
    unsupported: Annotated[bool | UnsetType, Meta(description="True where no step shows it; left out otherwise.")] = UNSET

    @classmethod
    def of(cls, statement: Statement) -> "StatementOut":
        """As clients read it."""
        return cls(text=statement.text, cites=list(statement.cites), unsupported=True if statement.unsupported else UNSET)


class CauseOut(msgspec.Struct, kw_only=True, frozen=True, rename={"steps_for": "for"}):
    """What may be wrong, with the steps for and against it."""

    cause: str
    confidence: Confidence
    steps_for: list[UUID]
    against: list[UUID]

    @classmethod
    def of(cls, cause: Cause) -> "CauseOut":
        """As clients read it."""
        return cls(cause=cause.cause, confidence=cause.confidence, steps_for=list(cause.steps_for), against=list(cause.against))


class AssessmentOut(msgspec.Struct, kw_only=True, frozen=True):
    """The diagnosis for the senior, beside the snapshot; `skipped` where nobody assesses.

    While it is pending, what the rules say may stand in it until a model has answered.
    """

    id: UUID | None = None
    state: AssessmentState = AssessmentState.SKIPPED
    provider: Annotated[str | None, Meta(description="`rules`, or a vendor.")] = None
    model: str | None = None
    snapshot_digest: str | None = None
    made_at: Instant | None = None
    headline: str | None = None
    summary: list[StatementOut] = []
    likely_causes: Annotated[list[CauseOut], Meta(description="Likeliest first.")] = []
    ruled_out: list[StatementOut] = []
    next_steps: Annotated[list[StatementOut], Meta(description="In the order to take them.")] = []
    questions: Annotated[list[StatementOut], Meta(description="For the escalator.")] = []
    risk: str | None = None
    dropped_citations: Annotated[int, Meta(description="Citations of anything but a step of the snapshot.")] = 0
    problem: Annotated[str | None, Meta(description="Why there is none, or why it is the rules' and no model's.")] = None

    @classmethod
    def of(cls, assessment: Assessment | None) -> "AssessmentOut":
        """As clients read it."""
        if assessment is None:
            return _SKIPPED
        return cls(**_common(assessment))


_SKIPPED = AssessmentOut()


class FeedbackOut(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody thinks of it."""

    by: PersonOut
    verdict: FeedbackVerdict
    comment: str | None
    at: Instant

    @classmethod
    def of(cls, feedback: AssessmentFeedback, judged: JudgedAssessment) -> "FeedbackOut":
        """As clients read it."""
        return cls(by=person(feedback.user_id, judged.names), verdict=feedback.verdict, comment=feedback.comment, at=feedback.at)


class JudgedAssessmentOut(AssessmentOut, kw_only=True, frozen=True):
    """An assessment with what it took to make and what seniors think of it."""

    requested_by: Annotated[PersonOut | None, Meta(description="Null: it came with the escalation.")]
    requested_at: Instant
    prompt_version: str | None
    tokens_in: int
    tokens_out: int
    cost_micros: Annotated[int | None, Meta(description="In millionths of a dollar; null where nobody said what the model costs.")]
    latency_ms: int
    feedback: list[FeedbackOut]

    @classmethod
    def judged(cls, judged: JudgedAssessment) -> "JudgedAssessmentOut":
        """As clients read it."""
        assessment, origin = judged.assessment, judged.assessment.origin
        return cls(
            **_common(assessment),
            requested_by=person(assessment.requested_by, judged.names) if assessment.requested_by else None,
            requested_at=assessment.requested_at,
            prompt_version=origin.prompt_version if origin else None,
            tokens_in=origin.tokens_in if origin else 0,
            tokens_out=origin.tokens_out if origin else 0,
            cost_micros=origin.cost_micros if origin else None,
            latency_ms=origin.latency_ms if origin else 0,
            feedback=[FeedbackOut.of(one, judged) for one in judged.feedback],
        )


def _common(assessment: Assessment) -> dict[str, Any]:
    origin, said = assessment.origin, assessment.diagnosis
    return {
        "id": assessment.id,
        "state": assessment.state,
        "provider": origin and origin.provider,
        "model": origin and origin.model,
        "snapshot_digest": assessment.snapshot_digest,
        "made_at": assessment.made_at,
        "headline": said and said.headline,
        "summary": [StatementOut.of(one) for one in said.summary] if said else [],
        "likely_causes": [CauseOut.of(one) for one in said.likely_causes] if said else [],
        "ruled_out": [StatementOut.of(one) for one in said.ruled_out] if said else [],
        "next_steps": [StatementOut.of(one) for one in said.next_steps] if said else [],
        "questions": [StatementOut.of(one) for one in said.questions] if said else [],
        "risk": said and said.risk,
        "dropped_citations": said.dropped_citations if said else 0,
        "problem": assessment.problem,
    }
