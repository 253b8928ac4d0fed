"""The script templates of one account, and those that the platform published."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.knowledge.rating import NO_STARS, Subject
from flowpilot_core.domain.knowledge.script_template import ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.template import states_listed
from flowpilot_core.ports.knowledge import ScriptFilter, TreeInUse

from .ratings import in_order, stars


@frozen
class MemoryScriptTemplates:
    """Inside one unit of work."""

    _work: Transaction

    async def get(self, template_id: ScriptTemplateId) -> ScriptTemplate:
        """As `ScriptTemplates.get` says."""
        await asyncio.sleep(0)
        found = _found(self._work.rows, template_id)
        if found is None:
            raise NotFound("script template")
        return found

    async def revision(self, template_id: ScriptTemplateId, number: int) -> ScriptRevision:
        """As `ScriptTemplates.revision` says."""
        await asyncio.sleep(0)
        rows = self._work.rows
        one = rows.script_revisions.get((template_id, number)) or rows.platform.script_revisions.get((template_id, number))
        if one is None:
            raise NotFound("revision")
        return one

    async def revisions(self, template_id: ScriptTemplateId) -> Sequence[ScriptRevision]:
        """As `ScriptTemplates.revisions` says."""
        newest = (await self.get(template_id)).revision or 0
        return [await self.revision(template_id, number) for number in range(newest, 0, -1)]

    async def listed(self, where: ScriptFilter, reader: Actor, *, after: ScriptTemplateId | None, limit: int) -> Sequence[ScriptTemplate]:
        """As `ScriptTemplates.listed` says."""
        await asyncio.sleep(0)
        rows = self._work.rows

        def wanted(one: ScriptTemplate) -> bool:
            return _is(one, where) and one.readable_by(reader)

        return in_order(rows, Subject.SCRIPT_TEMPLATE, rows.script_templates.values(), wanted, where.sort, after)[:limit]

    async def uses(self, ids: Collection[ScriptTemplateId]) -> Mapping[ScriptTemplateId, TreeInUse]:
        """As `ScriptTemplates.uses` says."""
        await asyncio.sleep(0)
        return {one: _use(self._work.rows, one) for one in ids}

    async def newest(self, ids: Collection[ScriptTemplateId]) -> Mapping[ScriptTemplateId, int]:
        """As `ScriptTemplates.newest` says."""
        await asyncio.sleep(0)
        found = (_found(self._work.rows, one) for one in ids)
        return {one.id: one.revision for one in found if one is not None and one.revision is not None}

    async def add(self, template: ScriptTemplate) -> None:
        """As `ScriptTemplates.add` says."""
        self._work.rows.script_templates.put(template.id, template)

    async def save(self, template: ScriptTemplate) -> ScriptTemplate:
        """As `ScriptTemplates.save` says: whoever comes second sees it at once, or at the commit."""
        before = self._work.rows.script_templates.get(template.id)
        if before is None or before.version != template.version:
            raise Stale
        self._work.builds_on(self._work.rows.script_templates, template.id, before)
        saved = evolve(template, version=template.version + 1)
        self._work.rows.script_templates.put(template.id, saved)
        return saved

    async def add_revision(self, template_id: ScriptTemplateId, revision: ScriptRevision) -> None:
        """As `ScriptTemplates.add_revision` says."""
        self._work.rows.script_revisions.put((template_id, revision.number), revision)

    async def drop(self, template_id: ScriptTemplateId) -> None:
        """As `ScriptTemplates.drop` says."""
        self._work.rows.script_templates.drop(template_id)


def _found(rows: Working, template_id: ScriptTemplateId) -> ScriptTemplate | None:
    own, shown = rows.script_templates.get(template_id), rows.platform.script_templates.get(template_id)
    if own is not None or shown is None or shown.revision is None:
        return own
    return evolve(shown, draft=None)


def _is(one: ScriptTemplate, where: ScriptFilter) -> bool:
    return (
        one.state in states_listed(where.state)
        and where.created_by in (None, one.created_by)
        and (where.category_id is None or (one.category is not None and one.category.id == where.category_id))
        and (where.query is None or where.query.fits(one.name, one.description))
    )


def _use(rows: Working, template_id: ScriptTemplateId) -> TreeInUse:
    copies = sum(one.copied_from is not None and one.copied_from.template.id == template_id for one in rows.script_templates.values())
    steps = sum(one.script is not None and one.script.template_id == template_id for one in rows.steps.values())
    one = _found(rows, template_id)
    origin = _found(rows, one.copied_from.template.id) if one and one.copied_from else None
    given = NO_STARS if one is None else stars(rows, Subject.SCRIPT_TEMPLATE, one)
    return TreeInUse(uses=copies + steps, newest_origin=origin.revision if origin else None, stars=given)
