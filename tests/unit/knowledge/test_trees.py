"""A tree: who sees and changes its draft, and how it is published and put away."""

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.errors import DraftTaken, InvalidTransition, InvalidValue, NotFound, RoleForbidden
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, TreeId
from flowpilot_core.domain.knowledge.content import EMPTY, Content, Node, NodeId, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.ownership import Owner
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import InvalidTree, Tree
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, NOON, OLGA, VERA, new_id

SOUND = Content(root=NodeId("end"), nodes=(Node(id=NodeId("end"), kind=NodeKind.OUTCOME, text="It prints", outcome=TreeOutcome.SOLVED),))
OTHER = evolve(SOUND, nodes=(evolve(SOUND.nodes[0], text="It prints again"),))


def a_tree(by: Actor = ANNA, content: Content = SOUND) -> Tree:
    return Tree.drafted(TreeId(new_id()), kind=TreeKind.TROUBLESHOOTING, name="Printer offline", content=content, by=by, at=NOON)


def published(by: Actor = ANNA) -> Tree:
    return a_tree(by).published(None, {}, by=OLGA, at=NOON)[0]


def test_a_draft_is_read_by_its_author_and_whoever_may_publish() -> None:
    draft = a_tree(ANNA)

    for reader in (ANNA, OLGA, ADAM):
        draft.require_readable(reader)
    for stranger in (BEN, VERA):
        with pytest.raises(NotFound):
            draft.require_readable(stranger)


def test_what_is_published_is_read_by_everybody_and_its_draft_is_not() -> None:
    tree = published().edited(OTHER, by=ANNA, at=NOON)

    for reader in (ANNA, BEN, VERA):
        tree.require_readable(reader)
    assert [True, True, False, False] == [tree.sees_draft(reader) for reader in (ANNA, OLGA, BEN, VERA)]


def test_the_draft_becomes_the_next_revision() -> None:
    first, one = a_tree().published("new", {}, by=OLGA, at=NOON)
    second, two = first.edited(OTHER, by=BEN, at=NOON).published(None, {}, by=ADAM, at=NOON)

    assert [(1, SOUND, "new", OLGA.user_id), (2, OTHER, None, ADAM.user_id)] == [(r.number, r.content, r.note, r.by) for r in (one, two)]
    assert (TemplateState.PUBLISHED, 2, None) == (second.state, second.revision, second.draft)


def test_there_is_nothing_to_publish_without_a_draft() -> None:
    with pytest.raises(InvalidTransition):
        published().published(None, {}, by=OLGA, at=NOON)


def test_nothing_with_a_problem_is_published() -> None:
    with pytest.raises(InvalidTree) as refused:
        a_tree(content=EMPTY).published(None, {}, by=OLGA, at=NOON)

    assert ["no_root"] == [one.code for one in refused.value.problems]


def test_an_engineer_publishes_nothing() -> None:
    for move in (lambda: a_tree().published(None, {}, by=ANNA, at=NOON), lambda: published().archived(by=ANNA, at=NOON)):
        with pytest.raises(RoleForbidden):
            move()


def test_the_draft_of_a_published_tree_belongs_to_who_began_it() -> None:
    begun = published(BEN).edited(OTHER, by=ANNA, at=NOON)

    for other in (BEN, OLGA):
        with pytest.raises(DraftTaken) as refused:
            begun.edited(SOUND, by=other, at=NOON)
        assert ANNA.user_id == refused.value.by


def test_whoever_may_publish_may_take_a_draft_over() -> None:
    begun = published().edited(OTHER, by=ANNA, at=NOON)
    taken = begun.edited(SOUND, take_over=True, by=OLGA, at=NOON)

    assert taken.draft
    assert (SOUND, OLGA.user_id) == (taken.draft.content, taken.draft.by)
    with pytest.raises(DraftTaken):
        begun.edited(SOUND, take_over=True, by=BEN, at=NOON)


def test_a_draft_that_was_never_published_stays_its_authors_whoever_mends_it() -> None:
    mended = a_tree(ANNA).edited(OTHER, by=OLGA, at=NOON)

    assert mended.draft
    assert (OTHER, ANNA.user_id) == (mended.draft.content, mended.draft.by)


def test_an_archived_tree_can_only_be_restored() -> None:
    archived = published().archived(by=ADAM, at=NOON)

    assert (TemplateState.PUBLISHED, 1) == (archived.restored(by=OLGA, at=NOON).state, archived.revision)
    for move in (
        archived.require_usable,
        lambda: archived.edited(OTHER, by=OLGA, at=NOON),
        lambda: archived.archived(by=OLGA, at=NOON),
        lambda: archived.require_deletable(OLGA),
    ):
        with pytest.raises(InvalidTransition):
            move()


def test_only_what_was_never_published_is_deleted() -> None:
    a_tree().require_deletable(ANNA)
    with pytest.raises(InvalidTransition):
        published().require_deletable(OLGA)


def test_what_is_the_platforms_is_changed_by_its_own_people_alone() -> None:
    boss = evolve(OLGA, account_id=PLATFORM_ACCOUNT)
    tree, _ = a_tree(boss).published(None, {}, by=System(account_id=PLATFORM_ACCOUNT, cause="a new version"), at=NOON)

    assert (Owner.PLATFORM, Owner.ACCOUNT) == (tree.owner, a_tree().owner)
    tree.edited(OTHER, by=boss, at=NOON)
    for move in (
        lambda: tree.edited(OTHER, by=OLGA, at=NOON),
        lambda: tree.renamed(name="Ours", description=None, category=None, by=OLGA, at=NOON),
        lambda: tree.archived(by=OLGA, at=NOON),
        lambda: tree.require_deletable(OLGA),
    ):
        with pytest.raises(RoleForbidden):
            move()


def test_a_name_is_one_line() -> None:
    with pytest.raises(InvalidValue):
        published().renamed(name="two\nlines", description=None, category=None, by=ANNA, at=NOON)
