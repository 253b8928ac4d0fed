"""The script templates of one account, and those that the platform published."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve
from sqlalchemy import Integer, Text, Uuid, and_, any_, bindparam, cast, delete, func, insert, null, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.matching import fits, fitting
from flowpilot_adapters.sql.queries import ACCOUNT, if_given, only_saved, own
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.relay.due_work import index_for_search
from flowpilot_adapters.sql.schema import script_template, script_template_draft, script_template_revision, step
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script_template import ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.template import states_listed
from flowpilot_core.ports.knowledge import ScriptFilter, Sort, TreeInUse

from .stars import beginning, given, page, stars
from .trees import READER, STATES, account_of, may_read, readable, reads_drafts

TEMPLATE_ID: Final = bindparam("template_id", type_=Uuid())
IDS: Final = bindparam("ids", type_=ARRAY(Uuid()))

_drafted = script_template.outerjoin(
    script_template_draft,
    and_(own(script_template_draft), own(script_template), script_template_draft.c.template_id == script_template.c.id),
)
"""With their drafts, which are the account's own alone."""
_head: Final = [
    *script_template.c,
    script_template_draft.c.by_user_id.label("draft_by"),
    script_template_draft.c.updated_at.label("draft_at"),
]
_own_first: Final = (script_template.c.account_id == ACCOUNT).desc()
GET: Final = compiled(
    "script template",
    select(*_head, script_template_draft.c.content.label("draft_content"))
    .select_from(_drafted)
    .where(readable(script_template), script_template.c.id == TEMPLATE_ID)
    .order_by(_own_first)
    .limit(1),
)
_found = (
    select(*_head, null().label("draft_content"))
    .select_from(_drafted)
    .where(
        own(script_template),
        script_template.c.state == any_(STATES),
        if_given(script_template.c.category_id, "category_id"),
        if_given(script_template.c.created_by, "created_by"),
        may_read(script_template, script_template_draft.c.by_user_id == READER),
        *fits(script_template.c.name, script_template.c.description),
    )
)
LISTED: Final[Mapping[Sort, Statement]] = MappingProxyType(
    {sort: compiled(f"script templates, {sort} first", page(Subject.SCRIPT_TEMPLATE, script_template, _found, sort)) for sort in Sort}
)
_revision_first: Final = (script_template_revision.c.account_id == ACCOUNT).desc()
REVISION: Final = compiled(
    "revision of script template",
    select(script_template_revision)
    .where(
        readable(script_template_revision),
        script_template_revision.c.template_id == TEMPLATE_ID,
        script_template_revision.c.number == bindparam("number", type_=Integer()),
    )
    .order_by(_revision_first)
    .limit(1),
)
_whose = (
    select(script_template.c.account_id)
    .where(readable(script_template), script_template.c.id == TEMPLATE_ID)
    .order_by(_own_first)
    .limit(1)
    .scalar_subquery()
)
REVISIONS: Final = compiled(
    "revisions of script template",
    select(script_template_revision)
    .where(script_template_revision.c.account_id == _whose, script_template_revision.c.template_id == TEMPLATE_ID)
    .order_by(script_template_revision.c.number.desc()),
)
_copy, _origin = script_template.alias("copy"), script_template.alias("origin")
_copies = select(func.count()).select_from(_copy).where(own(_copy), _copy.c.copied_id == script_template.c.id).scalar_subquery()
_steps = (
    select(func.count())
    .select_from(step)
    .where(own(step), step.c.script["template_id"].astext == cast(script_template.c.id, Text()), step.c.script.is_not(None))
    .scalar_subquery()
)
_newest_origin = (
    select(_origin.c.revision)
    .where(readable(_origin), _origin.c.account_id == script_template.c.copied_account_id, _origin.c.id == script_template.c.copied_id)
    .scalar_subquery()
)
USES: Final = compiled(
    "uses of script templates",
    select(
        script_template.c.id,
        (_copies + _steps).label("uses"),
        _newest_origin.label("newest_origin"),
        *given(Subject.SCRIPT_TEMPLATE, script_template),
    ).where(readable(script_template), script_template.c.id == any_(IDS)),
)
NEWEST: Final = compiled(
    "newest revisions of script templates",
    select(script_template.c.id, script_template.c.revision).where(
        readable(script_template), script_template.c.id == any_(IDS), script_template.c.revision.is_not(None)
    ),
)
ADD: Final = compiled(
    "add script template", insert(script_template).values({column: bindparam(column.name) for column in script_template.c})
)
CHANGING: Final = (
    "name",
    "description",
    "category_account_id",
    "category_id",
    "copied_revision",
    "state",
    "revision",
    "updated_at",
    "published_at",
)
SAVE: Final = only_saved(
    "save script template",
    update(script_template)
    .where(
        own(script_template),
        script_template.c.id == bindparam("of_template", type_=Uuid()),
        script_template.c.version == bindparam("old_version"),
    )
    .values({"version": script_template.c.version + 1, **{name: bindparam(f"new_{name}") for name in CHANGING}}),
    STALE,
)
_draft = upsert(script_template_draft).values({column: bindparam(column.name) for column in script_template_draft.c})
SAVE_DRAFT: Final = compiled(
    "save draft of script template",
    _draft.on_conflict_do_update(
        index_elements=list(script_template_draft.primary_key),
        set_={column: _draft.excluded[column] for column in ("content", "by_user_id", "updated_at")},
    ),
)
DROP_DRAFT: Final = compiled(
    "drop draft of script template",
    delete(script_template_draft).where(own(script_template_draft), script_template_draft.c.template_id == TEMPLATE_ID),
)
ADD_REVISION: Final = compiled(
    "add revision of script template",
    insert(script_template_revision).values({column: bindparam(column.name) for column in script_template_revision.c}),
)
DROP: Final = compiled("drop script template", delete(script_template).where(own(script_template), script_template.c.id == TEMPLATE_ID))


