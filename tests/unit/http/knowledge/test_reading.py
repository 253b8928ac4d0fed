"""A tree as it is read and drawn: every node once, in the order in which one walks."""

from hypothesis import given

from flowpilot_core.domain.knowledge.content import Content
from flowpilot_http.pages.knowledge.reading import read
from tests.support.trees import action, outcome, question, sound_trees, tree


def test_each_node_comes_after_the_one_that_leads_to_it_and_says_where_it_leads() -> None:
    reading = read(tree(question("start", "act", "end"), outcome("end"), action("act", "end")))

    assert ["start", "end", "act"] == [stop.node.id for stop in reading.stops]
    assert [("answer 1", 3), ("answer 2", 2)] == [(way.label, way.number) for way in reading.stops[0].exits]


def test_a_node_that_several_lead_to_is_drawn_once_and_named_where_it_is_come_by_again() -> None:
    reading = read(tree(question("start", "act", "end"), action("act", "end"), outcome("end")))

    assert [("start", False), ("end", False), ("act", False), ("end", True)] == [(box.node.id, box.again) for box in reading.boxes]
    assert len({(box.x, box.y) for box in reading.boxes}) == len(reading.boxes)


def test_ways_of_one_node_to_the_same_are_one_line() -> None:
    reading = read(tree(question("start", "end", "act", "end"), action("act", "end"), outcome("end")))

    first, *others = [line.label for line in reading.lines]
    assert ("answer 1, ", "…") == (first[:10], first[-1])
    assert ["answer 2", "otherwise"] == others


def test_what_no_way_leads_to_comes_last_and_says_so() -> None:
    reading = read(tree(outcome("lost"), action("start", "end"), outcome("end")))

    assert [("start", True), ("end", True), ("lost", False)] == [(stop.node.id, stop.reached) for stop in reading.stops]


def test_a_draft_is_drawn_however_unfinished_it_is() -> None:
    circle = tree(question("start", "start", None, "nowhere"))
    deep = tree(*(action(f"n{number}", f"n{number + 1}") for number in range(2_000)), root="n0")

    assert [("answer 1", 1), ("answer 2", None), ("answer 3", None)] == [(way.label, way.number) for way in read(circle).stops[0].exits]
    assert 2_000 == len(read(deep).stops)
    assert () == read(Content()).stops


@given(sound_trees())
def test_any_tree_is_drawn_whole_with_no_two_nodes_in_one_place(content: Content) -> None:
    reading = read(content)

    assert set(content.by_id) == {stop.node.id for stop in reading.stops} == {box.node.id for box in reading.boxes}
    assert len({(box.x, box.y) for box in reading.boxes}) == len(reading.boxes)
    assert all(box.x < reading.width and box.y < reading.height for box in reading.boxes)
