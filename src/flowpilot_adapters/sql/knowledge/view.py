"""What there is to see of trees in one account."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, Text, Uuid, and_, any_, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.knowledge import gallery_view as gallery
from flowpilot_adapters.sql.knowledge import trees
from flowpilot_adapters.sql.knowledge.stars import beginning, given, mean, page, stars
from flowpilot_adapters.sql.knowledge.trees import (
    AROUND,
    CATEGORISED,
    DRAFTED,
    HEAD,
    OWN_FIRST,
    READER,
    STATES,
    TREE_ID,
    drafted_by_reader,
    listed,
    may_read,
    named,
    names_in,
    readable,
    reads_drafts,
)
from flowpilot_adapters.sql.matching import fits, fitting
from flowpilot_adapters.sql.queries import if_given, names_of, own, thumbs_by
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.schema import (
    script_template,
    script_template_draft,
    session,
    step,
    step_rating,
    tree,
    tree_category,
    tree_draft,
    tree_revision,
)
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import TreeId, UserId
from flowpilot_core.domain.knowledge.content import NodeId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.rating import Stars, Subject
from flowpilot_core.domain.knowledge.template import TemplateState, states_listed
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.feedback import Thumbs
from flowpilot_core.ports.knowledge import CategoryListed, GalleryFilter, GalleryPlace, GalleryShown, Sort, TreeFilter, TreeListed

WORDS: Final = bindparam("words", type_=ARRAY(Text()))

_found = (
    select(tree.c.id)
    .select_from(DRAFTED)
    .where(
        own(tree),
        tree.c.state == any_(STATES),
        if_given(tree.c.kind, "kind"),
        if_given(tree.c.category_id, "category_id"),
        if_given(tree.c.created_by, "created_by"),
        may_read(tree, tree_draft.c.by_user_id == READER),
        *fits(tree.c.name, tree.c.description),
    )
)


def _listed(sort: Sort) -> Statement:
    in_page = page(Subject.TREE, tree, _found, sort)
    names = names_in(tree.c.id.in_(in_page), tree_draft.c.tree_id.in_(in_page))
    order = [mean(Subject.TREE, tree).desc()] if sort is Sort.RATING else []
    return compiled(
        f"trees, {sort} first",
        select(*HEAD, *AROUND, *names.c)
        .select_from(CATEGORISED.join(names, literal_column("true")))
        .where(own(tree), tree.c.id.in_(in_page))
        .order_by(*order, tree.c.id.desc()),
    )


TREES: Final[Mapping[Sort, Statement]] = MappingProxyType({sort: _listed(sort) for sort in Sort})
_whose = select(tree.c.account_id).where(readable(tree), tree.c.id == TREE_ID).order_by(OWN_FIRST).limit(1).scalar_subquery()
_by = names_of(select(tree_revision.c.by_user_id).where(own(tree_revision), tree_revision.c.tree_id == TREE_ID))
REVISIONS: Final = compiled(
    "revisions of tree",
    select(*tree_revision.c, *_by.c)
    .select_from(tree_revision.join(_by, literal_column("true")))
    .where(tree_revision.c.account_id == _whose, tree_revision.c.tree_id == TREE_ID)
    .order_by(tree_revision.c.number.desc()),
)
_at_node = and_(own(step), step.c.session_id == step_rating.c.session_id, step.c.id == step_rating.c.step_id)
THUMBS: Final = compiled(
    "thumbs of nodes",
    thumbs_by(step.c.node.op("->>")(literal_column("'node_id'")).label("node_id"))
    .select_from(session.join(step_rating, and_(own(step_rating), step_rating.c.session_id == session.c.id)).join(step, _at_node))
    .where(
        own(session),
        session.c.walk_tree_account_id == bindparam("tree_account_id", type_=Uuid()),
        session.c.walk_tree_id == TREE_ID,
        step.c.node.is_not(None),
    ),
)


def _in_it(table: Table, draft: Table, of: str) -> ColumnElement[Any]:
    inside = (table.c.category_account_id == tree_category.c.account_id, table.c.category_id == tree_category.c.id)
    readable_of = may_read(table, drafted_by_reader(table, draft, of))
    return select(func.count()).select_from(table).where(own(table), *inside, readable_of).scalar_subquery()


CATEGORIES: Final = compiled(
    "tree categories with counts",
    select(
        *tree_category.c,
        _in_it(tree, tree_draft, "tree_id").label("trees"),
        _in_it(script_template, script_template_draft, "template_id").label("scripts"),
    )
    .where(readable(tree_category))
    .order_by(tree_category.c.id),
)
ABOUT: Final = compiled(
    "trees about",
    select(*HEAD, *given(Subject.TREE, tree))
    .select_from(DRAFTED)
    .where(readable(tree), tree.c.state == TemplateState.PUBLISHED, tree.c.words.op("&&")(WORDS))
    .order_by(tree.c.id),
)


class SqlKnowledgeView(SqlReading):
    """As `KnowledgeView` says."""

    async def gallery(self, where: GalleryFilter, *, after: GalleryPlace | None, limit: int) -> Sequence[GalleryShown]:
        """As `KnowledgeView.gallery` says."""
        found = await self._read_one(gallery.shown(self._account_id, where, after, limit))
        return [gallery.of(row) for row in found.rows]

    async def trees(
        self, where: TreeFilter, reader: Actor, *, after: TreeId | None, limit: int
    ) -> tuple[Sequence[TreeListed], Mapping[UserId, str]]:
        """As `KnowledgeView.trees` says."""
        found = await self._read_one(
            TREES[where.sort](
                account_id=self._account_id,
                **beginning(where.sort, after),
                states=states_listed(where.state),
                kind=where.kind,
                category_id=where.category_id,
                created_by=where.created_by,
                **fitting(where.query),
                **reads_drafts(reader),
                most=limit,
            )
        )
        return [listed(row) for row in found.rows], named(found.rows)

    async def tree_revisions(self, tree_id: TreeId) -> tuple[Sequence[TreeRevision], Mapping[UserId, str]]:
        """As `KnowledgeView.tree_revisions` says."""
        of_tree = {"account_id": self._account_id, "tree_id": tree_id}
        head, found = await self._read(trees.GET(**of_tree), REVISIONS(**of_tree))
        if head.first is None:
            raise NotFound("tree")
        return [records.revision(row) for row in found.rows], named(found.rows)

    async def thumbs(self, ref: Ref[TreeId]) -> Mapping[NodeId, Thumbs]:
        """As `KnowledgeView.thumbs` says."""
        of_account = trees.account_of(ref, self._account_id)
        found = await self._read_one(THUMBS(account_id=self._account_id, tree_account_id=of_account, tree_id=ref.id))
        return {NodeId(row.node_id): Thumbs(up=row.up, down=row.down) for row in found.rows}

    async def tree_categories(self, reader: Actor | None) -> Sequence[CategoryListed]:
        """As `KnowledgeView.tree_categories` says."""
        found = await self._read_one(CATEGORIES(account_id=self._account_id, **reads_drafts(reader)))
        return [CategoryListed(category=records.category(row), trees=row.trees, scripts=row.scripts) for row in found.rows]

    async def trees_about(self, words: Collection[str]) -> Sequence[tuple[Tree, Stars]]:
        """As `KnowledgeView.trees_about` says."""
        found = await self._read_one(ABOUT(account_id=self._account_id, words=sorted(words)))
        return [(records.tree(row), stars(row)) for row in found.rows]
