"""Assessments come back as they were kept, beside their handoff, and show where seniors look."""

from datetime import timedelta

import pytest

from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, AssessmentState, FeedbackVerdict, Origin
from flowpilot_core.domain.assistant.diagnosis import Cause, Confidence, Diagnosis, Statement
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AssessmentId
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract

ORIGIN = Origin(
    provider="anthropic", model="a-model", prompt_version="prompt-1", tokens_in=1200, tokens_out=300, cost_micros=4_500, latency_ms=2_100
)


def a_diagnosis(case: Case, headline: str = "The cable (high)") -> Diagnosis:
    """One that uses everything there is."""
    step = case.steps[0].id
    return Diagnosis(
        headline=headline,
        summary=(Statement(text="One try in one branch: it failed.", cites=(step,)), Statement(text="Nobody shows this: ä 漢.")),
        likely_causes=(
            Cause(cause="The cable", confidence=Confidence.HIGH, steps_for=(step,)),
            Cause(cause="The port", confidence=Confidence.LOW, against=(step,)),
        ),
        ruled_out=(Statement(text="Not the switch", cites=(step,)),),
        next_steps=(Statement(text="Swap it: if it works, that was it.", cites=(step,)),),
        questions=(Statement(text="Which cable?", cites=(step,)),),
        risk="None to speak of",
        dropped_citations=2,
    )


