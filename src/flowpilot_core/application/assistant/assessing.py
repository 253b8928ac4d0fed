"""Making an assessment: read the snapshot, have it looked at, check what is said of it, store that."""

import logging
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.domain.assistant.assessment import WHY, Assessment, AssessmentState, why_not_assess
from flowpilot_core.domain.assistant.diagnosis import Draft, checked
from flowpilot_core.domain.assistant.doings import InVain
from flowpilot_core.domain.handoffs.case_file import CaseFile, snapshot_of
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AssessmentId, StepId
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import AssistantView, AssistantWork, Opinion, Question, Redactor
from flowpilot_core.ports.handoffs import HandoffView, HandoffWork
from flowpilot_core.ports.kernel import Clock, Compute, ViewOf
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionView, SessionWork

from .models import Models
from .redaction import case_of
from .rules_assistant import RulesAssistant
from .similar_sessions import cases_of, cleaned, similar_to


class AssessingNeeds(AssistantWork, HandoffWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


class AssessingSees(AssistantView, HandoffView, SessionView, Protocol):
    """What is done here asks this of a view."""


log = logging.getLogger("flowpilot.assessments")


@frozen(kw_only=True)
class Task:
    """An assessment that is to be made, with all it is made from."""

    assessment: Assessment
    handoff: Handoff
    question: Question

    @property
    def steps(self) -> list[StepId]:
        """What may be cited."""
        steps = self.question.snapshot["steps"]
        return [StepId(UUID(str(step["id"]))) for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


@frozen(kw_only=True)
class MakeAssessment:
    """Does the work of one assessment: take, ask, settle. Nobody is ever asked inside a unit of work."""

    units: Units[AssessingNeeds]
    view: ViewOf[AssessingSees]
    redact: Redactor
    clock: Clock
    models: Models | None = None
    """Who is asked beside the rules, if anybody is."""
    compute: Compute = compute_here

    async def do(self, lease: Lease) -> None:
        """Make the assessment the lease is for, if somebody still needs it; a lease that was lost drops the result."""
        task = await self._take(lease)
        if task is None:
            return
        opinion, problem = await RulesAssistant(self.compute).assess(task.question), None
        if self.models is not None:
            if not await self._sketch(lease, task, opinion):
                return
            better, problem = await self.models.asked(evolve(task.question, rules=opinion.draft))
            if better:
                opinion = evolve(better, draft=await self.compute(lease.account_id, advising, better.draft, task.question))
        await self._settle(lease, task, opinion, problem)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """There will be none, for a reason that lies here."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                assessment = await work.assessments.get(AssessmentId(lease.work_id))
                if assessment.state is AssessmentState.PENDING:
                    handoff = await work.handoffs.get(assessment.handoff_id)
                    await self._store(work, lease, assessment.failed(problem), handoff)
            await work.commit()

    async def _take(self, lease: Lease) -> Task | None:
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            assessment = await work.assessments.get(AssessmentId(lease.work_id))
            handoff = await work.handoffs.get(assessment.handoff_id)
            account = await work.people.account()
            reason = account.why_not_tell() or why_not_assess(handoff)
            if assessment.state is not AssessmentState.PENDING or reason is not None:
                if reason is not None and assessment.state is AssessmentState.PENDING:
                    await work.assessments.save(assessment.skipped(reason))
                await work.due.finish(lease)
                await work.commit()
                return None
            case = await case_of(work, account, handoff.session_id, self.redact)
        view = self.view(lease.account_id)
        snapshot = snapshot_of((await view.snapshot(handoff.id)).body)
        file = CaseFile.of(snapshot)
        about = (file.problem, *(step.content for step in file.steps))
        similar = await similar_to(view, file.title, about, without=handoff.session_id)
        clean = await case.cleaner(snapshot, await cases_of(view, similar), within=handoff.id)
        question = Question(
            account_id=lease.account_id,
            handoff_id=handoff.id,
            snapshot=await case.without_secrets(snapshot, clean),
            similar=cleaned(similar, clean),
        )
        return Task(assessment=assessment, handoff=handoff, question=question)

    async def _sketch(self, lease: Lease, task: Task, opinion: Opinion) -> bool:
        """Leave what the rules say to be read until a model has answered. False where the lease was lost."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return False
            await work.assessments.save(task.assessment.sketched(checked(opinion.draft, task.steps), opinion.origin))
            await work.commit()
        return True

    async def _settle(self, lease: Lease, task: Task, opinion: Opinion, problem: str | None) -> None:
        diagnosis = checked(opinion.draft, task.steps)
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            ready = task.assessment.ready(diagnosis, opinion.origin, problem=problem, at=self.clock.now())
            await self._store(work, lease, ready, task.handoff)
            await work.commit()
        self.units.committed(lease.account_id)
        log.info(
            "assessment made",
            extra={
                "assessment_id": str(ready.id),
                "handoff_id": str(ready.handoff_id),
                "provider": opinion.origin.provider,
                "dropped_citations": diagnosis.dropped_citations,
                "unsupported": diagnosis.unsupported,
            },
        )

    async def _store(self, work: AssessingNeeds, lease: Lease, assessment: Assessment, handoff: Handoff) -> None:
        await work.assessments.save(assessment)
        event = assessment.event(handoff, by=System(account_id=lease.account_id, cause=WHY), at=self.clock.now())
        await self.units.record(work, event)


def advising(draft: Draft, question: Question) -> Draft:
    """The draft without advice to do again what was done in vain."""
    vain = InVain.of(CaseFile.of(question.snapshot).steps)
    return evolve(draft, next_steps=tuple(said for said in draft.next_steps if not vain.again(said.text)))
