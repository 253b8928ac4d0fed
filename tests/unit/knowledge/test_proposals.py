"""What is proposed from resolved sessions, and how a way on is put into a tree."""

from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, RoleForbidden
from flowpilot_core.domain.kernel.identifiers import SessionId, TreeId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.knowledge.content import Answer, Content, Next, Node, NodeId, NodeKind, TreeKind, checked_content
from flowpilot_core.domain.knowledge.grafting import AS_BEFORE, WHICH, grafted
from flowpilot_core.domain.knowledge.problems import MOST_ANSWERS, MOST_NODES, problems
from flowpilot_core.domain.knowledge.proposal import ProposalKind, ProposalState, left_on_the_way
from flowpilot_core.domain.knowledge.saving import as_name, as_tree, with_texts
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.testing.builders import ADAM, ANNA, MINUTE, NOON, OLGA, VERA, Case, a_session, new_id
from flowpilot_core.testing.contracts.knowledge.tree_proposals import a_proposal
from flowpilot_core.testing.contracts.knowledge.trees import a_tree

ASK, DO, END, STUCK = map(NodeId, ("ask", "do", "end", "stuck"))
TREE: Final = Content(
    root=ASK,
    nodes=(
        Node(id=ASK, kind=NodeKind.QUESTION, text="Does it hum?", answers=(Answer(label="Yes", next=DO), Answer(label="No", next=STUCK))),
        Node(id=DO, kind=NodeKind.ACTION, text="Restart it", next=Next(worked=END, otherwise=STUCK)),
        Node(id=END, kind=NodeKind.OUTCOME, text="It prints", outcome=TreeOutcome.SOLVED),
        Node(id=STUCK, kind=NodeKind.OUTCOME, text="Ask a senior", outcome=TreeOutcome.ESCALATE),
    ),
)
BRANCH: Final = Content(
    root=NodeId("n1"),
    nodes=(
        Node(id=NodeId("n1"), kind=NodeKind.ACTION, text="Change the cable", next=Next(otherwise=NodeId("n2"))),
        Node(id=NodeId("n2"), kind=NodeKind.OUTCOME, text="The cable was broken", outcome=TreeOutcome.SOLVED),
    ),
)
PROCEDURE: Final = Content(
    root=DO,
    nodes=(
        Node(id=DO, kind=NodeKind.ACTION, text="Restart it", next=Next(otherwise=END)),
        Node(id=END, kind=NodeKind.OUTCOME, text="It prints", outcome=TreeOutcome.SOLVED),
    ),
)


def walking() -> Case:
    return a_session(by=ANNA).walking(a_tree(ANNA, TREE), TREE)


def solved(case: Case, label: str = "root") -> Content:
    """What is drawn of the way on, as the tree's branch."""
    place = left_on_the_way(case.session, case.branch(label))
    assert place is not None
    return as_tree(case.session, case.steps, case.branch(label), place.branch_id)


def texts(content: Content) -> list[str]:
    return [node.text for node in content.nodes]


def test_a_session_that_left_its_tree_teaches_what_was_done_from_then_on() -> None:
    case = walking().at_node(TREE, "Yes").walk_left("It is the cable").step("Changed the cable", result=StepResult.WORKED).resolved()

    place = left_on_the_way(case.session, case.branch("root"))

    assert place is not None
    assert place.left is not None
    assert ("do", "It is the cable") == (place.left.node_id, place.left.reason)
    assert ["Changed the cable", "replaced the cable\n\na broken cable"] == texts(solved(case))[:2]
    assert "Does it hum?" not in texts(solved(case))


def test_who_goes_on_by_hand_has_left_the_tree_too() -> None:
    case = walking().at_node(TREE, "Yes").step("Changed the cable").resolved()

    place = left_on_the_way(case.session, case.branch("root"))

    assert place is not None
    assert place.left is not None
    assert ("do", None) == (place.left.node_id, place.left.reason)
    assert "Changed the cable" in texts(solved(case))


def test_the_way_on_may_split() -> None:
    case = walking().walk_left().step("Looked at it").fork("cable", "switch").in_branch("switch").step("Restarted the switch")
    case = case.closed("cable").resolved()

    content = solved(case, "switch")

    assert ["Looked at it", "two ways to look at it"] == texts(content)[:2]
    assert () == problems(content, TreeKind.TROUBLESHOOTING, {})


def test_what_the_tree_led_to_teaches_nothing() -> None:
    there = walking().at_node(TREE, "Yes").at_node(TREE, result=StepResult.WORKED)
    back = walking().step("Looked at it by hand").at_node(TREE, "Yes").at_node(TREE, result=StepResult.WORKED)
    waiting = walking().resolved()
    beside = a_session(by=ANNA).step().fork("cable", "switch").in_branch("cable").walking(a_tree(ANNA, TREE), TREE)
    beside = beside.walk_left().in_branch("switch").step().closed("switch", Outcome.SOLVED)

    for case, label in ((there, "root"), (back, "root"), (waiting, "root"), (beside, "switch"), (a_session(by=ANNA), "root")):
        assert left_on_the_way(case.session, case.branch(label)) is None


def test_a_question_has_one_answer_more() -> None:
    grown = grafted(TREE, TreeKind.TROUBLESHOOTING, ASK, BRANCH, "yes")

    assert grown is not None
    assert ["Yes", "No", "yes (2)"] == [answer.label for answer in grown.by_id[ASK].answers]
    begin = grown.by_id[ASK].answers[2].next
    assert begin is not None
    assert "Change the cable" == grown.by_id[begin].text
    assert () == problems(grown, TreeKind.TROUBLESHOOTING, {})
    assert TREE.nodes[1:] == grown.nodes[1:4]