class AssessmentsContract(Contract):
    """`Assessments`, and what views show of them."""

    async def escalated(self, begin: BeginWork[UnitOfWork], staff: Staff) -> Case:
        return await an_escalation(by=staff.anna).kept(begin)

    async def added(self, begin: BeginWork[UnitOfWork], staff: Staff, case: Case) -> Assessment:
        """A pending one of the case's handoff."""
        pending = Assessment.of(AssessmentId(new_id()), case.handoff)
        async with begin(staff.account_id) as work:
            await work.assessments.add(pending)
            await work.commit()
        return pending

    async def saved(self, begin: BeginWork[UnitOfWork], staff: Staff, assessment: Assessment) -> Assessment:
        async with begin(staff.account_id) as work:
            await work.assessments.save(assessment)
            await work.commit()
        return assessment

    async def ready(self, begin: BeginWork[UnitOfWork], staff: Staff, case: Case, headline: str = "The cable (high)") -> Assessment:
        pending = await self.added(begin, staff, case)
        return await self.saved(
            begin, staff, pending.ready(a_diagnosis(case, headline), ORIGIN, problem="slow", at=NOON + timedelta(hours=1))
        )

    async def test_one_that_is_asked_for_is_due_with_its_commit_and_stands_beside_its_handoff(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], outbox: Outbox, acme: Staff
    ) -> None:
        case = await self.escalated(begin, acme)
        assert None is (await view(acme.account_id).handoff(case.handoff.id)).assessment

        pending = await self.added(begin, acme, case)

        leases = [
            lease
            for lease in await outbox.take({WorkKind.ASSESSMENT: 200}, others=0, lease_for=MINUTE)
            if lease.account_id == acme.account_id
        ]
        assert [(pending.id, WorkKind.ASSESSMENT)] == [(lease.work_id, lease.kind) for lease in leases]
        assert pending == (await view(acme.account_id).handoff(case.handoff.id)).assessment

    async def test_it_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await self.escalated(begin, acme)

        ready = await self.ready(begin, acme, case)

        async with begin(acme.account_id) as work:
            assert ready == await work.assessments.get(ready.id)
        assert ready == (await view(acme.account_id).handoff(case.handoff.id)).assessment

    async def test_once_ready_its_headline_is_in_the_queue(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await self.escalated(begin, acme)
        pending = await self.added(begin, acme, case)
        (before,) = await view(acme.account_id).queue(QueueFilter(), after=None, limit=10)

        await self.saved(begin, acme, pending.ready(a_diagnosis(case), ORIGIN, at=NOON))

        (after,) = await view(acme.account_id).queue(QueueFilter(), after=None, limit=10)
        assert (case.handoff.brief.headline, "The cable (high)") == (before.headline, after.headline)

    async def test_once_ready_it_stands_in_the_escalation_package_and_no_version_rises(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await self.escalated(begin, acme)

        ready = await self.ready(begin, acme, case)

        detail = await view(acme.account_id).session(case.id)
        assert {**(case.session.escalation_package or {}), "assessment": ready.plain()} == detail.session.escalation_package
        assert (case.session.version, case.handoff.version) == (detail.session.version, detail.handoffs[-1].version)

    async def test_a_session_that_was_loaded_before_does_not_take_it_out_again(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await self.escalated(begin, acme)
        async with begin(acme.account_id) as work:
            session = await work.sessions.get(case.id)
            ready = await self.ready(begin, acme, case)
            await work.sessions.save(session)
            await work.commit()

        package = (await view(acme.account_id).session(case.id)).session.escalation_package

        assert package is not None
        assert ready.plain() == package["assessment"]

    async def test_an_assessment_of_an_earlier_escalation_stays_out_of_the_package(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        first = an_escalation(by=acme.anna)
        case = await first.claimed_by(acme.ben).step().escalated().kept(begin)

        await self.ready(begin, acme, first)

        package = (await view(acme.account_id).session(case.id)).session.escalation_package
        assert package is not None
        assert (str(case.handoff.id), None) == (package["handoff_id"], package["assessment"])

    async def test_the_newest_that_did_not_fail_is_shown(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await self.escalated(begin, acme)
        shown = await self.ready(begin, acme, case)
        failed = await self.added(begin, acme, case)
        await self.saved(begin, acme, failed.failed("given up"))

        assert shown == (await view(acme.account_id).handoff(case.handoff.id)).assessment

        again = await self.added(begin, acme, case)
        assert again == (await view(acme.account_id).handoff(case.handoff.id)).assessment

    async def test_all_are_listed_newest_first_with_what_people_think_of_them(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await self.escalated(begin, acme)
        first, second = await self.ready(begin, acme, case), await self.ready(begin, acme, case)
        async with begin(acme.account_id) as work:
            for person, verdict, comment in (
                (acme.ben, FeedbackVerdict.WRONG, "no"),
                (acme.ben, FeedbackVerdict.USEFUL, None),
                (acme.olga, FeedbackVerdict.MISSING, "the switch"),
            ):
                said = AssessmentFeedback(assessment_id=first.id, user_id=person.user_id, verdict=verdict, comment=comment, at=NOON)
                await work.assessments.judge(said)
            await work.commit()

        newest, oldest = (await view(acme.account_id).assessments(case.handoff.id, after=None, limit=10))[1]

        assert (second, ()) == (newest.assessment, newest.feedback)
        assert first == oldest.assessment
        assert {(acme.ben.user_id, FeedbackVerdict.USEFUL, None), (acme.olga.user_id, FeedbackVerdict.MISSING, "the switch")} == {
            (one.user_id, one.verdict, one.comment) for one in oldest.feedback
        }
        assert {acme.ben.user_id: acme.ben.name, acme.olga.user_id: acme.olga.name} == oldest.names
        (rest,) = (await view(acme.account_id).assessments(case.handoff.id, after=second.id, limit=10))[1]
        assert first == rest.assessment

    async def test_what_is_rolled_back_was_never_asked_for(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await self.escalated(begin, acme)
        async with begin(acme.account_id) as work:
            await work.assessments.add(Assessment.of(AssessmentId(new_id()), case.handoff))

        assert [] == list((await view(acme.account_id).assessments(case.handoff.id, after=None, limit=10))[1])

    async def test_to_another_account_it_does_not_exist(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await self.escalated(begin, acme)
        ready = await self.ready(begin, acme, case)

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.assessments.get(ready.id)
            await work.assessments.save(Assessment.of(ready.id, case.handoff).failed("by a stranger"))
            with pytest.raises(NotFound):
                (await view(globex.account_id).assessments(case.handoff.id, after=None, limit=10))[1]

        assert (
            AssessmentState.READY
            is ((await view(acme.account_id).assessments(case.handoff.id, after=None, limit=1))[1])[0].assessment.state
        )
