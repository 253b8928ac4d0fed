"""The trees of one account, and those that the platform published."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.selectable import FromClause, Subquery

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import ACCOUNT, names_of, only_saved, own
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.relay.due_work import index_for_search
from flowpilot_adapters.sql.schema import session, tree, tree_category, tree_draft, tree_proposal, tree_revision
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.actor import Actor, acts
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId, SessionId, TreeId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.ports.knowledge import TreeDetail, TreeInUse, TreeListed

from .stars import given, stars

TREE_ID: Final = bindparam("tree_id", type_=Uuid())
NUMBER: Final = bindparam("number", type_=Integer())
READER: Final = bindparam("reader_id", type_=Uuid())
READS_ALL: Final = bindparam("reads_all", type_=Boolean())
STATES: Final = bindparam("states", type_=ARRAY(Text()))


def reads_drafts(reader: Actor | None) -> dict[str, Any]:
    """Which drafts a reader may read, as the core's table says: all, their own, or none."""
    reader_id = None if reader is None else acts(reader)
    own_drafts = reader is not None and reader_id is not None and permits(reader, Permission.READ_TREE_DRAFTS, {reader_id})
    return {
        "reads_all": reader is not None and permits(reader, Permission.READ_TREE_DRAFTS, ()),
        "reader_id": reader_id if own_drafts else None,
    }


def readable(table: FromClause) -> ColumnElement[bool]:
    """Of the account, or of what the platform shows to all: what that is, a row policy says."""
    return or_(own(table), table.c.account_id == PLATFORM_ACCOUNT)


def may_read(template: FromClause, is_readers_draft: ColumnElement[bool]) -> ColumnElement[bool]:
    """What was published, and the drafts that `reads_drafts` says."""
    return or_(template.c.revision.is_not(None), READS_ALL, is_readers_draft)


def drafted_by_reader(template: FromClause, draft: Table, of: str) -> ColumnElement[bool]:
    """Whether it has a draft of the reader's, where drafts are not looked up beside it."""
    return exists().where(own(draft), draft.c[of] == template.c.id, draft.c.by_user_id == READER)


DRAFTED: Final = tree.outerjoin(tree_draft, and_(own(tree_draft), own(tree), tree_draft.c.tree_id == tree.c.id))
"""Trees with their drafts, which are the account's own alone."""
_head: Final = [*tree.c, tree_draft.c.by_user_id.label("draft_by"), tree_draft.c.updated_at.label("draft_at")]
HEAD: Final = [*_head, null().label("draft_content")]
"""All of a tree but the content of its draft."""
WHOLE: Final = [*_head, tree_draft.c.content.label("draft_content")]
OWN_FIRST: Final = (tree.c.account_id == ACCOUNT).desc()

_copy, _origin, _category = tree.alias("copy"), tree.alias("origin"), tree_category.alias("category")
_copies = (
    select(func.count())
    .select_from(_copy)
    .where(own(_copy), _copy.c.copied_account_id == tree.c.account_id, _copy.c.copied_id == tree.c.id)
    .scalar_subquery()
)
_walks = (
    select(func.count())
    .select_from(session)
    .where(own(session), session.c.walk_tree_account_id == tree.c.account_id, session.c.walk_tree_id == tree.c.id)
    .scalar_subquery()
)
_newest_origin = (
    select(_origin.c.revision)
    .where(readable(_origin), _origin.c.account_id == tree.c.copied_account_id, _origin.c.id == tree.c.copied_id)
    .scalar_subquery()
)
AROUND: Final = [
    (_copies + _walks).label("uses"),
    _newest_origin.label("newest_origin"),
    *given(Subject.TREE, tree),
    _category.c.name.label("category_name"),
    _category.c.parent_id.label("category_parent_id"),
]
CATEGORISED = DRAFTED.outerjoin(
    _category, and_(_category.c.account_id == tree.c.category_account_id, _category.c.id == tree.c.category_id, readable(_category))
)


