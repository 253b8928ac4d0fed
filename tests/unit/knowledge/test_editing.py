"""Writing a tree node by node."""

import pytest

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.knowledge.content import Content, NodeId
from flowpilot_core.domain.knowledge.editing import with_node, with_node_at, without_node_at
from tests.support.trees import SOUND, action, outcome, question, tree


def test_a_tree_begins_at_the_first_node_that_is_written() -> None:
    first = with_node(Content(), question("start", None))

    assert ("start", "start") == (first.root, with_node(first, outcome("end")).root)


def test_what_led_to_a_node_leads_to_it_under_its_new_id() -> None:
    renamed = with_node_at(SOUND, 2, outcome("done"))

    assert tree(question("start", "act", "done"), action("act", "done"), outcome("done")) == renamed
    assert "begin" == with_node_at(SOUND, 0, question("begin", "act", "end")).root


def test_no_two_nodes_get_one_id() -> None:
    for node_id in ("act", "No Id"):
        with pytest.raises(InvalidValue):
            with_node(SOUND, outcome(node_id))
        with pytest.raises(InvalidValue):
            with_node_at(SOUND, 2, outcome(node_id))


def test_of_two_nodes_with_one_id_the_second_gets_another_and_the_ways_stay() -> None:
    twice = tree(action("start", "end"), outcome("end"), outcome("end", text="Twice"))

    mended = with_node_at(twice, 2, outcome("other", text="Twice"))

    assert (NodeId("end"), ["start", "end", "other"]) == (mended.nodes[0].next.otherwise, [node.id for node in mended.nodes])


def test_what_led_to_a_node_that_is_gone_still_names_it() -> None:
    left = without_node_at(SOUND, 1)

    assert (["start", "end"], "act") == ([node.id for node in left.nodes], left.nodes[0].answers[0].next)
