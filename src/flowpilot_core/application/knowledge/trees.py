"""Use cases of trees: write a draft, publish it, compare, copy, put away."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from attrs import frozen

from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import DraftTaken, NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId, TreeId, UserId
from flowpilot_core.domain.knowledge.content import EMPTY, Content, Node, TreeKind, checked_content
from flowpilot_core.domain.knowledge.diff import TreeDiff, difference
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Matches
from flowpilot_core.domain.knowledge.problems import Problem, problems, scripts_of
from flowpilot_core.domain.knowledge.template import CopiedFrom
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.feedback import NO_THUMBS, Thumbs
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, Compute, NewId, ViewOf
from flowpilot_core.ports.knowledge import KnowledgeView, KnowledgeWork, TreeDetail, TreeFilter, TreeListed
from flowpilot_core.ports.relay import RelayWork

from .names import naming
from .uses import note_use

R = TypeVar("R")
S = TypeVar("S")


class TreesNeeds(KnowledgeWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class TreeShown:
    """A tree with its content, the draft's for who may see it, and what is wrong with that."""

    detail: TreeDetail
    content: Content
    problems: tuple[Problem, ...]
    draft: bool
    """Whether there is a draft that the reader may know of: it is the content then."""


@frozen(kw_only=True)
class RevisionShown:
    """What was published, and what is wrong with it by now."""

    revision: TreeRevision
    problems: tuple[Problem, ...]
    names: Mapping[UserId, str]