def names_in(which: ColumnElement[bool], of_draft: ColumnElement[bool]) -> Subquery:
    """Who is on record in trees and their drafts."""
    return names_of(select(tree.c.created_by).where(own(tree), which), select(tree_draft.c.by_user_id).where(own(tree_draft), of_draft))


_of_one = names_in(tree.c.id == TREE_ID, tree_draft.c.tree_id == TREE_ID)
DETAIL: Final = compiled(
    "tree with names",
    select(*WHOLE, *AROUND, *_of_one.c)
    .select_from(CATEGORISED.join(_of_one, literal_column("true")))
    .where(readable(tree), tree.c.id == TREE_ID)
    .order_by(OWN_FIRST)
    .limit(1),
)
GET: Final = compiled("tree", select(*WHOLE).select_from(DRAFTED).where(readable(tree), tree.c.id == TREE_ID).order_by(OWN_FIRST).limit(1))
MADE_FROM: Final = compiled(
    "tree made from session",
    select(*tree.c, null().label("draft_by"), null().label("draft_at"), null().label("draft_content"))
    .where(own(tree), tree.c.from_session_id == bindparam("session_id", type_=Uuid()), tree.c.state == TemplateState.PUBLISHED)
    .order_by(tree.c.id.desc())
    .limit(1),
)
REVISION: Final = compiled(
    "revision of tree",
    select(tree_revision)
    .where(readable(tree_revision), tree_revision.c.tree_id == TREE_ID, tree_revision.c.number == NUMBER)
    .order_by((tree_revision.c.account_id == ACCOUNT).desc())
    .limit(1),
)
ADD: Final = compiled("add tree", insert(tree).values({column: bindparam(column.name) for column in tree.c}))
CHANGING: Final = (
    "name",
    "description",
    "category_account_id",
    "category_id",
    "copied_revision",
    "state",
    "revision",
    "words",
    "updated_at",
    "published_at",
)
SAVE: Final = only_saved(
    "save tree",
    update(tree)
    .where(own(tree), tree.c.id == bindparam("of_tree", type_=Uuid()), tree.c.version == bindparam("old_version"))
    .values({"version": tree.c.version + 1, **{name: bindparam(f"new_{name}") for name in CHANGING}}),
    STALE,
)
_draft = upsert(tree_draft).values({column: bindparam(column.name) for column in tree_draft.c})
SAVE_DRAFT: Final = compiled(
    "save draft of tree",
    _draft.on_conflict_do_update(
        index_elements=list(tree_draft.primary_key),
        set_={column: _draft.excluded[column] for column in ("content", "by_user_id", "updated_at")},
    ),
)
DROP_DRAFT: Final = compiled("drop draft of tree", delete(tree_draft).where(own(tree_draft), tree_draft.c.tree_id == TREE_ID))
ADD_REVISION: Final = compiled(
    "add revision of tree", insert(tree_revision).values({column: bindparam(column.name) for column in tree_revision.c})
)
FORGET_PROPOSED: Final = compiled(
    "forget proposed draft",
    update(tree_proposal).where(own(tree_proposal), tree_proposal.c.draft_tree_id == TREE_ID).values(draft_tree_id=None),
)
"""A proposal that was made into this draft leads nowhere from now on."""
DROP: Final = compiled("drop tree", delete(tree).where(own(tree), tree.c.id == TREE_ID))


