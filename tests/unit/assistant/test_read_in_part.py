"""Rules that read all of a case read the beginnings of its texts, say where, and can be asked in another process (A58)."""

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, TypeVarTuple

import pytest
from attrs import evolve

from flowpilot_core.application.assistant.assessing import advising
from flowpilot_core.application.assistant.rules_assistant import drafted
from flowpilot_core.application.assistant.suggestions import SOURCES, proposed
from flowpilot_core.application.handoffs.current_snapshot import pictured
from flowpilot_core.domain.assistant import rules
from flowpilot_core.domain.assistant.similar_sessions import SimilarSession
from flowpilot_core.domain.handoffs.case_file import LONGEST_EVIDENCE, MOST_CONTENT, MOST_EVIDENCE, CaseFile
from flowpilot_core.domain.handoffs.snapshot import SIZE_BOUND
from flowpilot_core.domain.kernel.identifiers import HandoffId, StepId
from flowpilot_core.domain.kernel.text import FEWEST, beginnings
from flowpilot_core.domain.outputs.output import OutputKind
from flowpilot_core.domain.outputs.write_up import by_rules
from flowpilot_core.domain.sessions.session import Resolution, Status
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.ports.assistant import Question
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_core.testing.builders import Case, a_session, new_id

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


def _detail(case: Case) -> SessionDetail:
    return SessionDetail(session=case.session, steps=case.steps, handoffs=(), names=case.names)


def _file(case: Case) -> CaseFile:
    return CaseFile.of(pictured(_detail(case), "a test"))


def _many(case: Case, number: int, **changed: Any) -> Case:
    """With its last step as often as this."""
    (move,) = case.moves[-1:]
    steps = [evolve(case.steps[-1], id=StepId(new_id()), number=case.session.step_count + n, **changed) for n in range(1, number + 1)]
    session = evolve(case.session, step_count=case.session.step_count + number)
    return evolve(case, moves=(*case.moves, *(evolve(move, session=session, step=step) for step in steps)))


def test_texts_are_read_whole_where_there_is_time_for_all() -> None:
    assert ("short", "x" * 100) == beginnings(("short", "x" * 100), each=100, together=200)


def test_of_more_than_there_is_time_for_each_is_read_from_its_beginning() -> None:
    read = beginnings(("short", *["x" * 1000] * 10), each=1000, together=2000)

    assert ("short", "x" * 125) == (read[0], read[1])
    assert 2000 >= sum(map(len, read))


def test_a_few_words_of_each_are_always_read() -> None:
    assert all(FEWEST // 2 <= len(one) for one in beginnings(["x" * 1000] * 1000, each=1000, together=1))


def test_a_case_is_read_in_bounded_time_however_much_is_in_it() -> None:
    file = _file(_many(a_session().step("x" * 20_000, evidence="y" * 20_000), 300))

    assert MOST_CONTENT >= sum(len(step.content) for step in file.steps)
    assert MOST_EVIDENCE >= sum(len(step.evidence) for step in file.steps)
    assert all(step.cut for step in file.steps)


def test_an_assessment_says_of_which_steps_only_the_beginning_was_read() -> None:
    long = a_session().step("looked at the log", evidence="Access denied " + "x" * LONGEST_EVIDENCE).step("called them")

    said = rules.assess(_file(long)).summary[1]

    assert said.text.endswith("Of step 1 only the beginning was read.")
    assert str(long.steps[0].id) in said.cites


def test_an_assessment_says_nothing_of_the_kind_where_all_was_read() -> None:
    assert "beginning" not in rules.assess(_file(a_session().step(evidence="Access denied"))).summary[1].text


@pytest.mark.parametrize("content", ["x", "y" * 20_000])
def test_a_snapshot_of_much_is_written_as_often_as_it_has_to_be(content: str) -> None:
    case = _many(a_session().step(content, evidence="é" * 5000), 100)

    snapshot = case.escalated().snapshot

    assert len(snapshot.body) <= SIZE_BOUND or content != "x"
    assert 101 == len(snapshot.steps_tried)


@pytest.fixture
def question() -> Question:
    case = a_session().step("restarted the spooler", evidence="Access denied").fork("cable", "switch").step("swapped the cable")
    similar = SimilarSession(session_id=case.id, title="No print", summary="Replaced it", root_cause=None, likeness=50)
    return Question(
        account_id=case.assignee.account_id, handoff_id=HandoffId(new_id()), snapshot=pictured(_detail(case), "a test"), similar=(similar,)
    )


def _elsewhere(work: Callable[[*Ts], R], *args: *Ts) -> R:
    """As in another process: nothing gets there or back but what can be written down."""
    there: Callable[..., R] = pickle.loads(pickle.dumps(work))
    return pickle.loads(pickle.dumps(there(*pickle.loads(pickle.dumps(args)))))  # type: ignore[no-any-return]


def test_what_the_rules_say_is_the_same_wherever_they_are_asked(question: Question) -> None:
    assert drafted(question) == _elsewhere(drafted, question)
    assert proposed(SOURCES, question) == _elsewhere(proposed, SOURCES, question)
    assert advising(drafted(question), question) == _elsewhere(advising, drafted(question), question)


def test_an_output_is_the_same_wherever_it_is_written() -> None:
    case = a_session().step("restarted it", result=StepResult.WORKED).fork("cable", "switch").step("swapped the cable")
    session = evolve(case.session, status=Status.RESOLVED, resolution=Resolution(summary="The cable"), updated_at=case.at + timedelta(1))

    for kind in OutputKind:
        assert by_rules(kind, session, case.steps) == _elsewhere(by_rules, kind, session, case.steps)