class SqlScriptTemplates:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def get(self, template_id: ScriptTemplateId) -> ScriptTemplate:
        """As `ScriptTemplates.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, template_id=template_id))
        if found.first is None:
            raise NotFound("script template")
        return records.script_template(found.first)

    async def revision(self, template_id: ScriptTemplateId, number: int) -> ScriptRevision:
        """As `ScriptTemplates.revision` says."""
        (found,) = await self._transaction.read(REVISION(account_id=self._account_id, template_id=template_id, number=number))
        if found.first is None:
            raise NotFound("revision")
        return records.script_revision(found.first)

    async def revisions(self, template_id: ScriptTemplateId) -> Sequence[ScriptRevision]:
        """As `ScriptTemplates.revisions` says."""
        (found,) = await self._transaction.read(REVISIONS(account_id=self._account_id, template_id=template_id))
        return [records.script_revision(row) for row in found.rows]

    async def listed(self, where: ScriptFilter, reader: Actor, *, after: ScriptTemplateId | None, limit: int) -> Sequence[ScriptTemplate]:
        """As `ScriptTemplates.listed` says."""
        (found,) = await self._transaction.read(
            LISTED[where.sort](
                account_id=self._account_id,
                **beginning(where.sort, after),
                states=states_listed(where.state),
                category_id=where.category_id,
                created_by=where.created_by,
                **fitting(where.query),
                **reads_drafts(reader),
                most=limit,
            )
        )
        return [records.script_template(row) for row in found.rows]

    async def uses(self, ids: Collection[ScriptTemplateId]) -> Mapping[ScriptTemplateId, TreeInUse]:
        """As `ScriptTemplates.uses` says."""
        none = {one: TreeInUse() for one in ids}
        (found,) = await self._transaction.read(USES(account_id=self._account_id, ids=list(ids)))
        return {**none, **{row.id: _use(row) for row in found.rows}}

    async def newest(self, ids: Collection[ScriptTemplateId]) -> Mapping[ScriptTemplateId, int]:
        """As `ScriptTemplates.newest` says."""
        (found,) = await self._transaction.read(NEWEST(account_id=self._account_id, ids=list(ids)))
        return {row.id: row.revision for row in found.rows}

    async def add(self, new: ScriptTemplate) -> None:
        """As `ScriptTemplates.add` says."""
        copied = None if new.copied_from is None else new.copied_from.template
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                version=new.version,
                copied_account_id=account_of(copied, self._account_id),
                copied_id=copied and copied.id,
                created_by=new.created_by,
                created_at=new.created_at,
                **self._changing(new),
            )
        )
        self._save_draft(new)
        if new.revision is not None:
            index_for_search(self._transaction, new.id)

    async def save(self, changed: ScriptTemplate) -> ScriptTemplate:
        """As `ScriptTemplates.save` says; which it is shows when it is written."""
        new = {f"new_{name}": value for name, value in self._changing(changed).items()}
        self._transaction.write(SAVE(account_id=self._account_id, of_template=changed.id, old_version=changed.version, **new))
        self._save_draft(changed)
        if changed.revision is not None:
            index_for_search(self._transaction, changed.id)
        return evolve(changed, version=changed.version + 1)

    async def add_revision(self, template_id: ScriptTemplateId, revision: ScriptRevision) -> None:
        """As `ScriptTemplates.add_revision` says."""
        self._transaction.write(
            ADD_REVISION(
                account_id=self._account_id,
                template_id=template_id,
                number=revision.number,
                content=documents.written(revision.content),
                note=revision.note,
                by_user_id=revision.by,
                at=revision.at,
            )
        )

    async def drop(self, template_id: ScriptTemplateId) -> None:
        """As `ScriptTemplates.drop` says."""
        for statement in (DROP_DRAFT, DROP):
            self._transaction.write(statement(account_id=self._account_id, template_id=template_id))

    def _save_draft(self, one: ScriptTemplate) -> None:
        if one.draft is None:
            self._transaction.write(DROP_DRAFT(account_id=self._account_id, template_id=one.id))
            return
        self._transaction.write(
            SAVE_DRAFT(
                account_id=self._account_id,
                template_id=one.id,
                content=documents.written(one.draft.content),
                by_user_id=one.draft.by,
                updated_at=one.draft.updated_at,
            )
        )

    def _changing(self, one: ScriptTemplate) -> dict[str, Any]:
        return {
            "name": one.name,
            "description": one.description,
            "category_account_id": account_of(one.category, self._account_id),
            "category_id": one.category and one.category.id,
            "copied_revision": one.copied_from and one.copied_from.revision,
            "state": one.state,
            "revision": one.revision,
            "updated_at": one.updated_at,
            "published_at": one.published_at,
        }


def _use(row: Any) -> TreeInUse:
    return TreeInUse(uses=row.uses, newest_origin=row.newest_origin, stars=stars(row))
