"""An assessment is held to the snapshot: what it cites is there, what it says is bounded and plain."""

from datetime import timedelta

import pytest

from flowpilot_core.domain.assistant import rules as assessor
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, AssessmentState, FeedbackVerdict
from flowpilot_core.domain.assistant.diagnosis import MOST, SENTENCE, Confidence, Diagnosis, Draft, Said, SaidCause, checked
from flowpilot_core.domain.assistant.similar_sessions import SimilarSession
from flowpilot_core.domain.handoffs.case_file import CaseFile, snapshot_of
from flowpilot_core.domain.kernel.errors import InvalidTransition, RoleForbidden
from flowpilot_core.domain.kernel.identifiers import AssessmentId
from flowpilot_core.domain.kernel.plain_text import plain_text
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import ANNA, BEN, NOON, VERA, Case, a_session, an_escalation, new_id

CASE = an_escalation()
STEP = CASE.steps[0].id


def by_rules(case: Case, *similar: SimilarSession) -> Diagnosis:
    """What the rules say of an escalated case, checked."""
    draft = assessor.assess(CaseFile.of(snapshot_of(case.snapshot.body)), similar)
    return checked(draft, {step.id for step in case.steps})


class TestChecking:
    def test_a_citation_of_what_is_no_step_is_dropped_and_counted(self) -> None:
        """F30: forged ids, and ids of another account's steps."""
        foreign = an_escalation().steps[0].id
        draft = Draft(headline="x", summary=(Said(text="So it is.", cites=(str(STEP), str(foreign), "step 1", "")),))

        diagnosis = checked(draft, {STEP})

        assert (STEP,) == diagnosis.summary[0].cites
        assert 3 == diagnosis.dropped_citations

    def test_a_statement_left_with_no_citation_is_marked_unsupported(self) -> None:
        """F30: what nothing shows is not left out, and is not believed either."""
        draft = Draft(headline="x", next_steps=(Said(text="Reinstall it.", cites=(str(new_id()),)), Said(text="Look.", cites=(str(STEP),))))

        diagnosis = checked(draft, {STEP})

        assert [{"text": "Reinstall it.", "cites": [], "unsupported": True}, {"text": "Look.", "cites": [str(STEP)]}] == diagnosis.plain()[
            "next_steps"
        ]
        assert 1 == diagnosis.unsupported

    def test_a_cause_that_no_step_speaks_for_is_only_a_guess(self) -> None:
        draft = Draft(headline="x", likely_causes=(SaidCause(cause="The moon", confidence=Confidence.HIGH, steps_for=("x",)),))

        assert Confidence.LOW is checked(draft, {STEP}).likely_causes[0].confidence

    def test_what_is_too_much_is_cut(self) -> None:
        many = tuple(Said(text="long " * 1_000, cites=(str(STEP),) * 100) for _ in range(50))
        causes = tuple(SaidCause(cause="x" * 5_000) for _ in range(50))
        draft = Draft(
            headline="h" * 999, summary=many, ruled_out=many, next_steps=many, questions=many, likely_causes=causes, risk="r" * 9_999
        )

        diagnosis = checked(draft, {STEP})

        assert MOST == {sort: len(getattr(diagnosis, sort)) for sort in MOST}
        assert max(len(said.text) for said in diagnosis.summary) <= SENTENCE
        assert ((STEP,), 200, SENTENCE) == (diagnosis.summary[0].cites, len(diagnosis.headline), len(diagnosis.risk or ""))

    def test_what_says_nothing_is_left_out(self) -> None:
        assert () == checked(Draft(headline="", summary=(Said(text=" \n"), Said(text="<b></b>"))), {STEP}).summary


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see https://evil.example/?q=secret now", "see [link] now"),
        ("![x](https://evil.example/a.png)", "x"),
        ("[click me](https://evil.example/)", "click me"),
        ("[click me](javascript:alert(1))", "[click me] ([link]"),
        ("<img src=x onerror=alert(1)>hello<script>alert(1)</script>", "helloalert(1)"),
        ("<<b>script>alert(1)", "alert(1)"),
        ("<scr<b></b>ipt>x", "x"),
        ("a < b and c > d", "a < b and c > d"),
        ("![x][y] and ![z]", "x and z"),
        ("mailto:a@b.example or www.evil.example", "[link] or [link]"),
        ("data:text/html;base64,AAAA", "[link]"),
        ("pay\u202elpxe\u202c now\u200b", "paylpxe now"),
        ("one\ntwo\r\n\tthree", "one two three"),
        ("mail.contoso.com answers 503", "mail.contoso.com answers 503"),
        ("<script src=//evil.example", "\u2039script src=//evil.example"),
        (r"\\server\share is gone", r"\\server\share is gone"),
    ],
)
def test_a_text_holds_nothing_that_can_be_followed_loaded_or_run(written: str, shown: str) -> None:
    """F31, A40: whatever a model was talked into writing."""
    assert shown == plain_text(written, most=100)


