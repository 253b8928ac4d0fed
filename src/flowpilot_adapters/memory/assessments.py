"""Assessments, and where else they show."""

import asyncio
from collections.abc import Sequence

from attrs import evolve, frozen

from flowpilot_core.domain.assessment import Assessment, AssessmentFeedback, AssessmentState
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.handoff import Handoff
from flowpilot_core.domain.identifiers import AssessmentId, HandoffId
from flowpilot_core.domain.session import Session
from flowpilot_core.ports.assessments import JudgedAssessment
from flowpilot_core.ports.outbox import WorkKind

from .tables import DueWork, Working
from .transaction import Transaction


@frozen
class MemoryAssessments:
    """The assessments of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, assessment: Assessment) -> None:
        """As `Assessments.add` says."""
        self._work.rows.assessments.put(assessment.id, assessment)
        self._work.rows.due.put(assessment.id, DueWork(id=assessment.id, kind=WorkKind.ASSESSMENT, due_at=self._work.clock.now()))

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


def shown(rows: Working, handoff_id: HandoffId) -> Assessment | None:
    """The newest of a handoff that did not fail, or else the newest."""
    of_handoff = sorted(_of(rows, handoff_id), key=lambda one: (one.state is not AssessmentState.FAILED, one.id))
    return of_handoff[-1] if of_handoff else None


def stored(rows: Working, handoff_id: HandoffId) -> Assessment | None:
    """The one of a handoff that was stored last."""
    made = sorted((one for one in _of(rows, handoff_id) if one.state is AssessmentState.READY), key=lambda one: (one.made_at, one.id))
    return made[-1] if made else None


def with_headline(rows: Working, handoff: Handoff) -> Handoff:
    """A handoff with the headline of its stored assessment, for the queue."""
    made = stored(rows, handoff.id)
    return evolve(handoff, brief=evolve(handoff.brief, headline=made.diagnosis.headline)) if made and made.diagnosis else handoff


def with_package(rows: Working, session: Session) -> Session:
    """A session with the stored assessment in its escalation package."""
    package = session.escalation_package
    if package is None or session.latest_handoff_id is None:
        return session
    made = next((stored(rows, one.id) for one in rows.handoffs.values() if str(one.id) == package["handoff_id"]), None)
    return evolve(session, escalation_package={**package, "assessment": made.plain()}) if made else session


def judged(rows: Working, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
    """All of a handoff, newest first."""
    page = sorted((one for one in _of(rows, handoff_id) if after is None or one.id < after), key=lambda one: one.id, reverse=True)[:limit]
    return [_judged(rows, one) for one in page]


def _judged(rows: Working, assessment: Assessment) -> JudgedAssessment:
    said = sorted(
        (one for one in rows.assessment_feedback.values() if one.assessment_id == assessment.id), key=lambda one: (one.at, one.user_id)
    )
    people = [one.user_id for one in said] + ([assessment.requested_by] if assessment.requested_by else [])
    names = {user_id: user.name for user_id in people if (user := rows.users.get(user_id))}
    return JudgedAssessment(assessment=assessment, feedback=tuple(said), names=names)


def _of(rows: Working, handoff_id: HandoffId) -> list[Assessment]:
    return [one for one in rows.assessments.values() if one.handoff_id == handoff_id]
