"""What keeps a tree from being published."""

import uuid
from itertools import pairwise

import pytest
from hypothesis import given

from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.knowledge.content import Answer, Content, Next, Node, NodeId, NodeKind, ScriptRef, TreeKind
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType
from flowpilot_core.domain.knowledge.problems import Severity, errors, problems
from tests.support.trees import SOUND, action, outcome, question, sound_trees, tree

SCRIPT = ScriptTemplateId(uuid.UUID(int=7))


def script(node_id: str, to: str, ref: ScriptRef | None, **parameters: str) -> Node:
    node = Node(id=NodeId(node_id), kind=NodeKind.SCRIPT, text="Read the log", script=ref, parameters=parameters)
    return Node(id=node.id, kind=node.kind, text=node.text, script=ref, parameters=parameters, next=Next(otherwise=NodeId(to)))


def parameter(name: str) -> Parameter:
    return Parameter(name=name, label="Host", type=ParameterType.TEXT)


def chain(length: int) -> tuple[Node, ...]:
    """As many nodes one after the other, the outcome included."""
    names = ["start", *(f"n{number}" for number in range(1, length - 1)), "end"]
    return (*(action(here, there) for here, there in pairwise(names)), outcome("end"))


WRONG: dict[str, tuple[Content, list[tuple[str, str]]]] = {
    "nothing at all": (tree(root=None), [("no_root", "content.root")]),
    "a root that is not there": (tree(outcome("end")), [("no_root", "content.root")]),
    "a way to nowhere": (
        tree(question("start", "gone", "end"), outcome("end")),
        [("unknown_reference", "content.nodes.0.answers.0.next")],
    ),
    "a node that nothing leads to": (tree(outcome("start"), outcome("alone")), [("unreachable", "content.nodes.1")]),
    "a circle": (
        tree(question("start", "act", "end"), action("act", "start"), outcome("end")),
        [("cycle", "content.nodes.1.next.otherwise")],
    ),
    "a way back to itself": (tree(question("start", "start", "end"), outcome("end")), [("cycle", "content.nodes.0.answers.0.next")]),
    "an answer that ends": (tree(question("start", None, "end"), outcome("end")), [("no_outcome", "content.nodes.0.answers.0.next")]),
    "an action that ends": (tree(action("start", None)), [("no_outcome", "content.nodes.0.next.otherwise")]),
    "an action of which one result ends": (
        tree(action("start", None, worked="end"), outcome("end")),
        [("no_outcome", "content.nodes.0.next.otherwise")],
    ),
    "an outcome that says not which": (tree(outcome("start", None)), [("no_outcome", "content.nodes.0.outcome")]),
    "two nodes of one id": (tree(outcome("start"), outcome("start")), [("duplicate_id", "content.nodes.1.id")]),
    "two answers that are one": (
        tree(
            Node(
                id=NodeId("start"),
                kind=NodeKind.QUESTION,
                text="Does it print?",
                answers=(Answer(label="Yes", next=NodeId("end")), Answer(label=" yes", next=NodeId("end"))),
            ),
            outcome("end"),
        ),
        [("duplicate_answer", "content.nodes.0.answers.1.label")],
    ),
    "one answer": (tree(question("start", "end"), outcome("end")), [("too_few_answers", "content.nodes.0.answers")]),
    "thirteen answers": (tree(question("start", *["end"] * 13), outcome("end")), [("too_many_answers", "content.nodes.0.answers")]),
    "a path of 65 nodes": (tree(*chain(65)), [("too_deep", "content.nodes.64")]),
    "a parameter that is not declared": (
        tree(action("start", "end", text="Ping {{ host }}"), outcome("end")),
        [("unknown_parameter", "content.nodes.0.text")],
    ),
    "a parameter that a script is given and nobody declared": (
        tree(script("start", "end", ScriptRef(id=SCRIPT), ComputerName="{{ host }}"), outcome("end")),
        [("unknown_parameter", "content.nodes.0.parameters.ComputerName")],
    ),
    "a parameter that nothing asks for": (
        tree(outcome("start"), parameters=(parameter("host"),)),
        [("unused_parameter", "content.parameters.0")],
    ),
    "no script": (tree(script("start", "end", None), outcome("end")), [("unknown_script", "content.nodes.0.script")]),
    "a script that is not there": (
        tree(script("start", "end", ScriptRef(id=ScriptTemplateId(uuid.UUID(int=8)))), outcome("end")),
        [("unknown_script", "content.nodes.0.script")],
    ),
    "a revision of a script that is not there": (
        tree(script("start", "end", ScriptRef(id=SCRIPT, revision=3)), outcome("end")),
        [("unknown_script", "content.nodes.0.script")],
    ),
    "a node that says nothing": (tree(action("start", "end", text=" \n"), outcome("end")), [("blank_text", "content.nodes.0.text")]),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_thing_that_is_wrong_is_said_where_it_is(case: str) -> None:
    content, expected = WRONG[case]

    assert expected == [(one.code, one.field) for one in problems(content, TreeKind.TROUBLESHOOTING, {SCRIPT: 2})]


def test_a_sound_tree_has_no_problems() -> None:
    assert () == problems(SOUND, TreeKind.TROUBLESHOOTING, {})


def test_a_script_may_be_named_in_one_of_its_revisions_or_in_none() -> None:
    for ref in (ScriptRef(id=SCRIPT), ScriptRef(id=SCRIPT, revision=2)):
        assert () == problems(tree(script("start", "end", ref), outcome("end")), TreeKind.TROUBLESHOOTING, {SCRIPT: 2})


def test_an_action_may_lead_somewhere_for_each_result() -> None:
    content = tree(action("start", None, worked="end", failed="end", inconclusive="end"), outcome("end"))

    assert () == problems(content, TreeKind.TROUBLESHOOTING, {})


def test_a_path_may_have_64_nodes() -> None:
    assert () == problems(tree(*chain(64)), TreeKind.PROCEDURE, {})


def test_a_tree_has_at_most_500_nodes() -> None:
    middle = [action(f"n{number}", "end") for number in range(498)]
    levels = [question(f"q{at}", *[f"n{number}" for number in range(at * 12, min(at * 12 + 12, 498))]) for at in range(42)]
    wide = tree(*levels[:1], *middle, outcome("end"), root="q0")

    assert "too_many_nodes" not in [one.code for one in problems(wide, TreeKind.TROUBLESHOOTING, {})]
    assert "too_many_nodes" in [
        one.code for one in problems(tree(*levels[:2], *middle, outcome("end"), root="q0"), TreeKind.TROUBLESHOOTING, {})
    ]


def test_a_procedure_asks_nothing_and_has_one_path() -> None:
    content = tree(question("start", "act", "act"), action("act", "end", failed="other"), outcome("end"), outcome("other"))

    assert ["question_in_procedure", "more_than_one_path"] == [one.code for one in problems(content, TreeKind.PROCEDURE, {})]


def test_only_a_warning_lets_a_tree_be_published() -> None:
    found = problems(tree(outcome("start"), parameters=(parameter("host"),)), TreeKind.TROUBLESHOOTING, {})

    assert [Severity.WARNING] == [one.severity for one in found]
    assert () == errors(found)


def test_a_draft_of_many_thousand_nodes_in_a_row_is_judged_too() -> None:
    found = problems(tree(*chain(20_000)), TreeKind.TROUBLESHOOTING, {})

    assert ["too_many_nodes", "too_deep"] == [one.code for one in found]


@given(content=sound_trees())
def test_any_tree_whose_every_way_ends_in_an_outcome_has_no_problems(content: Content) -> None:
    assert () == problems(content, TreeKind.TROUBLESHOOTING, {})