class TestTheRules:
    def test_the_same_case_gets_the_same_diagnosis(self) -> None:
        assert by_rules(CASE) == by_rules(CASE)

    def test_a_code_in_the_evidence_names_the_cause_and_cites_the_step(self) -> None:
        case = a_session(title="No sign-in").step("signed in again", evidence="AADSTS53003: blocked by conditional access").escalated()

        cause = by_rules(case).likely_causes[0]

        assert "A conditional access policy blocks the sign-in" == cause.cause
        assert (case.steps[0].id,) == cause.steps_for

    def test_what_the_evidence_denies_speaks_against(self) -> None:
        case = a_session(title="Slow").step("read the counters", evidence="no CRC errors, 0 late collisions").step().escalated()

        assert not any("Cable" in cause.cause for cause in by_rules(case).likely_causes)

    def test_a_remedy_that_worked_says_what_it_was_and_one_that_did_not_speaks_against(self) -> None:
        spooler = a_session(title="Nothing prints").step("restarted the spooler", result=StepResult.WORKED).escalated()
        in_vain = a_session(title="Print queue stuck").step("restarted the spooler", result=StepResult.FAILED).escalated()

        worked, failed = by_rules(spooler).likely_causes[0], by_rules(in_vain).likely_causes[0]

        assert ((spooler.steps[0].id,), ()) == (worked.steps_for, worked.against)
        assert ((), (in_vain.steps[0].id,)) == (failed.steps_for, failed.against)

    def test_a_dead_end_is_ruled_out_with_the_step_that_shows_it_and_named_no_more(self) -> None:
        case = a_session(title="No network").step().fork("cable", "dhcp scope").step("swapped the cable")
        case = case.closed("cable", Outcome.DEAD_END, "three cables tried").escalated()

        diagnosis = by_rules(case)

        assert [(case.steps[1].id,)] == [said.cites for said in diagnosis.ruled_out]
        assert "three cables tried" in diagnosis.ruled_out[0].text
        assert ["DHCP gives out no address: the scope is exhausted or the server does not answer"] == [
            cause.cause for cause in diagnosis.likely_causes
        ]

    def test_an_open_hypothesis_that_nobody_tested_is_a_next_step(self) -> None:
        case = a_session().step("looked at it").fork("gremlins", "poltergeist").step("called a priest").escalated()

        assert any("“poltergeist”, which nobody has tested yet" in said.text for said in by_rules(case).next_steps)

    def test_two_steps_that_contradict_each_other_are_asked_about(self) -> None:
        case = a_session().step("Pinged the gateway", result=StepResult.WORKED).step("pinged the gateway.").escalated()

        diagnosis = by_rules(case)

        both = (case.steps[0].id, case.steps[1].id)
        assert both == diagnosis.next_steps[0].cites == diagnosis.questions[0].cites

    def test_what_solved_a_similar_session_is_named(self) -> None:
        alike = SimilarSession(
            session_id=a_session().id, title="Printer dark", summary="Set port 9100 again", root_cause="The port was renamed", likeness=80
        )

        diagnosis = by_rules(CASE, alike)

        assert "The port was renamed" == diagnosis.likely_causes[0].cause
        assert "Set port 9100 again" in diagnosis.next_steps[0].text

    def test_it_says_where_the_time_went_and_which_machines_are_named(self) -> None:
        case = a_session().step("looked").fork("a", "b").step("ping", evidence="from dc01.contoso.local").step().escalated()

        first, second, _ = by_rules(case).summary

        assert "most time (3 min of 3 min) went into “a”" in first.text
        assert "dc01.contoso.local (step 2)" in second.text

    def test_a_case_without_a_step_is_told_as_one(self) -> None:
        diagnosis = by_rules(a_session().escalated())

        assert ("nothing tried yet", 0) == (diagnosis.headline, diagnosis.dropped_citations)
        assert all(said.unsupported for said in diagnosis.summary)

    def test_what_cannot_be_taken_back_is_a_risk(self) -> None:
        assert "cannot simply be undone" in (by_rules(a_session().step("deleted the profile").escalated()).risk or "")
        assert None is by_rules(CASE).risk

    @pytest.mark.parametrize("result", [None, *StepResult])
    @pytest.mark.parametrize("kind", list(StepKind))
    def test_every_sort_of_step_can_be_read(self, kind: StepKind, result: StepResult | None) -> None:
        case = a_session().step("x", kind=kind, result=result, evidence="<b>DNS</b>\x00".replace("\x00", "")).escalated()

        assert 0 == by_rules(case).dropped_citations


class TestAnAssessment:
    PENDING = Assessment.of(AssessmentId(new_id()), CASE.handoff)

    def test_only_a_pending_one_is_made_and_once(self) -> None:
        failed = self.PENDING.failed("given up")

        assert AssessmentState.FAILED is failed.state
        with pytest.raises(InvalidTransition):
            failed.skipped("too late")

    def test_a_park_is_assessed_by_nobody_and_a_viewer_asks_for_none(self) -> None:
        with pytest.raises(InvalidTransition):
            Assessment.asked(AssessmentId(new_id()), a_session().parked().handoff, by=ANNA, at=NOON)
        with pytest.raises(RoleForbidden):
            Assessment.asked(AssessmentId(new_id()), CASE.handoff, by=VERA, at=NOON)

    def test_it_is_never_older_than_its_escalation(self) -> None:
        asked = Assessment.asked(AssessmentId(new_id()), CASE.handoff, by=BEN, at=NOON - timedelta(days=1))

        assert CASE.handoff.escalated_at == asked.requested_at

    def test_nobody_judges_what_is_not_there_yet(self) -> None:
        with pytest.raises(InvalidTransition):
            AssessmentFeedback.given(self.PENDING, FeedbackVerdict.WRONG, None, by=BEN, at=NOON)
