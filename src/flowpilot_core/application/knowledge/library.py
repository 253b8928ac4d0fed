"""What the product brings to the platform's account, for every account to use, and brings anew with a new version."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from attrs import frozen

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, ScriptTemplateId, TreeCategoryId, TreeId
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import Content, TreeKind
from flowpilot_core.domain.knowledge.gallery import GalleryEntry
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.problems import KnownScripts
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script import ScriptContent, script_problems
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.domain.knowledge.template import Revision, Template, TemplateState
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.knowledge import KnowledgeWork, ReadScript

PRODUCT: Final = System(account_id=PLATFORM_ACCOUNT, cause="it came with the product")

T = TypeVar("T", bound=Template[Any, Any])
C = TypeVar("C")


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
    """How many trees and script templates were published, for the first time and anew."""

    new: int
    changed: int


class _Templates(Protocol[T, C]):
    """Trees or script templates, inside one unit of work."""

    async def get(self, template_id: Any, /) -> T: ...

    async def revision(self, template_id: Any, number: int, /) -> Revision[C]: ...

    async def add(self, template: T, /) -> None: ...

    async def save(self, template: T, /) -> T: ...

    async def add_revision(self, template_id: Any, revision: Revision[C], /) -> None: ...


@frozen(kw_only=True)
class BringLibrary:
    """Brings the library to the platform's account, whose people may do with it what they like."""

    units: Units[KnowledgeWork]
    clock: Clock
    read_script: ReadScript

    async def __call__(self, library: Library) -> Brought:
        """Publish what is new in this version, and anew what it has otherwise.

        What somebody edited, renamed, moved or archived stays as they left it. Raises `InvalidTree` or `InvalidScript`.
        """
        done = [await self._script(script, library.categories) for script in library.scripts]
        scripts = {script.id: 1 for script in library.scripts}
        for tree in library.trees:
            done.append(await self._tree(tree, library.categories, scripts))
        return Brought(new=done.count("new"), changed=done.count("changed"))

    async def _script(self, wanted: LibraryScript, categories: Sequence[LibraryCategory]) -> str:
        def drafted(category: Ref[TreeCategoryId], at: datetime) -> ScriptTemplate:
            return ScriptTemplate.drafted(
                wanted.id,
                name=wanted.name,
                description=wanted.description,
                category=category,
                content=wanted.content,
                by=PRODUCT,
                at=at,
            )

        def published(script: ScriptTemplate, at: datetime) -> tuple[ScriptTemplate, Revision[ScriptContent]]:
            content = wanted.content
            wrong = script_problems(content, self.read_script(content.language, content.body, content.parameters))
            return script.published(None, wrong, by=PRODUCT, at=at)

        return await self._bring(wanted, categories, lambda work: work.script_templates, drafted, published)

    async def _tree(self, wanted: LibraryTree, categories: Sequence[LibraryCategory], scripts: KnownScripts) -> str:
        def drafted(category: Ref[TreeCategoryId], at: datetime) -> Tree:
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

        def published(tree: Tree, at: datetime) -> tuple[Tree, Revision[Content]]:
            return tree.published(None, scripts, by=PRODUCT, at=at)

        return await self._bring(wanted, categories, lambda work: work.trees, drafted, published)

    async def _bring(
        self,
        wanted: LibraryScript | LibraryTree,
        categories: Sequence[LibraryCategory],
        templates: Callable[[KnowledgeWork], _Templates[T, C]],
        drafted: Callable[[Ref[TreeCategoryId], datetime], T],
        published: Callable[[T, datetime], tuple[T, Revision[C]]],
    ) -> str:
        now = self.clock.now()

        async def unit(work: KnowledgeWork) -> str:
            all_of_them = templates(work)
            try:
                kept = await all_of_them.get(wanted.id)
            except NotFound:
                category = await _category(work, wanted.category_id, categories)
                new, revision = published(drafted(category.ref, now), now)
                await all_of_them.add(new)
                await all_of_them.add_revision(new.id, revision)
                await _list(work, wanted, new)
                return "new"
            await _list(work, wanted, kept)
            if not await _is_older(all_of_them, kept, wanted):
                return "kept"
            category, at = await _category(work, wanted.category_id, categories), max(now, kept.updated_at)
            named = kept.renamed(name=wanted.name, description=wanted.description, category=category.ref, by=PRODUCT, at=at)
            changed, revision = published(named.edited(wanted.content, by=PRODUCT, at=at), at)
            await all_of_them.save(changed)
            await all_of_them.add_revision(changed.id, revision)
            return "changed"

        return await self.units.run(PRODUCT, unit)


async def _list(work: KnowledgeWork, wanted: LibraryScript | LibraryTree, template: Template[Any, Any]) -> None:
    """Show it in the gallery, unless somebody decided on it already, or put it away."""
    subject = Subject.TREE if isinstance(wanted, LibraryTree) else Subject.SCRIPT_TEMPLATE
    try:
        await work.gallery.get(subject, template.id)
    except NotFound:
        if template.state is TemplateState.PUBLISHED:
            entry = GalleryEntry(subject=subject, id=template.id)
            await work.gallery.save(entry.placed(template, listed=True, featured=False, position=0, by=PRODUCT))


async def _is_older(templates: _Templates[T, C], kept: T, wanted: LibraryScript | LibraryTree) -> bool:
    """Whether it is as another version of the product brought it, and nobody has touched it since."""
    if kept.revision is None or kept.state is not TemplateState.PUBLISHED or kept.draft or kept.updated_at != kept.published_at:
        return False
    newest = await templates.revision(kept.id, kept.revision)
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