@frozen(kw_only=True)
class Trees:
    """Trees of the actor's account, and those that the platform published.

    Everything raises `NotFound` for what is not there, or not for this actor to know of.
    """

    units: Units[TreesNeeds]
    view: ViewOf[KnowledgeView]
    clock: Clock
    new_id: NewId
    matches: Matches
    compute: Compute = compute_here

    async def list(
        self, actor: Actor, where: TreeFilter, *, after: TreeId | None, limit: int
    ) -> tuple[Sequence[TreeListed], Mapping[UserId, str]]:
        """Trees of the account that the actor may read, newest first or as asked."""
        return await self.view(actor.account_id).trees(where, actor, after=after, limit=limit)

    async def get(self, actor: Actor, tree_id: TreeId) -> TreeShown:
        """One, with its content."""
        async with self.units.begin(actor.account_id) as work:
            return await self.shown(work, actor, tree_id)

    async def revisions(self, actor: Actor, tree_id: TreeId) -> tuple[Sequence[TreeRevision], Mapping[UserId, str]]:
        """All that was published of one, newest first."""
        await self.require(actor, tree_id)
        return await self.view(actor.account_id).tree_revisions(tree_id)

    async def revision(self, actor: Actor, tree_id: TreeId, number: int) -> RevisionShown:
        """What was published under that number."""
        async with self.units.begin(actor.account_id) as work:
            tree = await _readable(work, actor, tree_id)
            revision = await work.trees.revision(tree_id, number)
            wrong = await self._problems(work, tree.kind, revision.content)
        _, names = await self.view(actor.account_id).tree_revisions(tree_id)
        return RevisionShown(revision=revision, problems=wrong, names=names)

    async def require(self, actor: Actor, tree_id: TreeId) -> None:
        """Raises `NotFound`."""
        async with self.units.begin(actor.account_id) as work:
            await _readable(work, actor, tree_id)

    async def nodes(self, actor: Actor, tree_id: TreeId) -> Sequence[tuple[Node, Thumbs]]:
        """The nodes of what `get` shows, each with what people of the account think of steps that were taken there."""
        shown = await self.get(actor, tree_id)
        tree = shown.detail.listed.tree
        thumbs = await self.view(actor.account_id).thumbs(Ref(id=tree.id, owner=tree.owner))
        return [(node, thumbs.get(node.id, NO_THUMBS)) for node in shown.content.nodes]

    async def make(
        self,
        actor: Actor,
        *,
        name: str,
        kind: TreeKind,
        description: str | None = None,
        category_id: TreeCategoryId | None = None,
        content: Content = EMPTY,
        request: Request = PLAIN,
    ) -> TreeShown:
        """A new draft. Raises `InvalidValue`."""
        checked_content(content, self.matches)

        async def unit(work: TreesNeeds) -> TreeShown:
            tree = Tree.drafted(
                TreeId(self.new_id()),
                kind=kind,
                name=name,
                description=description,
                category=await category_of(work, category_id),
                content=content,
                by=actor,
                at=self.clock.now(),
            )
            await work.trees.add(tree)
            return await self.shown(work, actor, tree.id)

        return await self.units.run(actor, unit, request)

    async def change(
        self,
        actor: Actor,
        tree_id: TreeId,
        change: Callable[[Tree], tuple[str, str | None, TreeCategoryId | None]],
        *,
        request: Request = PLAIN,
    ) -> TreeShown:
        """Another name, description or category, as `change` says of the tree as it is. Raises `InvalidValue`."""

        async def move(work: TreesNeeds, tree: Tree) -> Tree:
            name, description, category_id = change(tree)
            kept = tree.category is not None and tree.category.id == category_id
            category = tree.category if kept else await category_of(work, category_id)
            return tree.renamed(name=name, description=description, category=category, by=actor, at=self.clock.now())

        return await self._move(actor, tree_id, move, request)

    async def edit(
        self, actor: Actor, tree_id: TreeId, content: Content, *, take_over: bool = False, request: Request = PLAIN
    ) -> TreeShown:
        """With this as its draft, unfinished or not. Raises `InvalidValue` for what can be in no tree, and `DraftTaken`."""
        checked_content(content, self.matches)

        async def move(work: TreesNeeds, tree: Tree) -> Tree:
            return await edited(work, tree, content, take_over=take_over, by=actor, at=self.clock.now())

        return await self._move(actor, tree_id, move, request)

    async def publish(self, actor: Actor, tree_id: TreeId, note: str | None = None, *, request: Request = PLAIN) -> TreeShown:
        """With its draft as the next revision. Raises `InvalidTree`."""

        async def move(work: TreesNeeds, tree: Tree) -> Tree:
            known = await work.script_templates.newest(scripts_of(tree.draft.content)) if tree.draft else {}
            published, revision = tree.published(note, known, by=actor, at=self.clock.now())
            await work.trees.add_revision(tree.id, revision)
            await self._enter(work, DeedKind.TREE_PUBLISHED, published, actor, request)
            return published

        return await self._move(actor, tree_id, move, request)

    async def archive(self, actor: Actor, tree_id: TreeId, *, request: Request = PLAIN) -> TreeShown:
        """Offered to nobody any more."""

        async def move(work: TreesNeeds, tree: Tree) -> Tree:
            archived = tree.archived(by=actor, at=self.clock.now())
            await self._enter(work, DeedKind.TREE_ARCHIVED, archived, actor, request)
            return archived

        return await self._move(actor, tree_id, move, request)

    async def restore(self, actor: Actor, tree_id: TreeId, *, request: Request = PLAIN) -> TreeShown:
        """Offered again."""

        async def move(work: TreesNeeds, tree: Tree) -> Tree:
            restored = tree.restored(by=actor, at=self.clock.now())
            await self._enter(work, DeedKind.TREE_RESTORED, restored, actor, request)
            return restored

        return await self._move(actor, tree_id, move, request)

    async def delete(self, actor: Actor, tree_id: TreeId, *, request: Request = PLAIN) -> None:
        """Forget one that was never published."""

        async def unit(work: TreesNeeds) -> None:
            tree = await _readable(work, actor, tree_id)
            tree.require_deletable(actor)
            tree.require_version(request.if_match)
            await work.trees.drop(tree_id)

        await self.units.run(actor, unit, request)

    async def copy(self, actor: Actor, tree_id: TreeId, *, request: Request = PLAIN) -> TreeShown:
        """A draft of one's own of what was published last, that says where it is from."""

        async def unit(work: TreesNeeds) -> TreeShown:
            tree, origin = await self._published(work, actor, tree_id)
            source = CopiedFrom(template=Ref(id=tree.id, owner=tree.owner), revision=origin.number)
            copy = Tree.drafted(
                TreeId(self.new_id()),
                kind=tree.kind,
                name=tree.name,
                description=tree.description,
                category=tree.category,
                content=origin.content,
                copied_from=source,
                by=actor,
                at=self.clock.now(),
            )
            await work.trees.add(copy)
            await note_use(work, source.template, new_id=self.new_id, at=copy.created_at)
            return await self.shown(work, actor, copy.id)

        return await self.units.run(actor, unit, request)

    async def draft_from_origin(self, actor: Actor, tree_id: TreeId, *, request: Request = PLAIN) -> TreeShown:
        """With what its original says by now as its draft. Raises `DraftTaken`, and `NotFound` where that cannot be read any more."""

        async def move(work: TreesNeeds, tree: Tree) -> Tree:
            if tree.copied_from is None:
                raise NotFound("original")
            _, origin = await self._published(work, actor, tree.copied_from.template.id)
            return tree.followed(origin.number, origin.content, by=actor, at=self.clock.now())

        return await self._move(actor, tree_id, move, request)

    async def diff(self, actor: Actor, tree_id: TreeId, before: int | None, after: int | None) -> TreeDiff:
        """What is different from one revision to another; None is the draft. Raises `NotFound` for one that is not there."""
        async with self.units.begin(actor.account_id) as work:
            tree = await _readable(work, actor, tree_id)
            one, other = [await _content(work, actor, tree, number) for number in (before, after)]
        return difference(one, other)

    async def converted(self, actor: Actor, convert: Callable[[S], R], file: S) -> R:
        """What `convert`, a function of a module, makes of a file that is read or written, where it delays nobody."""
        return await self.compute(actor.account_id, convert, file)

    async def _move(
        self, actor: Actor, tree_id: TreeId, move: Callable[[TreesNeeds, Tree], Awaitable[Tree]], request: Request
    ) -> TreeShown:
        async def unit(work: TreesNeeds) -> TreeShown:
            before = await _readable(work, actor, tree_id)
            tree = await move(work, before)
            before.require_version(request.if_match)
            await work.trees.save(tree)
            return await self.shown(work, actor, tree_id)

        return await self.units.run(actor, unit, request)

    async def _published(self, work: TreesNeeds, actor: Actor, tree_id: TreeId) -> tuple[Tree, TreeRevision]:
        tree = await _readable(work, actor, tree_id)
        return tree, await work.trees.revision(tree_id, tree.require_copyable(actor))

    async def shown(self, work: TreesNeeds, actor: Actor, tree_id: TreeId) -> TreeShown:
        """A tree as this unit of work has left it so far."""
        detail = await work.trees.detail(tree_id)
        tree = detail.listed.tree
        tree.require_readable(actor)
        drafted = tree.draft is not None and tree.sees_draft(actor)
        content = await _content(work, actor, tree, None if drafted else tree.revision)
        wrong = await self._problems(work, tree.kind, content)
        return TreeShown(detail=detail, content=content, problems=wrong, draft=drafted)

    async def _problems(self, work: TreesNeeds, kind: TreeKind, content: Content) -> tuple[Problem, ...]:
        named = scripts_of(content)
        return problems(content, kind, await work.script_templates.newest(named) if named else {})

    async def _enter(self, work: TreesNeeds, kind: DeedKind, tree: Tree, actor: Actor, request: Request) -> None:
        said: dict[str, Plain] = {"name": tree.name, "revision": tree.revision}
        await work.audit.add(Deed.of(kind, by=actor, at=self.clock.now(), thing_id=tree.id, changed=said, request_id=request.id))


async def edited(work: AccessWork, tree: Tree, content: Content, *, take_over: bool = False, by: Actor, at: datetime) -> Tree:
    """As `Tree.edited` says, and a refusal says what the person is called whose draft it is."""
    try:
        return tree.edited(content, take_over=take_over, by=by, at=at)
    except DraftTaken as taken:
        raise await naming(work, taken) from taken


async def category_of(work: KnowledgeWork, category_id: TreeCategoryId | None) -> Ref[TreeCategoryId] | None:
    """What a tree in this category refers to. Raises `NotFound`."""
    return None if category_id is None else (await work.tree_categories.get(category_id)).ref


async def _readable(work: KnowledgeWork, actor: Actor, tree_id: TreeId) -> Tree:
    tree = await work.trees.get(tree_id)
    tree.require_readable(actor)
    return tree


async def _content(work: KnowledgeWork, actor: Actor, tree: Tree, number: int | None) -> Content:
    """Of a revision, or of the draft. Raises `NotFound` for what is not there, or not this actor's to know of."""
    if number is not None:
        return (await work.trees.revision(tree.id, number)).content
    if tree.draft is None or not tree.sees_draft(actor):
        raise NotFound("draft")
    return tree.draft.content
