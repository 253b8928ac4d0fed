"""Rows of trees as values of the domain."""

from typing import Any, Final, TypeVar

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.records.kernel import member
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import EMPTY, Content, TreeKind
from flowpilot_core.domain.knowledge.gallery import Figures, GalleryEntry
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.proposal import ProposalState, TreeProposal, WayOn
from flowpilot_core.domain.knowledge.rating import Stars, Subject
from flowpilot_core.domain.knowledge.script import EMPTY_SCRIPT, ScriptContent
from flowpilot_core.domain.knowledge.script_template import ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.template import CopiedFrom, Draft, Revision, TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision

C = TypeVar("C")

_kind: Final = member(TreeKind)
_state: Final = member(TemplateState)
_subject: Final = member(Subject)
_proposal_state: Final = member(ProposalState)


def tree(row: Any) -> Tree:
    """A tree in a row that may have its draft beside it, with its content or without."""
    return Tree(kind=_kind(row.kind), words=tuple(row.words), from_session_id=row.from_session_id, **_template(row, Content, EMPTY))


def category(row: Any) -> TreeCategory:
    """A category."""
    return TreeCategory(id=row.id, owner=Owner.of(row.account_id), name=row.name, parent_id=row.parent_id)


def revision(row: Any) -> TreeRevision:
    """What was published."""
    return _revision(row, Content)


def script_template(row: Any) -> ScriptTemplate:
    """A script template in a row that may have its draft beside it, with its content or without."""
    return ScriptTemplate(**_template(row, ScriptContent, EMPTY_SCRIPT))


def script_revision(row: Any) -> ScriptRevision:
    """What was published of a script template."""
    return _revision(row, ScriptContent)


def gallery_entry(row: Any) -> GalleryEntry:
    """What was decided of something in the gallery."""
    return GalleryEntry(
        subject=_subject(row.subject),
        id=row.id,
        listed=row.listed,
        featured=row.featured,
        position=row.position,
        figures=Figures(uses=row.uses, stars=Stars(count=row.votes, total=row.stars)),
    )


def tree_proposal(row: Any) -> TreeProposal:
    """A proposal."""
    tree = ref(row.tree_account_id, row.tree_id)
    return TreeProposal(
        id=row.id,
        session_id=row.session_id,
        way_on=None if tree is None else WayOn(tree=tree, node_id=row.at_node_id, answer=row.answer),
        name=row.name,
        content=documents.read(row.content, Content),
        state=_proposal_state(row.state),
        reason=row.reason,
        draft_tree_id=row.draft_tree_id,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


def ref(account_id: Any, id: Any) -> Ref[Any] | None:
    """What a row refers to, if it does."""
    return None if id is None else Ref(id=id, owner=Owner.of(account_id))


def _template(row: Any, kind: type[C], empty: C) -> dict[str, Any]:
    """What trees and script templates have in common."""
    copied = ref(row.copied_account_id, row.copied_id)
    return {
        "id": row.id,
        "owner": Owner.of(row.account_id),
        "version": row.version,
        "name": row.name,
        "description": row.description,
        "category": ref(row.category_account_id, row.category_id),
        "state": _state(row.state),
        "revision": row.revision,
        "draft": _draft(row, kind, empty),
        "copied_from": None if copied is None else CopiedFrom(template=copied, revision=row.copied_revision),
        "created_by": row.created_by,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "published_at": row.published_at,
    }


def _draft(row: Any, kind: type[C], empty: C) -> Draft[C] | None:
    if row.draft_at is None:
        return None
    content = empty if row.draft_content is None else documents.read(row.draft_content, kind)
    return Draft(content=content, by=row.draft_by, updated_at=row.draft_at)


def _revision(row: Any, kind: type[C]) -> Revision[C]:
    return Revision(number=row.number, content=documents.read(row.content, kind), note=row.note, by=row.by_user_id, at=row.at)
