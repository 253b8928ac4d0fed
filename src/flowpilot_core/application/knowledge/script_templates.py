"""Use cases of script templates: write one, publish it, and make a script of it. Nothing is ever run here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.application.sessions.sessions import Added, Sessions
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import DraftTaken, NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import BranchId, ScriptTemplateId, SessionId, TreeCategoryId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Parameter, Value, given
from flowpilot_core.domain.knowledge.script import (
    EMPTY_SCRIPT,
    Rendered,
    ScriptContent,
    ScriptProblem,
    checked_body,
    checked_script,
    rendered,
    script_problems,
)
from flowpilot_core.domain.knowledge.script_template import InvalidScript, ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.template import CopiedFrom, TemplateState
from flowpilot_core.domain.sessions.step import StepKind, StepScript
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, Compute, NewId
from flowpilot_core.ports.knowledge import KnowledgeWork, ScriptFilter, TreeInUse
from flowpilot_core.ports.relay import RelayWork
from flowpilot_core.ports.unit_of_work import UnitOfWork

from .names import names_of, naming
from .parsing import Parsers
from .uses import note_use


class ScriptNeeds(KnowledgeWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class ScriptListed:
    """A script template as a list shows it."""

    template: ScriptTemplate
    category: TreeCategory | None
    use: TreeInUse
    names: Mapping[UserId, str]
    draft: bool
    """Whether there is a draft that the reader may know of."""


@frozen(kw_only=True)
class ScriptShown(ScriptListed):
    """A script template with what it says: its draft to whom that exists, else its newest revision."""

    content: ScriptContent
    problems: tuple[ScriptProblem, ...]


@frozen(kw_only=True)
class ScriptTaken:
    """A script that was rendered for a session, and the step that says so."""

    rendered: Rendered
    added: Added


@frozen
class _Judged:
    """A draft as it was read before a unit of work, and what is wrong with it."""

    content: ScriptContent | None
    problems: tuple[ScriptProblem, ...] = ()

    def of(self, content: ScriptContent) -> tuple[ScriptProblem, ...]:
        """What is wrong with it. Raises `Stale` where it is another one by now."""
        if content != self.content:
            raise Stale
        return self.problems


@frozen(kw_only=True)
class ScriptTemplates:
    """Script templates of the account, and those that the platform published. Everything raises `NotFound` for what is not there."""

    units: Units[ScriptNeeds]
    sessions: Sessions[UnitOfWork]
    clock: Clock
    new_id: NewId
    parsers: Parsers
    compute: Compute

    async def list(self, actor: Actor, where: ScriptFilter, *, after: ScriptTemplateId | None, limit: int) -> Sequence[ScriptListed]:
        """The account's that the actor may read, newest first or as asked."""
        async with self.units.begin(actor.account_id) as work:
            found = await work.script_templates.listed(where, actor, after=after, limit=limit)
            uses = await work.script_templates.uses([one.id for one in found])
            categories = {one.id: one for one in await work.tree_categories.all()} if any(one.category for one in found) else {}
            names = await _names(work, found)
        return [
            ScriptListed(
                template=one,
                category=categories.get(one.category.id) if one.category else None,
                use=uses[one.id],
                names=names,
                draft=one.sees_draft(actor),
            )
            for one in found
        ]

    async def get(self, actor: Actor, template_id: ScriptTemplateId) -> ScriptShown:
        """One, with what it says."""
        judged = await self._judged(actor, template_id)
        async with self.units.begin(actor.account_id) as work:
            return await self._shown(work, actor, await _readable(work, actor, template_id), judged)

    async def require(self, actor: Actor, template_id: ScriptTemplateId) -> None:
        """Raises `NotFound` for one that does not exist for the actor."""
        async with self.units.begin(actor.account_id) as work:
            await _readable(work, actor, template_id)

    async def revisions(self, actor: Actor, template_id: ScriptTemplateId) -> tuple[Sequence[ScriptRevision], Mapping[UserId, str]]:
        """What was published of it, newest first, with names."""
        async with self.units.begin(actor.account_id) as work:
            await _readable(work, actor, template_id)
            found = await work.script_templates.revisions(template_id)
            return found, await names_of(work, {one.by for one in found})

    async def revision(self, actor: Actor, template_id: ScriptTemplateId, number: int) -> tuple[ScriptRevision, Mapping[UserId, str]]:
        """One of them, with names."""
        async with self.units.begin(actor.account_id) as work:
            await _readable(work, actor, template_id)
            found = await work.script_templates.revision(template_id, number)
            return found, await names_of(work, {found.by})

    async def make(
        self,
        actor: Actor,
        *,
        name: str,
        description: str | None = None,
        category_id: TreeCategoryId | None = None,
        content: ScriptContent = EMPTY_SCRIPT,
        request: Request = PLAIN,
    ) -> ScriptShown:
        """A new one, as a draft. Raises `RoleForbidden` or `InvalidValue`."""
        checked_script(content, self.parsers.matches)
        judged = _Judged(content, await self._problems(actor, content))

        async def unit(work: ScriptNeeds) -> ScriptShown:
            template = ScriptTemplate.drafted(
                ScriptTemplateId(self.new_id()),
                name=name,
                description=description,
                category=await _category(work, category_id),
                content=content,
                by=actor,
                at=self.clock.now(),
            )
            await work.script_templates.add(template)
            return await self._shown(work, actor, template, judged)

        return await self.units.run(actor, unit, request)

    async def rename(
        self,
        actor: Actor,
        template_id: ScriptTemplateId,
        *,
        change: Callable[[ScriptTemplate], tuple[str, str | None, TreeCategoryId | None]],
        request: Request = PLAIN,
    ) -> ScriptShown:
        """With another name, description or category, which `change` says by what they are. Raises also `InvalidValue`."""

        async def move(template: ScriptTemplate, work: ScriptNeeds) -> ScriptTemplate:
            name, description, category_id = change(template)
            category = await _category(work, category_id)
            return template.renamed(name=name, description=description, category=category, by=actor, at=self.clock.now())

        return await self._move(actor, template_id, move, await self._judged(actor, template_id), request)

    async def edit(
        self, actor: Actor, template_id: ScriptTemplateId, content: ScriptContent, *, take_over: bool = False, request: Request = PLAIN
    ) -> ScriptShown:
        """With this as its draft, finished or not. Raises `InvalidValue`, `DraftTaken` where it is somebody else's."""
        async with self.units.begin(actor.account_id) as work:
            await _readable(work, actor, template_id)
        checked_script(content, self.parsers.matches)
        judged = _Judged(content, await self._problems(actor, content))

        async def move(template: ScriptTemplate, work: ScriptNeeds) -> ScriptTemplate:
            try:
                return template.edited(content, take_over=take_over, by=actor, at=self.clock.now())
            except DraftTaken as taken:
                raise await naming(work, taken) from taken

        return await self._move(actor, template_id, move, judged, request)

    async def publish(
        self, actor: Actor, template_id: ScriptTemplateId, *, note: str | None = None, request: Request = PLAIN
    ) -> ScriptShown:
        """With its draft as the next revision. Raises `InvalidScript` where that has problems."""
        judged = await self._judged(actor, template_id)

        async def move(template: ScriptTemplate, work: ScriptNeeds) -> ScriptTemplate:
            problems = judged.of(template.draft.content) if template.draft else ()
            published, revision = template.published(note, problems, by=actor, at=self.clock.now())
            await work.script_templates.add_revision(template.id, revision)
            return published

        return await self._move(actor, template_id, move, judged, request)

    async def archive(self, actor: Actor, template_id: ScriptTemplateId, *, request: Request = PLAIN) -> ScriptShown:
        """Offered to nobody any more."""

        async def move(template: ScriptTemplate, _: ScriptNeeds) -> ScriptTemplate:
            return template.archived(by=actor, at=self.clock.now())

        return await self._move(actor, template_id, move, await self._judged(actor, template_id), request)

    async def restore(self, actor: Actor, template_id: ScriptTemplateId, *, request: Request = PLAIN) -> ScriptShown:
        """Offered again."""

        async def move(template: ScriptTemplate, _: ScriptNeeds) -> ScriptTemplate:
            return template.restored(by=actor, at=self.clock.now())

        return await self._move(actor, template_id, move, await self._judged(actor, template_id), request)

    async def drop(self, actor: Actor, template_id: ScriptTemplateId, *, request: Request = PLAIN) -> ScriptTemplate:
        """Forget one that was never published."""

        async def unit(work: ScriptNeeds) -> ScriptTemplate:
            template = await _readable(work, actor, template_id)
            template.require_deletable(actor)
            template.require_version(request.if_match)
            await work.script_templates.drop(template_id)
            return template

        return await self.units.run(actor, unit, request)

    async def copy(self, actor: Actor, template_id: ScriptTemplateId, *, request: Request = PLAIN) -> ScriptShown:
        """A draft of one's own of what was published last, that says where it is from."""

        async def unit(work: ScriptNeeds) -> ScriptShown:
            template = await _readable(work, actor, template_id)
            number = template.require_copyable(actor)
            source = await work.script_templates.revision(template_id, number)
            origin = CopiedFrom(template=Ref(id=template_id, owner=template.owner), revision=number)
            copy = ScriptTemplate.drafted(
                ScriptTemplateId(self.new_id()),
                name=template.name,
                description=template.description,
                category=template.category,
                content=source.content,
                copied_from=origin,
                by=actor,
                at=self.clock.now(),
            )
            await work.script_templates.add(copy)
            await note_use(work, origin.template, new_id=self.new_id, at=copy.created_at)
            # What was published has no problems.
            return await self._shown(work, actor, copy, _Judged(source.content))

        return await self.units.run(actor, unit, request)

    async def draft_from_origin(self, actor: Actor, template_id: ScriptTemplateId, *, request: Request = PLAIN) -> ScriptShown:
        """With what its original says by now as its draft. Raises `DraftTaken`, and `NotFound` where that cannot be read any more."""
        async with self.units.begin(actor.account_id) as work:
            copied = (await _readable(work, actor, template_id)).copied_from
            if copied is None:
                raise NotFound("original")
            number = (await _readable(work, actor, copied.template.id)).require_copyable(actor)
            content = (await work.script_templates.revision(copied.template.id, number)).content

        async def move(template: ScriptTemplate, _: ScriptNeeds) -> ScriptTemplate:
            return template.followed(number, content, by=actor, at=self.clock.now())

        # What was published has no problems.
        return await self._move(actor, template_id, move, _Judged(content), request)

    async def render(self, actor: Actor, template_id: ScriptTemplateId, values: Mapping[str, Value]) -> Rendered:
        """The script with these values: of its newest revision, or of a draft that nothing was published of yet.

        Raises `InvalidValues`, and `InvalidScript` for a draft with problems.
        """
        judged = await self._judged(actor, template_id)
        async with self.units.begin(actor.account_id) as work:
            template = await _readable(work, actor, template_id)
            content = await self._usable(work, template, judged)
        checked = given(content.parameters, values, self.parsers.matches)
        require_role(actor, Permission.WRITE_TREES)
        return rendered(content, checked)

    async def take(
        self,
        actor: Actor,
        session_id: SessionId,
        template_id: ScriptTemplateId,
        values: Mapping[str, Value],
        *,
        branch_id: BranchId | None = None,
        request: Request = PLAIN,
    ) -> ScriptTaken:
        """The script with these values, as the next step of a session; its result comes later. Raises what adding a step raises too."""
        await self.sessions.get(actor, session_id)
        async with self.units.begin(actor.account_id) as work:
            template = await _readable(work, actor, template_id)
            content, number = await _newest(work, template)
        checked = given(content.parameters, values, self.parsers.matches)
        script = rendered(content, checked)
        used = Ref(id=template_id, owner=template.owner)
        render = request.render
        added = await self.sessions.add_step(
            actor,
            session_id,
            kind=StepKind.SCRIPT,
            content=template.name,
            branch_id=branch_id,
            script=StepScript(template_id=template_id, revision=number, parameters=checked, sha256=script.sha256),
            beside=lambda work: note_use(work, used, new_id=self.new_id, at=self.clock.now()),
            request=evolve(request, render=render and (lambda added: render(ScriptTaken(rendered=script, added=added)))),
        )
        return ScriptTaken(rendered=script, added=added)

    async def taken(self, actor: Actor, script: StepScript) -> Rendered:
        """The script as a step took it."""
        async with self.units.begin(actor.account_id) as work:
            revision = await work.script_templates.revision(script.template_id, script.revision)
        return rendered(revision.content, script.parameters)

    async def detect(self, actor: Actor, language: Language, body: str) -> tuple[Parameter, ...]:
        """The parameters that a script itself declares. Raises `InvalidValue`."""
        checked_body("body", body)
        require_role(actor, Permission.WRITE_TREES)
        return await self.compute(actor.account_id, self.parsers.declared, language, body)

    async def _move(
        self,
        actor: Actor,
        template_id: ScriptTemplateId,
        move: Callable[[ScriptTemplate, ScriptNeeds], Awaitable[ScriptTemplate]],
        judged: _Judged,
        request: Request,
    ) -> ScriptShown:
        async def unit(work: ScriptNeeds) -> ScriptShown:
            before = await _readable(work, actor, template_id)
            after = await move(before, work)
            before.require_version(request.if_match)
            return await self._shown(work, actor, await work.script_templates.save(after), judged)

        return await self.units.run(actor, unit, request)

    async def _judged(self, actor: Actor, template_id: ScriptTemplateId) -> _Judged:
        async with self.units.begin(actor.account_id) as work:
            template = await _readable(work, actor, template_id)
        if template.draft is None:
            return _Judged(None)
        return _Judged(template.draft.content, await self._problems(actor, template.draft.content))

    async def _problems(self, actor: Actor, content: ScriptContent) -> tuple[ScriptProblem, ...]:
        read = await self.compute(actor.account_id, self.parsers.read_script, content.language, content.body, content.parameters)
        return script_problems(content, read)

    async def _usable(self, work: ScriptNeeds, template: ScriptTemplate, judged: _Judged) -> ScriptContent:
        if template.state is not TemplateState.DRAFT or template.draft is None:
            content, _ = await _newest(work, template)
            return content
        if problems := judged.of(template.draft.content):
            raise InvalidScript(problems)
        return template.draft.content

    async def _shown(self, work: ScriptNeeds, actor: Actor, template: ScriptTemplate, judged: _Judged) -> ScriptShown:
        if template.draft is not None and template.sees_draft(actor):
            content, problems = template.draft.content, judged.of(template.draft.content)
        else:
            content, problems = (await work.script_templates.revision(template.id, template.revision or 0)).content, ()
        uses = await work.script_templates.uses([template.id])
        category = await work.tree_categories.get(template.category.id) if template.category else None
        names = await _names(work, [template])
        return ScriptShown(
            template=template,
            category=category,
            use=uses[template.id],
            names=names,
            draft=template.sees_draft(actor),
            content=content,
            problems=problems,
        )


async def _readable(work: ScriptNeeds, actor: Actor, template_id: ScriptTemplateId) -> ScriptTemplate:
    template = await work.script_templates.get(template_id)
    template.require_readable(actor)
    return template


async def _newest(work: ScriptNeeds, template: ScriptTemplate) -> tuple[ScriptContent, int]:
    number = template.require_usable()
    return (await work.script_templates.revision(template.id, number)).content, number


async def _category(work: ScriptNeeds, category_id: TreeCategoryId | None) -> Ref[TreeCategoryId] | None:
    return None if category_id is None else (await work.tree_categories.get(category_id)).ref


async def _names(work: ScriptNeeds, templates: Sequence[ScriptTemplate]) -> Mapping[UserId, str]:
    return await names_of(work, {user for one in templates for user in (one.created_by, one.draft.by if one.draft else None)})
