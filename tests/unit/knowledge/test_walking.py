"""Walking a tree in a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, InvalidValues, NotAssignee, WalkMovedOn
from flowpilot_core.domain.kernel.identifiers import StepId, TreeId
from flowpilot_core.domain.knowledge.content import Content, NodeId, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType, Value
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.knowledge.walking import begun, current, shown, taken
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.domain.sessions.walked import path
from flowpilot_core.testing.builders import ANNA, BEN, MINUTE, NOON, OLGA, a_session, new_id
from tests.support.trees import SOUND, action, outcome, question, sound_trees, tree

DEAD, SOLVED, UP = (
    outcome("dead", TreeOutcome.DEAD_END, "Not the cable"),
    outcome("solved", TreeOutcome.SOLVED, "It prints"),
    outcome("up", TreeOutcome.ESCALATE, "Ask the vendor"),
)


def walking(content: Content, values: dict[str, Value] | None = None, session: Session | None = None) -> Session:
    """A session that has just begun to follow a tree."""
    session = session or a_session(by=ANNA).session
    drafted = Tree.drafted(TreeId(new_id()), kind=TreeKind.TROUBLESHOOTING, name="Printer offline", content=content, by=ANNA, at=NOON)
    published, revision = drafted.published(None, {}, by=OLGA, at=NOON)
    walk = begun(published, revision.number, revision.content, values or {}, session.branches.active_id, lambda *_: True)
    return session.walking(walk, by=ANNA, at=NOON)[0]


def test_a_node_becomes_a_step_that_says_so_and_the_walk_moves_on() -> None:
    session = walking(SOUND)

    took = taken(session, SOUND, "start", answers=["answer 1"], evidence="It blinks", new_id=new_id, by=ANNA, at=NOON)

    step, walk = took.step, took.session.walk
    assert walk
    assert (StepKind.QUESTION, "Does it answer a ping?", "answer 1\nIt blinks") == (step.kind, step.content, step.evidence)
    assert step.node == walk.node("start", ("answer 1",))
    place = current(took.session)
    assert place
    assert place.waiting
    assert ("act", "Restart the spooler") == (place.waiting.node_id, place.waiting.text)


def test_what_came_of_an_action_says_where_it_leads() -> None:
    content = tree(action("start", "up", worked="solved", failed="dead"), DEAD, SOLVED, UP)

    for result, state in (
        (StepResult.WORKED, BranchState.SOLVED),
        (StepResult.FAILED, BranchState.DEAD_END),
        (StepResult.INCONCLUSIVE, BranchState.OPEN),
        (None, BranchState.OPEN),
    ):
        took = taken(walking(content), content, "start", result=result, new_id=new_id, by=ANNA, at=NOON)
        assert state is took.session.branches.all[0].state


def test_an_end_that_is_for_somebody_else_leaves_the_branch_open() -> None:
    content = tree(action("start", "up"), UP)

    place = current(taken(walking(content), content, "start", new_id=new_id, by=ANNA, at=NOON).session)

    assert place
    assert place.reached
    assert (None, TreeOutcome.ESCALATE, "Ask the vendor") == (place.waiting, place.reached.outcome, place.reached.text)


def test_several_answers_are_a_fork_and_work_goes_on_where_a_node_waits() -> None:
    content = tree(question("start", "dead", "first", "second"), action("first", "dead"), action("second", "solved"), DEAD, SOLVED)

    took = taken(walking(content), content, "start", answers=["answer 1", "answer 2", "answer 3"], new_id=new_id, by=ANNA, at=NOON)

    branches = took.session.branches
    assert [
        ("root", BranchState.OPEN),
        ("answer 1", BranchState.DEAD_END),
        ("answer 2", BranchState.OPEN),
        ("answer 3", BranchState.OPEN),
    ] == [(one.label, one.state) for one in branches.all]
    assert "answer 2" == branches.get(branches.active_id).label
    closed = taken(took.session, content, "first", new_id=new_id, by=ANNA, at=NOON + MINUTE).session
    assert "answer 3" == closed.branches.get(closed.branches.active_id).label
    assert ["root", "answer 3", "answer 2"] == [closed.branches.get(place.branch_id).label for place in shown(closed)]


def test_another_node_than_the_one_that_waits_is_refused_with_that_one() -> None:
    session = walking(SOUND)

    for node_id in ("act", "nothing"):
        with pytest.raises(WalkMovedOn) as refused:
            taken(session, SOUND, node_id, new_id=new_id, by=ANNA, at=NOON)
        assert "start" == refused.value.node_id


def test_a_question_takes_its_own_answers_alone() -> None:
    for answers in ([], ["answer 9"], ["answer 1", "answer 1"]):
        with pytest.raises(InvalidValue):
            taken(walking(SOUND), SOUND, "start", answers=answers, new_id=new_id, by=ANNA, at=NOON)


def test_only_the_assignee_walks() -> None:
    with pytest.raises(NotAssignee):
        taken(walking(SOUND), SOUND, "start", answers=["answer 1"], new_id=new_id, by=BEN, at=NOON)


def test_a_session_walks_one_tree() -> None:
    with pytest.raises(InvalidTransition):
        walking(SOUND, session=walking(SOUND))


def test_leaving_is_recorded_with_where_it_was() -> None:
    before = walking(SOUND)

    session, event = before.walk_left(before.branches.active_id, "It is the network", by=ANNA, at=NOON)

    place = current(session)
    assert place
    assert place.left
    assert (None, "start", "It is the network") == (place.waiting, place.left.node_id, place.left.reason)
    assert "start" == event.changed["node_id"]
    with pytest.raises(WalkMovedOn):
        taken(session, SOUND, "start", answers=["answer 1"], new_id=new_id, by=ANNA, at=NOON)


def test_a_step_by_hand_is_recorded_and_the_walk_stays_where_it_was() -> None:
    session, _, _ = walking(SOUND).with_step(StepId(new_id()), kind=StepKind.OBSERVATION, content="The lamp is red", by=ANNA, at=NOON)

    place = current(session)
    assert place
    assert place.left
    assert place.waiting
    assert ("start", None, "start") == (place.left.node_id, place.left.reason, place.waiting.node_id)
    again = current(taken(session, SOUND, "start", answers=["answer 1"], new_id=new_id, by=ANNA, at=NOON).session)
    assert again
    assert again.left is None


def test_what_a_tree_asks_for_is_filled_in_and_secrets_never_are() -> None:
    parameters = (
        Parameter(name="host", label="Host", type=ParameterType.TEXT),
        Parameter(name="deep", label="Deep", type=ParameterType.YES_NO, default=True),
        Parameter(name="key", label="Key of the safe", type=ParameterType.SECRET),
    )
    content = tree(action("start", "end", text="Ping {{ host }}, deep: {{ deep }}, with {{ key }}"), outcome("end"), parameters=parameters)

    place = current(walking(content, {"host": "{{ key }}"}))

    assert place
    assert place.waiting
    assert "Ping {{ key }}, deep: yes, with (Key of the safe)" == place.waiting.text
    wrong: list[dict[str, Value]] = [{}, {"host": 7}, {"host": "a", "other": "b"}, {"host": "a", "key": "hunter2"}]
    for values in wrong:
        with pytest.raises(InvalidValues):
            walking(content, values)


@given(data=st.data(), content=sound_trees())
def test_a_random_tree_is_walked_to_the_end_by_any_answer_and_the_steps_say_so(data: st.DataObject, content: Content) -> None:
    session, steps = walking(content), list[Step]()
    expected = [content.root]
    while (place := current(session)) and (waiting := place.waiting):
        node = content.by_id[NodeId(waiting.node_id)]
        assert expected[-1] == node.id
        if node.kind is NodeKind.QUESTION:
            answer = data.draw(st.sampled_from(node.answers))
            took = taken(session, content, node.id, answers=[answer.label], new_id=new_id, by=ANNA, at=NOON)
            expected.append(answer.next)
        else:
            result = data.draw(st.none() | st.sampled_from(StepResult))
            took = taken(session, content, node.id, result=result, new_id=new_id, by=ANNA, at=NOON)
            expected.append(node.next.after(result))
        session = took.session
        steps.append(took.step)

    root = session.branches.all[0]
    (place,) = shown(session)
    assert place.reached
    assert expected == [*(step.node.node_id for step in path(session, steps, root.id) if step.node), place.reached.node_id]
    assert (place.reached.outcome is TreeOutcome.ESCALATE) is (root.state is BranchState.OPEN)


@given(data=st.data(), content=sound_trees())
def test_whatever_is_answered_every_branch_of_a_walk_comes_to_an_end(data: st.DataObject, content: Content) -> None:
    session = walking(content)
    for _ in range(60):
        waiting = [place for place in shown(session) if place.waiting]
        if not waiting:
            break
        place = data.draw(st.sampled_from(waiting))
        assert place.waiting
        node = content.by_id[NodeId(place.waiting.node_id)]
        answers = [answer.label for answer in node.answers]
        chosen = data.draw(st.lists(st.sampled_from(answers), min_size=1, max_size=2, unique=True)) if answers else []
        session = taken(session, content, node.id, answers=chosen, branch_id=place.branch_id, new_id=new_id, by=ANNA, at=NOON).session
    open_ends = [place for place in shown(session) if place.reached and place.reached.outcome is not TreeOutcome.ESCALATE]
    assert all(session.branches.get(place.branch_id).state is not BranchState.OPEN for place in open_ends)
