"""What every store of script templates must do."""

from datetime import timedelta
from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, ScriptTemplateId
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType
from flowpilot_core.domain.knowledge.script import Platform, RunAs, ScriptContent
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.domain.knowledge.template import CopiedFrom, TemplateState
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.knowledge import ScriptFilter, TreeInUse
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

from .trees import PRODUCT, a_platform

CONTENT = ScriptContent(
    language=Language.PYTHON,
    body="print({{ n }})\n",
    parameters=(
        Parameter(name="n", label="Number", type=ParameterType.NUMBER, required=False, default=1.5, min=1, max=2.5),
        Parameter(name="c", label="Choice", type=ParameterType.CHOICE, choices=("a", "ä")),
        Parameter(name="f", label="Yes", type=ParameterType.YES_NO, default=True),
    ),
    platforms=(Platform.LINUX, Platform.WINDOWS),
    run_as=RunAs.SYSTEM,
    timeout_seconds=60,
)


def a_template(
    acme: Staff, name: str = "Ping", *, description: str | None = None, copied_from: CopiedFrom[ScriptTemplateId] | None = None
) -> ScriptTemplate:
    """A draft of the account's engineer."""
    return ScriptTemplate.drafted(
        ScriptTemplateId(new_id()),
        name=name,
        description=description,
        content=CONTENT,
        copied_from=copied_from,
        by=acme.anna,
        at=NOON,
    )


class ScriptTemplatesContract(Contract):
    """`ScriptTemplates`, inside units of work."""

    async def kept(self, begin: BeginWork[UnitOfWork], acme: Staff, template: ScriptTemplate) -> ScriptTemplate:
        async with begin(acme.account_id) as work:
            await work.script_templates.add(template)
            await work.commit()
        return template

    async def published(self, begin: BeginWork[UnitOfWork], acme: Staff, template: ScriptTemplate) -> ScriptTemplate:
        async with begin(acme.account_id) as work:
            before = await work.script_templates.get(template.id)
            after, revision = before.published("A note", (), by=acme.olga, at=NOON + timedelta(minutes=1))
            saved = await work.script_templates.save(after)
            await work.script_templates.add_revision(template.id, revision)
            await work.commit()
        return saved

    async def test_a_draft_comes_back_whole(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template = await self.kept(begin, acme, a_template(acme, description="Whether it answers"))

        async with begin(acme.account_id) as work:
            assert template == await work.script_templates.get(template.id)

    async def test_what_was_published_comes_back_whole(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template = await self.published(begin, acme, await self.kept(begin, acme, a_template(acme)))

        async with begin(acme.account_id) as work:
            assert template == await work.script_templates.get(template.id)
            [revision] = await work.script_templates.revisions(template.id)
            assert revision == await work.script_templates.revision(template.id, 1)
            assert {template.id: 1} == await work.script_templates.newest([template.id, ScriptTemplateId(new_id())])
        assert (1, CONTENT, "A note", acme.olga.user_id) == (revision.number, revision.content, revision.note, revision.by)
        assert (TemplateState.PUBLISHED, None, 2) == (template.state, template.draft, template.version)

    async def test_whoever_saves_second_is_stale(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template = await self.kept(begin, acme, a_template(acme))
        renamed = template.renamed(name="Other", description=None, category=None, by=acme.olga, at=NOON)
        async with begin(acme.account_id) as work:
            await work.script_templates.save(renamed)
            await work.commit()

        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.script_templates.save(renamed)
                await work.commit()

    async def test_a_dropped_one_is_gone(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template = await self.kept(begin, acme, a_template(acme))
        async with begin(acme.account_id) as work:
            await work.script_templates.drop(template.id)
            await work.commit()

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.script_templates.get(template.id)

    async def test_a_list_is_newest_first_and_narrowed(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        first = await self.kept(begin, acme, a_template(acme, "Ping a host"))
        second = await self.published(
            begin, acme, await self.kept(begin, acme, a_template(acme, "Clear a queue", description="Of PRINTERS"))
        )

        async def ids(where: ScriptFilter, after: ScriptTemplateId | None = None, limit: int = EVERYTHING) -> list[UUID]:
            async with begin(acme.account_id) as work:
                return [one.id for one in await work.script_templates.listed(where, acme.olga, after=after, limit=limit)]

        assert [second.id, first.id] == await ids(ScriptFilter())
        assert [second.id] == await ids(ScriptFilter(), limit=1)
        assert [first.id] == await ids(ScriptFilter(), after=second.id)
        assert [second.id] == await ids(ScriptFilter(state=TemplateState.PUBLISHED))
        assert [second.id] == await ids(ScriptFilter(query=Query.parsed("queue Printers")))
        assert [] == await ids(ScriptFilter(query=Query.parsed("queue -printers")))
        assert [second.id, first.id] == await ids(ScriptFilter(created_by=first.created_by))
        assert [] == await ids(ScriptFilter(created_by=acme.ben.user_id))
        async with begin(acme.account_id) as work:
            await work.script_templates.save(second.archived(by=acme.olga, at=NOON))
            await work.commit()
        assert [first.id] == await ids(ScriptFilter())
        assert [second.id] == await ids(ScriptFilter(state=TemplateState.ARCHIVED))

    async def test_a_draft_is_listed_for_its_author_and_who_publishes(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template = await self.kept(begin, acme, a_template(acme))

        async with begin(acme.account_id) as work:
            lists = [
                [one.id for one in await work.script_templates.listed(ScriptFilter(), reader, after=None, limit=EVERYTHING)]
                for reader in (acme.anna, acme.olga, acme.ben, acme.vera)
            ]
        assert [[template.id], [template.id], [], []] == lists

    async def test_copies_are_counted(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        origin = await self.published(begin, acme, await self.kept(begin, acme, a_template(acme)))
        copied = CopiedFrom(template=Ref(id=origin.id), revision=1)
        copy = await self.kept(begin, acme, a_template(acme, copied_from=copied))

        async with begin(acme.account_id) as work:
            assert {origin.id: TreeInUse(uses=1), copy.id: TreeInUse(uses=0, newest_origin=1)} == await work.script_templates.uses(
                [origin.id, copy.id]
            )
            assert copied == (await work.script_templates.get(copy.id)).copied_from

    async def test_another_accounts_do_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        template = await self.published(begin, acme, await self.kept(begin, acme, a_template(acme)))

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.script_templates.get(template.id)
            with pytest.raises(NotFound):
                await work.script_templates.revision(template.id, 1)
            assert {} == await work.script_templates.newest([template.id])
            assert {template.id: TreeInUse()} == await work.script_templates.uses([template.id])

    async def test_what_the_platform_published_is_everybodys_to_read_without_its_draft(
        self, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        await a_platform(begin)
        template, unpublished = (
            ScriptTemplate.drafted(ScriptTemplateId(new_id()), name="Ping", content=CONTENT, by=PRODUCT, at=NOON) for _ in range(2)
        )
        published, revision = template.published(None, (), by=PRODUCT, at=NOON)
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.script_templates.add(unpublished)
            await work.script_templates.add(evolve(published, draft=template.draft))
            await work.script_templates.add_revision(template.id, revision)
            await work.commit()

        async with begin(acme.account_id) as work:
            found = await work.script_templates.get(template.id)
            assert (Owner.PLATFORM, None) == (found.owner, found.draft)
            assert revision == await work.script_templates.revision(template.id, 1)
            assert [] == await work.script_templates.listed(ScriptFilter(), acme.olga, after=None, limit=EVERYTHING)
            with pytest.raises(NotFound):
                await work.script_templates.get(unpublished.id)
