"""What the product brings to the platform's account, for every account to use, and brings anew with a new version."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, ScriptTemplateId, TreeCategoryId, TreeId
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import Content, TreeKind
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.problems import KnownScripts
from flowpilot_core.domain.knowledge.script import ScriptContent
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.knowledge import KnowledgeWork

PRODUCT = System(account_id=PLATFORM_ACCOUNT, cause="it came with the product")


@frozen(kw_only=True)
class LibraryCategory:
    """A category that everybody may use; one above another comes before it."""

    id: TreeCategoryId
    name: str
    parent_id: TreeCategoryId | None = None


@frozen(kw_only=True)
class LibraryTree:
    """A tree as this version of the product has it."""

    id: TreeId
    kind: TreeKind
    name: str
    description: str
    category_id: TreeCategoryId
    content: Content


@frozen(kw_only=True)
class LibraryScript:
    """A script template as this version of the product has it."""

    id: ScriptTemplateId
    name: str
    description: str
    category_id: TreeCategoryId
    content: ScriptContent


@frozen(kw_only=True)
class Library:
    """All that this version brings. Ids are the same in every version."""

    categories: tuple[LibraryCategory, ...]
    scripts: tuple[LibraryScript, ...]
    trees: tuple[LibraryTree, ...]


@frozen(kw_only=True)
class Brought:
    """How much was published, for the first time and anew."""

    new: int
    changed: int


@frozen(kw_only=True)
class BringLibrary:
    """Brings the library to the platform's account, whose people may do with it what they like."""

    units: Units[KnowledgeWork]
    clock: Clock

    async def __call__(self, library: Library) -> Brought:
        """Publish what is new in this version, and anew what it has otherwise.

        What somebody edited, renamed, moved or archived stays as they left it. Raises `InvalidTree`.
        """
        scripts = {script.id: 1 for script in library.scripts}
        done = [await self._bring(tree, library.categories, scripts) for tree in library.trees]
        return Brought(new=done.count("new"), changed=done.count("changed"))

    async def _bring(self, wanted: LibraryTree, categories: Sequence[LibraryCategory], scripts: KnownScripts) -> str:
        now = self.clock.now()

        async def unit(work: KnowledgeWork) -> str:
            try:
                kept = await work.trees.get(wanted.id)
            except NotFound:
                category = await _category(work, wanted.category_id, categories)
                tree, revision = _drafted(wanted, category.ref, now).published(None, scripts, by=PRODUCT, at=now)
                await work.trees.add(tree)
                await work.trees.add_revision(tree.id, revision)
                return "new"
            if not await _is_older(work, kept, wanted):
                return "kept"
            category, at = await _category(work, wanted.category_id, categories), max(now, kept.updated_at)
            named = kept.renamed(name=wanted.name, description=wanted.description, category=category.ref, by=PRODUCT, at=at)
            tree, revision = named.edited(wanted.content, by=PRODUCT, at=at).published(None, scripts, by=PRODUCT, at=at)
            await work.trees.save(tree)
            await work.trees.add_revision(tree.id, revision)
            return "changed"

        return await self.units.run(PRODUCT, unit)


def _drafted(wanted: LibraryTree, category: Ref[TreeCategoryId], at: datetime) -> Tree:
    return Tree.drafted(
        wanted.id,
        kind=wanted.kind,
        name=wanted.name,
        description=wanted.description,
        category=category,
        content=wanted.content,
        by=PRODUCT,
        at=at,
    )


async def _is_older(work: KnowledgeWork, kept: Tree, wanted: LibraryTree) -> bool:
    """Whether it is as another version of the product brought it, and nobody has touched it since."""
    if kept.revision is None or kept.state is not TemplateState.PUBLISHED or kept.draft or kept.updated_at != kept.published_at:
        return False
    newest = await work.trees.revision(kept.id, kept.revision)
    said = (kept.name, kept.description, kept.category and kept.category.id, newest.content)
    return newest.by is None and said != (wanted.name, wanted.description, wanted.category_id, wanted.content)


async def _category(work: KnowledgeWork, category_id: TreeCategoryId, categories: Sequence[LibraryCategory]) -> TreeCategory:
    """The category of that id, made where it is not there, and the one above it too."""
    try:
        return await work.tree_categories.get(category_id)
    except NotFound:
        wanted = next(one for one in categories if one.id == category_id)
    parent = await _category(work, wanted.parent_id, categories) if wanted.parent_id else None
    made = TreeCategory.made(category_id, name=wanted.name, parent=parent, by=PRODUCT)
    await work.tree_categories.add(made)
    return made
