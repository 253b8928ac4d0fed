"""The trees of one account, and those that the platform published."""

import asyncio
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from flowpilot_adapters.memory.knowledge.tree_categories import category
from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import SessionId, TreeId, UserId
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.walk import Walk
from flowpilot_core.ports.knowledge import TreeDetail, TreeInUse, TreeListed

from .ratings import stars


@frozen
class MemoryTrees:
    """Inside one unit of work."""

    _work: Transaction

    async def get(self, tree_id: TreeId) -> Tree:
        """As `Trees.get` says."""
        await asyncio.sleep(0)
        return found(self._work.rows, tree_id)

    async def detail(self, tree_id: TreeId) -> TreeDetail:
        """As `Trees.detail` says."""
        tree = await self.get(tree_id)
        return TreeDetail(listed=listed(self._work.rows, tree), names=names(self._work.rows, [tree]))

    async def made_from(self, session_id: SessionId) -> Tree | None:
        """As `Trees.made_from` says."""
        await asyncio.sleep(0)
        made = [
            tree for tree in self._work.rows.trees.values() if tree.from_session_id == session_id and tree.state is TemplateState.PUBLISHED
        ]
        return max((evolve(tree, draft=None) for tree in made), key=lambda tree: tree.id, default=None)

    async def revision(self, tree_id: TreeId, number: int) -> TreeRevision:
        """As `Trees.revision` says."""
        await asyncio.sleep(0)
        rows = self._work.rows
        one = rows.tree_revisions.get((tree_id, number)) or rows.platform.tree_revisions.get((tree_id, number))
        if one is None:
            raise NotFound("revision")
        return one

    async def add(self, tree: Tree) -> None:
        """As `Trees.add` says."""
        self._work.rows.trees.put(tree.id, tree)

    async def save(self, tree: Tree) -> Tree:
        """As `Trees.save` says: whoever comes second sees it at once, or at the commit."""
        before = self._work.rows.trees.get(tree.id)
        if before is None or before.version != tree.version:
            raise Stale
        self._work.builds_on(self._work.rows.trees, tree.id, before)
        saved = evolve(tree, version=tree.version + 1)
        self._work.rows.trees.put(tree.id, saved)
        return saved

    async def add_revision(self, tree_id: TreeId, revision: TreeRevision) -> None:
        """As `Trees.add_revision` says."""
        self._work.rows.tree_revisions.put((tree_id, revision.number), revision)

    async def drop(self, tree_id: TreeId) -> None:
        """As `Trees.drop` says."""
        rows = self._work.rows
        rows.trees.drop(tree_id)
        for proposal in [one for one in rows.tree_proposals.values() if one.draft_tree_id == tree_id]:
            rows.tree_proposals.put(proposal.id, evolve(proposal, draft_tree_id=None))


def found(rows: Working, tree_id: TreeId) -> Tree:
    """One of the account, or one that the platform published, without its draft. Raises `NotFound`."""
    own, shown = rows.trees.get(tree_id), rows.platform.trees.get(tree_id)
    if own is not None:
        return own
    if shown is None or shown.revision is None:
        raise NotFound("tree")
    return evolve(shown, draft=None)


def followed(walk: Walk) -> Ref[TreeId]:
    """The tree of a walk."""
    return Ref(id=walk.tree_id, owner=Owner.PLATFORM if walk.of_platform else Owner.ACCOUNT)


def listed(rows: Working, tree: Tree) -> TreeListed:
    """A tree with what stands around it."""
    copies = sum(one.copied_from is not None and one.copied_from.template.id == tree.id for one in rows.trees.values())
    walks = sum(one.walk is not None and one.walk.tree_id == tree.id for one in rows.sessions.values())
    return TreeListed(
        tree=tree,
        category=category(rows, tree.category.id) if tree.category else None,
        use=TreeInUse(uses=copies + walks, newest_origin=_newest(rows, tree), stars=stars(rows, Subject.TREE, tree)),
    )


def _newest(rows: Working, tree: Tree) -> int | None:
    if tree.copied_from is None:
        return None
    try:
        return found(rows, tree.copied_from.template.id).revision
    except NotFound:
        return None


def names(rows: Working, page: Iterable[Tree]) -> Mapping[UserId, str]:
    """What the account's people on record in trees are called."""
    people = {user_id for tree in page for user_id in (tree.created_by, tree.draft and tree.draft.by) if user_id}
    return {user_id: user.name for user_id in people if (user := rows.users.get(user_id))}
