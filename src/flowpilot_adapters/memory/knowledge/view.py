"""What there is to see of trees in one account."""

from collections.abc import Collection, Mapping, Sequence

from attrs import evolve

from flowpilot_adapters.memory.knowledge import gallery, tree_categories, trees
from flowpilot_adapters.memory.knowledge.ratings import in_order, stars
from flowpilot_adapters.memory.reading import MemoryReading, thumbs_of
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, TreeId, UserId
from flowpilot_core.domain.knowledge.content import EMPTY, NodeId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.rating import Stars, Subject
from flowpilot_core.domain.knowledge.template import TemplateState, states_listed
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.feedback import Thumb, Thumbs
from flowpilot_core.ports.knowledge import CategoryListed, GalleryFilter, GalleryPlace, GalleryShown, TreeFilter, TreeListed


class MemoryKnowledgeView(MemoryReading):
    """As `KnowledgeView` says."""

    async def gallery(self, where: GalleryFilter, *, after: GalleryPlace | None, limit: int) -> Sequence[GalleryShown]:
        """As `KnowledgeView.gallery` says."""
        rows = await self._now()
        of_platform = self._account_id == PLATFORM_ACCOUNT
        found = [
            one
            for one in gallery.published(rows, where.reader, of_platform=of_platform)
            if _is_shown(one, where) and (after is None or one.place > after)
        ]
        return sorted(found, key=lambda one: one.place)[:limit]

    async def trees(
        self, where: TreeFilter, reader: Actor, *, after: TreeId | None, limit: int
    ) -> tuple[Sequence[TreeListed], Mapping[UserId, str]]:
        """As `KnowledgeView.trees` says."""
        rows = await self._now()

        def wanted(tree: Tree) -> bool:
            return _is(tree, where) and tree.readable_by(reader)

        page = in_order(rows, Subject.TREE, rows.trees.values(), wanted, where.sort, after)[:limit]
        return [trees.listed(rows, _without_content(tree)) for tree in page], trees.names(rows, page)

    async def tree_revisions(self, tree_id: TreeId) -> tuple[Sequence[TreeRevision], Mapping[UserId, str]]:
        """As `KnowledgeView.tree_revisions` says."""
        rows = await self._now()
        trees.found(rows, tree_id)
        own = {key: rows.tree_revisions.get(key) for key in rows.tree_revisions.named()}
        kept = own if rows.trees.get(tree_id) else rows.platform.tree_revisions
        found = [revision for (of, _), revision in kept.items() if of == tree_id and revision]
        names = {one.by: user.name for one in found if one.by and (user := rows.users.get(one.by))}
        return sorted(found, key=lambda one: one.number, reverse=True), names

    async def thumbs(self, ref: Ref[TreeId]) -> Mapping[NodeId, Thumbs]:
        """As `KnowledgeView.thumbs` says."""
        rows = await self._now()
        given: dict[NodeId, list[Thumb]] = {}
        for rating in rows.ratings.values():
            step, session = rows.steps.get(rating.step_id), rows.sessions.get(rating.session_id)
            if step and step.node and session and session.walk and trees.followed(session.walk) == ref:
                given.setdefault(NodeId(step.node.node_id), []).append(rating.thumb)
        return {node_id: thumbs_of(thumbs) for node_id, thumbs in given.items()}

    async def tree_categories(self, reader: Actor | None) -> Sequence[CategoryListed]:
        """As `KnowledgeView.tree_categories` says."""
        rows = await self._now()
        of_trees, of_scripts = (
            [one.category for one in templates.values() if one.readable_by(reader)] for templates in (rows.trees, rows.script_templates)
        )
        return [
            CategoryListed(category=one, trees=of_trees.count(one.ref), scripts=of_scripts.count(one.ref))
            for one in tree_categories.categories(rows)
        ]

    async def trees_about(self, words: Collection[str]) -> Sequence[tuple[Tree, Stars]]:
        """As `KnowledgeView.trees_about` says."""
        rows = await self._now()
        shown = (evolve(tree, draft=None) for tree in rows.platform.trees.values())
        own = (_without_content(tree) for tree in rows.trees.values())
        found = (tree for tree in (*own, *shown) if tree.state is TemplateState.PUBLISHED and not set(words).isdisjoint(tree.words))
        return [(tree, stars(rows, Subject.TREE, tree)) for tree in sorted(found, key=lambda tree: tree.id)]


def _is_shown(one: GalleryShown, where: GalleryFilter) -> bool:
    return (
        (one.entry.listed or not where.listed)
        and where.subject in (None, one.entry.subject)
        and where.id in (None, one.entry.id)
        and where.featured in (None, one.entry.featured)
        and (where.category_id is None or (one.category is not None and where.category_id in (one.category.id, one.category.parent_id)))
        and (where.query is None or where.query.fits(one.name, one.description))
    )


def _is(tree: Tree, where: TreeFilter) -> bool:
    return (
        tree.state in states_listed(where.state)
        and where.kind in (None, tree.kind)
        and where.category_id in (None, tree.category and tree.category.id)
        and where.created_by in (None, tree.created_by)
        and (where.query is None or where.query.fits(tree.name, tree.description))
    )


def _without_content(tree: Tree) -> Tree:
    return tree if tree.draft is None else evolve(tree, draft=evolve(tree.draft, content=EMPTY))
