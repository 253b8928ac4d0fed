"""What is different between two states of a tree."""

from attrs import evolve
from hypothesis import given

from flowpilot_core.domain.knowledge.content import EMPTY, Content, links
from flowpilot_core.domain.knowledge.diff import difference
from tests.support.trees import SOUND, action, outcome, question, sound_trees, tree


def test_nodes_that_came_went_and_changed_are_told_with_their_fields() -> None:
    after = tree(question("start", "new", "end", text="Does it print?"), action("new", "end"), outcome("end"))

    found = difference(SOUND, after)

    assert (("new",), ("act",)) == (found.added, found.removed)
    assert [("start", ("text", "answers"))] == [(one.id, one.fields) for one in found.changed]
    assert (("start", "answer 1", "new"), ("new", "otherwise", "end")) == found.added_links
    assert (("start", "answer 1", "act"), ("act", "otherwise", "end")) == found.removed_links


@given(before=sound_trees(), after=sound_trees())
def test_what_was_added_and_removed_leads_from_one_to_the_other(before: Content, after: Content) -> None:
    found = difference(before, after)

    assert set(after.by_id) == (set(before.by_id) | set(found.added)) - set(found.removed)
    assert set(links(after.nodes)) == (set(links(before.nodes)) | set(found.added_links)) - set(found.removed_links)
    assert {one.id: one.after for one in found.changed} == {
        node.id: node for node in after.nodes if before.by_id.get(node.id) not in (None, node)
    }


@given(content=sound_trees())
def test_a_tree_is_no_different_from_itself_and_all_new_to_an_empty_one(content: Content) -> None:
    assert evolve(difference(EMPTY, EMPTY)) == difference(content, content)
    assert tuple(content.by_id) == difference(EMPTY, content).added
