"""What the platform shows, and how accounts use it."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from attrs import frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.domain.knowledge.gallery import GalleryEntry, Used
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject
from flowpilot_core.domain.knowledge.template import Template, TemplateState
from flowpilot_core.ports.knowledge import Copied, GalleryShown

from .tree_categories import category


@frozen
class MemoryGallery:
    """Inside one unit of work."""

    _work: Transaction

    async def get(self, subject: Subject, subject_id: UUID) -> GalleryEntry:
        """As `Gallery.get` says."""
        await asyncio.sleep(0)
        found = entry(self._work.rows, subject, subject_id, of_platform=self._work.account_id == PLATFORM_ACCOUNT)
        if found is None:
            raise NotFound("template")
        return found

    async def held(self, subject: Subject, subject_id: UUID) -> GalleryEntry:
        """As `Gallery.held` says."""
        await self._work.lock("gallery entry", subject, subject_id)
        return await self.get(subject, subject_id)

    async def save(self, entry: GalleryEntry) -> None:
        """As `Gallery.save` says."""
        self._work.rows.gallery.put((entry.subject, entry.id), entry)

    async def used(self, subject: Subject, subject_id: UUID) -> Used:
        """As `Gallery.used` says."""
        await asyncio.sleep(0)
        rows, ref = self._work.rows, Ref(id=subject_id, owner=Owner.PLATFORM)
        templates = rows.trees if subject is Subject.TREE else rows.script_templates
        uses = sum(one.copied_from is not None and one.copied_from.template == ref for one in templates.values())
        if subject is Subject.TREE:
            uses += sum(
                one.walk is not None and (one.walk.of_platform, one.walk.tree_id) == (True, subject_id) for one in rows.sessions.values()
            )
        else:
            uses += sum(one.script is not None and one.script.template_id == subject_id for one in rows.steps.values())
        given = [one.stars for one in rows.template_ratings.values() if (one.subject, one.of) == (subject, ref)]
        return Used(uses=uses, stars=Stars(count=len(given), total=sum(given)))

    async def tallies(self, subject: Subject, subject_id: UUID) -> Mapping[AccountId, Used]:
        """As `Gallery.tallies` says."""
        await asyncio.sleep(0)
        rows = self._work.rows.gallery_tallies
        kept = ((of, rows.get((named, id, of))) for named, id, of in rows.named() if (named, id) == (subject, subject_id))
        return {of: used for of, used in kept if used is not None}

    async def tally(self, subject: Subject, subject_id: UUID, account_id: AccountId, used: Used) -> None:
        """As `Gallery.tally` says."""
        self._work.rows.gallery_tallies.put((subject, subject_id, account_id), used)


def entry(rows: Working, subject: Subject, subject_id: UUID, *, of_platform: bool) -> GalleryEntry | None:
    """What was decided of something, as the platform's account or as another one may know it."""
    if of_platform:
        return rows.gallery.get((subject, subject_id))
    found = rows.platform.gallery.get((subject, subject_id))
    return found if found is not None and found.listed else None


def stars_of_all(rows: Working, subject: Subject, subject_id: UUID) -> Stars:
    """What all accounts gave something of the platform's, as far as anybody may know that."""
    found = rows.gallery.get((subject, subject_id)) or entry(rows, subject, subject_id, of_platform=False)
    return NO_STARS if found is None else found.figures.stars


def published(rows: Working, reader: Actor | None, *, of_platform: bool) -> Iterator[GalleryShown]:
    """All that the platform has published, with what was decided of it as far as this account may know, and the reader's copies."""
    shown: dict[Subject, Iterable[Template[Any, Any]]] = {
        Subject.TREE: rows.trees.values() if of_platform else rows.platform.trees.values(),
        Subject.SCRIPT_TEMPLATE: rows.script_templates.values() if of_platform else rows.platform.script_templates.values(),
    }
    own: dict[Subject, list[Template[Any, Any]]] = {
        Subject.TREE: list(rows.trees.values()),
        Subject.SCRIPT_TEMPLATE: list(rows.script_templates.values()),
    }
    for subject, templates in shown.items():
        for one in templates:
            if one.state is TemplateState.PUBLISHED and one.revision is not None:
                yield GalleryShown(
                    entry=entry(rows, subject, one.id, of_platform=of_platform) or GalleryEntry(subject=subject, id=one.id),
                    name=one.name,
                    description=one.description,
                    category=category(rows, one.category.id) if one.category else None,
                    revision=one.revision,
                    mine=_copied(own[subject], one, reader),
                )


def _copied(own: Iterable[Template[Any, Any]], original: Template[Any, Any], reader: Actor | None) -> Copied | None:
    ref = Ref(id=original.id, owner=Owner.PLATFORM)
    copies = {
        one.id: one.copied_from.revision
        for one in own
        if one.copied_from is not None
        and one.copied_from.template == ref
        and one.state is not TemplateState.ARCHIVED
        and one.readable_by(reader)
    }
    return Copied(id=max(copies), revision=copies[max(copies)]) if copies else None
