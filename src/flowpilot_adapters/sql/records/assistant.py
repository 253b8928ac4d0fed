"""Rows about the assistant as values of the domain."""

import json
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from flowpilot_adapters.sql.records.kernel import record
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, AssessmentState, Origin
from flowpilot_core.domain.assistant.diagnosis import Cause, Confidence, Diagnosis, Statement
from flowpilot_core.domain.assistant.suggestion import Suggestion, SuggestionState
from flowpilot_core.domain.kernel.identifiers import StepId
from flowpilot_core.domain.sessions.step import StepKind

assessment_feedback: Final = record(AssessmentFeedback)


def assessment(row: Any) -> Assessment:
    """An assessment with its diagnosis."""
    origin = row.provider and Origin(
        provider=row.provider,
        model=row.model,
        prompt_version=row.prompt_version,
        tokens_in=row.tokens_in,
        tokens_out=row.tokens_out,
        cost_micros=row.cost_micros,
        latency_ms=row.latency_ms,
    )
    return Assessment(
        id=row.id,
        handoff_id=row.handoff_id,
        state=AssessmentState(row.state),
        snapshot_digest=row.snapshot_digest,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        made_at=row.made_at,
        origin=origin or None,
        diagnosis=_diagnosis(json.loads(row.body)) if row.body else None,
        problem=row.problem,
    )


def assessment_beside(row: Any) -> Assessment | None:
    """The assessment in a row of something else, whose columns are called `assessment_…`."""
    if row.assessment_id is None:
        return None
    of_assessment = {name.removeprefix("assessment_"): value for name, value in row._asdict().items() if name.startswith("assessment_")}
    return assessment(SimpleNamespace(**of_assessment))


def _diagnosis(body: Mapping[str, Any]) -> Diagnosis:
    return Diagnosis(
        headline=body["headline"],
        **{sort: _statements(body[sort]) for sort in ("summary", "ruled_out", "next_steps", "questions")},
        likely_causes=tuple(
            Cause(
                cause=one["cause"],
                confidence=Confidence(one["confidence"]),
                steps_for=_step_ids(one["for"]),
                against=_step_ids(one["against"]),
            )
            for one in body["likely_causes"]
        ),
        risk=body["risk"],
        dropped_citations=body["dropped_citations"],
    )


def _statements(said: Iterable[Mapping[str, Any]]) -> tuple[Statement, ...]:
    return tuple(Statement(text=one["text"], cites=_step_ids(one["cites"])) for one in said)


def _step_ids(cited: Iterable[str]) -> tuple[StepId, ...]:
    return tuple(StepId(UUID(one)) for one in cited)


def suggestion(row: Any) -> Suggestion:
    """A next step that was proposed."""
    return Suggestion(
        id=row.id,
        session_id=row.session_id,
        branch_id=row.branch_id,
        state=SuggestionState(row.state),
        source=row.source,
        kind=StepKind(row.kind),
        content=row.content,
        cites=tuple(row.cites),
        reason=row.reason,
        step_id=row.step_id,
        node_id=row.node_id,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
    )
