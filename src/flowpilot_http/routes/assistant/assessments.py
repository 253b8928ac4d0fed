"""Assessments of an escalation: all of them, one more, and what a senior thinks of one."""

from uuid import UUID

from flowpilot_core.domain.kernel.identifiers import AssessmentId
from flowpilot_core.ports.assistant import JudgedAssessment
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.assistant.assessments import AssessmentOut, JudgedAssessmentOut, NewFeedback
from flowpilot_http.schemas.handoffs.handoffs import HandoffOut
from flowpilot_http.schemas.kernel import Listed, Nothing, Page

part = Part("Assessments")

ASSESSMENTS = "/handoffs/{handoff_id:str}/assessments"
PAGE = "/escalations/{handoff_id:str}"


@part.reads(ASSESSMENTS, Listed[JudgedAssessmentOut], query=Page, problems=("invalid_cursor",), page=PAGE)
async def assessments(request: Call) -> Body:
    """Every assessment of a handoff, newest first, with what it took to make and what seniors think of it."""
    handoff_id = request.handoff_id
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[JudgedAssessment]:
        last = None if after is None else AssessmentId(after)
        return list(await request.flowpilot.assessments.list(request.user, handoff_id, after=last, limit=limit))

    of = f"assessments {handoff_id}"
    return await request.listed(page, of, UUID, more, shown=JudgedAssessmentOut.judged, at=lambda judged: judged.assessment.id)


@part.makes(ASSESSMENTS, AssessmentOut, body=Nothing, problems=("invalid_transition",))
async def assess(request: Call) -> Body:
    """Ask for one more assessment; earlier ones stay. It is made after the answer."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.assessments.ask(request.user, request.handoff_id, request=change), AssessmentOut.of, status=201
    )


@part.moves(f"{ASSESSMENTS}/{{assessment_id:str}}/feedback", HandoffOut, body=NewFeedback, problems=("invalid_transition",))
async def judge_assessment(request: Call) -> Body:
    """Say what you think of an assessment; what you say later replaces it."""
    said = await request.read(NewFeedback)
    return await request.changed(
        lambda change: request.flowpilot.assessments.judge(
            request.user, request.handoff_id, request.assessment_id, verdict=said.verdict, comment=said.comment, request=change
        ),
        HandoffOut.shown,
    )


ROUTES = (assessments, assess, judge_assessment)
