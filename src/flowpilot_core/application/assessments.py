"""Use cases of an assessment: ask for one again, judge one, read them all."""

from collections.abc import Sequence

from attrs import frozen

from flowpilot_core.domain.actor import Actor, Permission
from flowpilot_core.domain.assessment import Assessment, AssessmentFeedback, FeedbackVerdict
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.identifiers import AssessmentId, HandoffId
from flowpilot_core.ports.assessments import JudgedAssessment
from flowpilot_core.ports.clock import Clock, NewId
from flowpilot_core.ports.persistence import HandoffDetail, UnitOfWork, ViewOf

from .handoffs import readable
from .sessions import person
from .units import PLAIN, Joined, Request, Units


@frozen(kw_only=True)
class Assessments:
    """Assessments of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units | Joined
    view: ViewOf
    clock: Clock
    new_id: NewId

    async def list(self, actor: Actor, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
        """All of a handoff, newest first, each with what seniors think of it."""
        view = self.view(actor.account_id)
        readable(await view.handoff(handoff_id), actor)
        return await view.assessments(handoff_id, after=after, limit=limit)

    async def ask(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> Assessment:
        """One more of an escalation; earlier ones stay. It is made after the commit."""
        by = person(actor, Permission.ASSESS)

        async def unit(work: UnitOfWork) -> Assessment:
            handoff = await work.handoffs.get(handoff_id)
            handoff.require_readable(actor)
            asked = Assessment.asked(AssessmentId(self.new_id()), handoff, by=by, at=self.clock.now())
            handoff.require_version(request.if_match)
            await work.assessments.add(asked)
            return asked

        return await self.units.run(actor, unit, request)

    async def judge(
        self,
        actor: Actor,
        handoff_id: HandoffId,
        assessment_id: AssessmentId,
        *,
        verdict: FeedbackVerdict,
        comment: str | None = None,
        request: Request = PLAIN,
    ) -> HandoffDetail:
        """Say what one thinks of an assessment; again replaces. Returns the handoff as it is."""
        by = person(actor, Permission.FEEDBACK)

        async def unit(work: UnitOfWork) -> HandoffDetail:
            handoff = await work.handoffs.get(handoff_id)
            handoff.require_readable(actor)
            assessment = await work.assessments.get(assessment_id)
            if assessment.handoff_id != handoff_id:
                raise NotFound("assessment")
            feedback = AssessmentFeedback.given(assessment, verdict, comment, by=by, at=self.clock.now())
            handoff.require_version(request.if_match)
            await work.assessments.judge(feedback)
            return readable(await work.handoffs.detail(handoff_id), actor)

        return await self.units.run(actor, unit, request)