class SqlTrees:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def get(self, tree_id: TreeId) -> Tree:
        """As `Trees.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, tree_id=tree_id))
        if found.first is None:
            raise NotFound("tree")
        return records.tree(found.first)

    async def detail(self, tree_id: TreeId) -> TreeDetail:
        """As `Trees.detail` says."""
        (found,) = await self._transaction.read(DETAIL(account_id=self._account_id, tree_id=tree_id))
        if found.first is None:
            raise NotFound("tree")
        return TreeDetail(listed=listed(found.first), names=named(found.rows))

    async def made_from(self, session_id: SessionId) -> Tree | None:
        """As `Trees.made_from` says."""
        (found,) = await self._transaction.read(MADE_FROM(account_id=self._account_id, session_id=session_id))
        return None if found.first is None else records.tree(found.first)

    async def revision(self, tree_id: TreeId, number: int) -> TreeRevision:
        """As `Trees.revision` says."""
        (found,) = await self._transaction.read(REVISION(account_id=self._account_id, tree_id=tree_id, number=number))
        if found.first is None:
            raise NotFound("revision")
        return records.revision(found.first)

    async def add(self, new: Tree) -> None:
        """As `Trees.add` says."""
        copied = None if new.copied_from is None else new.copied_from.template
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                version=new.version,
                kind=new.kind,
                copied_account_id=account_of(copied, self._account_id),
                copied_id=copied and copied.id,
                from_session_id=new.from_session_id,
                created_by=new.created_by,
                created_at=new.created_at,
                **self._changing(new),
            )
        )
        self._save_draft(new)
        if new.revision is not None:
            index_for_search(self._transaction, new.id)

    async def save(self, changed: Tree) -> Tree:
        """As `Trees.save` says; which it is shows when it is written."""
        new = {f"new_{name}": value for name, value in self._changing(changed).items()}
        self._transaction.write(SAVE(account_id=self._account_id, of_tree=changed.id, old_version=changed.version, **new))
        self._save_draft(changed)
        if changed.revision is not None:
            index_for_search(self._transaction, changed.id)
        return evolve(changed, version=changed.version + 1)

    async def add_revision(self, tree_id: TreeId, revision: TreeRevision) -> None:
        """As `Trees.add_revision` says."""
        self._transaction.write(
            ADD_REVISION(
                account_id=self._account_id,
                tree_id=tree_id,
                number=revision.number,
                content=documents.written(revision.content),
                note=revision.note,
                by_user_id=revision.by,
                at=revision.at,
            )
        )

    async def drop(self, tree_id: TreeId) -> None:
        """As `Trees.drop` says."""
        for statement in (FORGET_PROPOSED, DROP_DRAFT, DROP):
            self._transaction.write(statement(account_id=self._account_id, tree_id=tree_id))

    def _save_draft(self, one: Tree) -> None:
        if one.draft is None:
            self._transaction.write(DROP_DRAFT(account_id=self._account_id, tree_id=one.id))
            return
        self._transaction.write(
            SAVE_DRAFT(
                account_id=self._account_id,
                tree_id=one.id,
                content=documents.written(one.draft.content),
                by_user_id=one.draft.by,
                updated_at=one.draft.updated_at,
            )
        )

    def _changing(self, one: Tree) -> dict[str, Any]:
        return {
            "name": one.name,
            "description": one.description,
            "category_account_id": account_of(one.category, self._account_id),
            "category_id": one.category and one.category.id,
            "copied_revision": one.copied_from and one.copied_from.revision,
            "state": one.state,
            "revision": one.revision,
            "words": list(one.words),
            "updated_at": one.updated_at,
            "published_at": one.published_at,
        }


def account_of(ref: Ref[Any] | None, account_id: AccountId) -> AccountId | None:
    """The account of what is referred to."""
    if ref is None:
        return None
    return PLATFORM_ACCOUNT if ref.owner is Owner.PLATFORM else account_id


def named(rows: Sequence[Any]) -> Mapping[UserId, str]:
    """What people are called, in rows of which each says it."""
    return kernel_records.names(rows[0]) if rows else {}


def listed(row: Any) -> TreeListed:
    """A tree in a row that has all of `AROUND`."""
    one = records.tree(row)
    category = None
    if one.category is not None:
        category = TreeCategory(id=one.category.id, owner=one.category.owner, name=row.category_name, parent_id=row.category_parent_id)
    return TreeListed(tree=one, category=category, use=TreeInUse(uses=row.uses, newest_origin=row.newest_origin, stars=stars(row)))
