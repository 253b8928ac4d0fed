"""Rows of trees as values of the domain."""

from typing import Any, Final

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.records.kernel import member
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import EMPTY, Content, TreeKind
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.tree import CopiedFrom, Draft, TemplateState, Tree, TreeRevision

_kind: Final = member(TreeKind)
_state: Final = member(TemplateState)


def tree(row: Any) -> Tree:
    """A tree in a row that may have its draft beside it, with its content or without."""
    return Tree(
        id=row.id,
        owner=Owner.of(row.account_id),
        version=row.version,
        kind=_kind(row.kind),
        name=row.name,
        description=row.description,
        category=ref(row.category_account_id, row.category_id),
        state=_state(row.state),
        revision=row.revision,
        words=tuple(row.words),
        draft=_draft(row),
        copied_from=CopiedFrom(tree=Ref(id=row.copied_id, owner=Owner.of(row.copied_account_id)), revision=row.copied_revision)
        if row.copied_id
        else None,
        from_session_id=row.from_session_id,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        published_at=row.published_at,
    )


def category(row: Any) -> TreeCategory:
    """A category."""
    return TreeCategory(id=row.id, owner=Owner.of(row.account_id), name=row.name, parent_id=row.parent_id)


def revision(row: Any) -> TreeRevision:
    """What was published."""
    return TreeRevision(number=row.number, content=documents.read(row.content, Content), note=row.note, by=row.by_user_id, at=row.at)


def ref(account_id: Any, id: Any) -> Ref[Any] | None:
    """What a row refers to, if it does."""
    return None if id is None else Ref(id=id, owner=Owner.of(account_id))


def _draft(row: Any) -> Draft | None:
    if row.draft_at is None:
        return None
    content = EMPTY if row.draft_content is None else documents.read(row.draft_content, Content)
    return Draft(content=content, by=row.draft_by, updated_at=row.draft_at)
