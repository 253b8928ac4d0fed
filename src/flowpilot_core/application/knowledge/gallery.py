"""Use cases of the gallery: see what the platform shows, make it one's own, decide what is shown."""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, ScriptTemplateId, TreeId
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import Content
from flowpilot_core.domain.knowledge.gallery import GalleryEntry, first_levels, require_platform
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script import ScriptContent
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, ViewOf
from flowpilot_core.ports.knowledge import GalleryFilter, GalleryPlace, GalleryShown, KnowledgeView, KnowledgeWork

from .ratings import subject_of
from .script_templates import ScriptShown, ScriptTemplates
from .trees import Trees, TreeShown

MOST_SHOWN: Final = 10_000
"""Of one gallery, to say what categories it has."""


class GalleryNeeds(KnowledgeWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class OpenTemplate:
    """Something of the gallery as whoever has no account sees it."""

    shown: GalleryShown
    tree: Content | None = None
    """Its first levels."""
    script: ScriptContent | None = None
    """Without its body."""


@frozen(kw_only=True)
class Gallery:
    """What the platform shows. Everything raises `NotFound` for what is not listed, and for who has nothing to decide."""

    units: Units[GalleryNeeds]
    view: ViewOf[KnowledgeView]
    trees: Trees
    script_templates: ScriptTemplates
    clock: Clock

    async def list(self, actor: Actor, where: GalleryFilter, *, after: GalleryPlace | None, limit: int) -> Sequence[GalleryShown]:
        """What is listed, by its place."""
        return await self.view(actor.account_id).gallery(evolve(where, reader=actor), after=after, limit=limit)

    async def get(self, actor: Actor, subject: Subject, subject_id: UUID) -> GalleryShown:
        """One that is listed."""
        return await _one(self.view(actor.account_id), GalleryFilter(subject=subject, id=subject_id, reader=actor))

    async def copy(self, actor: Actor, subject: Subject, subject_id: UUID, *, request: Request = PLAIN) -> TreeShown | ScriptShown:
        """A draft of one's own of one that is listed. Raises as copying a tree or a script template does."""
        await self.get(actor, subject, subject_id)
        if subject is Subject.TREE:
            return await self.trees.copy(actor, TreeId(subject_id), request=request)
        return await self.script_templates.copy(actor, ScriptTemplateId(subject_id), request=request)

    async def all(self, actor: Actor, where: GalleryFilter, *, after: GalleryPlace | None, limit: int) -> Sequence[GalleryShown]:
        """What the platform has published, listed or not; for its own people."""
        require_platform(actor)
        return await self.view(actor.account_id).gallery(evolve(where, listed=False, reader=actor), after=after, limit=limit)

    async def require(self, actor: Actor, subject: Subject, subject_id: UUID) -> None:
        """Raises `NotFound` unless the actor may know of it, and be it that it is not listed."""
        require_platform(actor)
        await _one(self.view(actor.account_id), GalleryFilter(subject=subject, id=subject_id, listed=False))

    async def place(
        self,
        actor: Actor,
        subject: Subject,
        subject_id: UUID,
        *,
        listed: bool,
        featured: bool,
        position: int,
        request: Request = PLAIN,
    ) -> GalleryShown:
        """Show something like this from now on, or no more. Raises as `GalleryEntry.placed` says."""
        require_platform(actor)

        async def unit(work: GalleryNeeds) -> GalleryEntry:
            template = await subject_of(work, actor, subject, subject_id)
            try:
                entry = await work.gallery.held(subject, subject_id)
            except NotFound:
                entry = GalleryEntry(subject=subject, id=subject_id)
            entry = entry.placed(template, listed=listed, featured=featured, position=position, by=actor)
            await work.gallery.save(entry)
            said: dict[str, Plain] = {"name": template.name, "listed": listed, "featured": featured, "position": position}
            deed = Deed.of(
                DeedKind.GALLERY_CHANGED, by=actor, at=self.clock.now(), thing_id=subject_id, changed=said, request_id=request.id
            )
            await work.audit.add(deed)
            return entry

        render = request.render
        before = await _one(self.view(actor.account_id), GalleryFilter(subject=subject, id=subject_id, listed=False))
        shown = evolve(request, render=render and (lambda entry: render(evolve(before, entry=entry))))
        return evolve(before, entry=await self.units.run(actor, unit, shown))

    async def open_list(self, where: GalleryFilter, *, after: GalleryPlace | None, limit: int) -> Sequence[GalleryShown]:
        """What is listed, for whoever asks."""
        return await self.view(PLATFORM_ACCOUNT).gallery(where, after=after, limit=limit)

    async def open_categories(self) -> Sequence[TreeCategory]:
        """The categories that something listed is in, with those that they are in, by id."""
        view = self.view(PLATFORM_ACCOUNT)
        known = {one.category.id: one.category for one in await view.tree_categories(None)}
        shown = await view.gallery(GalleryFilter(), after=None, limit=MOST_SHOWN)
        named = {one.category.id for one in shown if one.category}
        above = {known[one].parent_id for one in named}
        return [category for id, category in sorted(known.items()) if id in named | above]

    async def open_get(self, subject: Subject, subject_id: UUID) -> OpenTemplate:
        """One that is listed, for whoever asks: of a tree the first levels, of a script no body."""
        shown = await _one(self.view(PLATFORM_ACCOUNT), GalleryFilter(subject=subject, id=subject_id))
        async with self.units.begin(PLATFORM_ACCOUNT) as work:
            if subject is Subject.TREE:
                tree = await work.trees.revision(TreeId(subject_id), shown.revision)
                return OpenTemplate(shown=shown, tree=first_levels(tree.content))
            script = await work.script_templates.revision(ScriptTemplateId(subject_id), shown.revision)
            return OpenTemplate(shown=shown, script=evolve(script.content, body=""))


async def _one(view: KnowledgeView, where: GalleryFilter) -> GalleryShown:
    for found in await view.gallery(where, after=None, limit=1):
        return found
    raise NotFound("template")
