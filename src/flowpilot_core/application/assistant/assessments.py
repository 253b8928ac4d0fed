"""Use cases of an assessment: ask for one again, judge one, read them all."""

from collections.abc import Sequence
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.handoffs.following import HandoffFollower
from flowpilot_core.application.handoffs.handoffs import readable
from flowpilot_core.application.kernel.units import PLAIN, Joined, Request, Units
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, FeedbackVerdict
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AssessmentId, HandoffId
from flowpilot_core.domain.kernel.permissions import Permission, person
from flowpilot_core.ports.assistant import AssistantView, AssistantWork, JudgedAssessment
from flowpilot_core.ports.handoffs import Basis, HandoffDetail, HandoffWork
from flowpilot_core.ports.kernel import Clock, NewId, ViewOf


class AssessmentsNeeds(AssistantWork, HandoffWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Assessments:
    """Assessments of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units[AssessmentsNeeds] | Joined[AssessmentsNeeds]
    view: ViewOf[AssistantView]
    clock: Clock
    new_id: NewId

    async def list(self, actor: Actor, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
        """All of a handoff, newest first, each with what seniors think of it."""
        handoff, found = await self.view(actor.account_id).assessments(handoff_id, after=after, limit=limit)
        handoff.require_readable(actor)
        return found

    async def ask(self, actor: Actor, handoff_id: HandoffId, *, request: Request = PLAIN) -> Assessment:
        """One more of an escalation; earlier ones stay. It is made after the commit."""
        by = person(actor, Permission.ASSESS)

        async def unit(work: AssessmentsNeeds) -> Assessment:
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

        async def unit(work: AssessmentsNeeds) -> HandoffDetail:
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


@frozen(kw_only=True)
class AssessEscalations(HandoffFollower[AssessmentsNeeds]):
    """Has each escalation assessed, after the commit."""

    new_id: NewId

    async def made(self, work: AssessmentsNeeds, basis: Basis, detail: HandoffDetail) -> HandoffDetail:
        """An escalation is to be assessed; a park is not."""
        if detail.handoff.intent is not Intent.ESCALATE:
            return detail
        assessment = Assessment.of(AssessmentId(self.new_id()), detail.handoff)
        await work.assessments.add(assessment)
        return evolve(detail, assessment=assessment)