def test_before_an_action_stands_a_question() -> None:
    grown = grafted(TREE, TreeKind.TROUBLESHOOTING, DO, BRANCH, "It is the cable")

    assert grown is not None
    asked = grown.by_id[grown.by_id[ASK].answers[0].next or NodeId("")]
    assert (WHICH, [AS_BEFORE, "It is the cable"]) == (asked.text, [answer.label for answer in asked.answers])
    assert DO == asked.answers[0].next
    assert () == problems(grown, TreeKind.TROUBLESHOOTING, {})


def test_before_a_question_with_as_many_answers_as_can_be_and_at_the_root_too() -> None:
    many = tuple(Answer(label=str(number), next=STUCK) for number in range(MOST_ANSWERS - 1))
    full = evolve(TREE, nodes=(evolve(TREE.nodes[0], answers=(*many, Answer(label="Yes", next=DO))), *TREE.nodes[1:]))

    grown = grafted(full, TreeKind.TROUBLESHOOTING, ASK, BRANCH, AS_BEFORE)

    assert grown is not None
    assert grown.root is not None
    assert [ASK, f"{AS_BEFORE} (2)"] == [grown.by_id[grown.root].answers[0].next, grown.by_id[grown.root].answers[1].label]
    assert () == problems(grown, TreeKind.TROUBLESHOOTING, {})


def test_the_same_way_on_fits_twice() -> None:
    once = grafted(TREE, TreeKind.TROUBLESHOOTING, ASK, BRANCH, "It is the cable")
    assert once is not None

    twice = grafted(once, TreeKind.TROUBLESHOOTING, DO, BRANCH, "It is the cable")

    assert twice is not None
    assert () == problems(twice, TreeKind.TROUBLESHOOTING, {})


def test_there_is_no_way_on_where_the_tree_has_no_place_for_it() -> None:
    long = tuple(
        Node(id=NodeId(f"x{number}"), kind=NodeKind.ACTION, text="x", next=Next(otherwise=NodeId(f"x{number + 1}"))) for number in range(63)
    )
    deep = Content(root=NodeId("x0"), nodes=(*long, evolve(TREE.nodes[2], id=NodeId("x63"))))
    end = NodeId("end")
    much = evolve(BRANCH, nodes=(*BRANCH.nodes, *(evolve(BRANCH.nodes[1], id=NodeId(f"m{number}")) for number in range(MOST_NODES))))

    for content, kind, at, branch in (
        (TREE, TreeKind.TROUBLESHOOTING, NodeId("gone"), BRANCH),
        (TREE, TreeKind.TROUBLESHOOTING, end, BRANCH),
        (TREE, TreeKind.TROUBLESHOOTING, ASK, much),
        (deep, TreeKind.TROUBLESHOOTING, NodeId("x62"), BRANCH),
        (PROCEDURE, TreeKind.PROCEDURE, DO, BRANCH),
    ):
        assert grafted(content, kind, at, branch, "No") is None


def test_an_unfinished_draft_takes_a_way_on() -> None:
    draft = evolve(TREE, nodes=TREE.nodes[:2])

    assert grafted(draft, TreeKind.TROUBLESHOOTING, ASK, BRANCH, "No way") is not None


@given(st.text(max_size=300))
def test_any_title_makes_a_name(title: str) -> None:
    name = as_name(title)

    assert name == checked_name(name)


def test_account_owners_and_admins_decide_once() -> None:
    proposal = a_proposal(SessionId(new_id()))
    into = TreeId(new_id())

    accepted, rejected = proposal.accepted(into, by=OLGA, at=NOON + MINUTE), proposal.rejected("Too rare", by=ADAM, at=NOON)

    assert (ProposalState.ACCEPTED, into, OLGA.user_id) == (accepted.state, accepted.draft_tree_id, accepted.decided_by)
    assert (ProposalState.REJECTED, "Too rare", ADAM.user_id) == (rejected.state, rejected.reason, rejected.decided_by)
    for decided in (accepted, rejected):
        with pytest.raises(InvalidTransition):
            decided.accepted(into, by=OLGA, at=NOON)
        with pytest.raises(InvalidTransition):
            decided.rejected("No", by=OLGA, at=NOON)
    for nobody in (ANNA, VERA):
        with pytest.raises(RoleForbidden):
            proposal.accepted(into, by=nobody, at=NOON)
    with pytest.raises(InvalidValue):
        proposal.rejected(" ", by=OLGA, at=NOON)


def test_a_proposal_says_why() -> None:
    tree = a_tree(ANNA)
    new, branch = a_proposal(SessionId(new_id())), a_proposal(SessionId(new_id()), tree)

    assert (ProposalKind.NEW_TREE, ProposalKind.NEW_BRANCH) == (new.kind, branch.kind)
    assert "3 sessions like each other were resolved, and no published tree fits them." == new.because(3)
    assert "1 session went on without the tree at this node, and solved it." == branch.because(1)


def test_what_is_proposed_can_be_kept_as_a_tree() -> None:
    case = walking().walk_left("{{ x }}").step("{{ y }}").resolved()
    grown = grafted(TREE, TreeKind.TROUBLESHOOTING, ASK, with_texts(solved(case), str), "No")

    assert grown is not None
    assert grown == checked_content(grown, lambda _, __: True)
