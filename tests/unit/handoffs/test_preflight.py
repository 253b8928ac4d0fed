"""What a senior asks first, and whether a session says it already."""

import pytest

from flowpilot_core.domain.handoffs.preflight import Asked, questions
from flowpilot_core.domain.kernel.text import PROSE
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.testing.builders import Case, a_session


def answered(case: Case) -> set[Asked]:
    return {one.asked for one in questions(case.session, case.steps) if one.answered}


def vague() -> Case:
    return a_session(title="It hangs", problem="Since this morning.")


def test_of_a_vague_session_everything_is_asked() -> None:
    asked = questions(vague().session, ())

    assert [(one, False) for one in Asked] == [(question.asked, question.answered) for question in asked]
    assert all(question.text.endswith("?") for question in asked)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (vague().step("tried again").fork("cable", "profile"), {Asked.HYPOTHESES}),
        (vague().step("tried again"), set()),
        (vague().step("looked", kind=StepKind.NOTE, result=None).fork("cable", "profile"), set()),
        (vague().step("looked", kind=StepKind.OBSERVATION, result=None, evidence="it says no"), {Asked.ERROR_TEXT}),
        (vague().step("what do you see?", kind=StepKind.QUESTION, result=None, evidence="nothing"), set()),
        (vague().step("it says AADSTS50126"), {Asked.ERROR_TEXT}),
        (vague().step("it answers 0x8004010F on Windows 11"), {Asked.ERROR_TEXT, Asked.ENVIRONMENT}),
        (a_session(title="Printer offline", problem="Since this morning."), {Asked.ENVIRONMENT}),
        (vague().step("with build 22631.4317"), {Asked.ENVIRONMENT}),
    ],
)
def test_what_the_session_says_is_asked_no_more(case: Case, told: set[Asked]) -> None:
    assert told == answered(case)


def test_whether_all_was_read_is_said_where_nothing_was_found() -> None:
    long = vague().step("x" * PROSE, kind=StepKind.NOTE, result=None)

    assert [True] * 3 == [one.read_in_part for one in questions(long.session, long.steps)]
    assert [False] * 3 == [one.read_in_part for one in questions(vague().session, ())]
