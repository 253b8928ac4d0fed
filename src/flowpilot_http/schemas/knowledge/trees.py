"""Trees and their categories."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.knowledge.trees import RevisionShown, TreeShown
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId, UserId
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import Node, NodeKind, TreeKind
from flowpilot_core.domain.knowledge.diff import Link, TreeDiff
from flowpilot_core.domain.knowledge.ownership import Owner
from flowpilot_core.domain.knowledge.problems import Problem, ProblemCode, Severity
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.feedback import Thumbs
from flowpilot_core.ports.knowledge import CategoryListed, Sort, TreeFilter, TreeListed
from flowpilot_http.problems import pointer
from flowpilot_http.schemas.kernel import SOUGHT, By, Closed, Instant, Line, MaybeText, Page, PersonOut
from flowpilot_http.schemas.sessions import ThumbsOut

from .content import ContentIO, NodeIO
from .ratings import StarsOut

DRAFT = "draft"


class NewTree(Closed, kw_only=True, frozen=True):
    """A draft, finished or not."""

    name: Annotated[Line, Meta(examples=["Printer offline"])]
    kind: TreeKind
    description: MaybeText | None = None
    category_id: UUID | None = None
    content: ContentIO | None = None


class ChangeTree(Closed, kw_only=True, frozen=True):
    """What is to be different; what is left out stays."""

    name: Line | UnsetType = UNSET
    description: MaybeText | UnsetType | None = UNSET
    category_id: UUID | UnsetType | None = UNSET

    def of(self, tree: Tree) -> tuple[str, str | None, TreeCategoryId | None]:
        """Name, description and category that it has then."""
        category_id = tree.category.id if tree.category else None
        if self.category_id is not UNSET:
            category_id = None if self.category_id is None else TreeCategoryId(self.category_id)
        return (
            tree.name if self.name is UNSET else self.name,
            tree.description if self.description is UNSET else self.description,
            category_id,
        )


class SaveAs(Closed, kw_only=True, frozen=True):
    """What the tree that a session makes is called."""

    name: Annotated[Line, Meta(examples=["Printer offline"])]
    category_id: UUID | None = None


class NewContent(Closed, kw_only=True, frozen=True):
    """What the draft says from now on."""

    content: ContentIO


class TakeOver(Closed, kw_only=True, frozen=True):
    """Whether a draft that somebody else began is taken over."""

    take_over: Annotated[bool, Meta(description="Account owners and admins may.")] = False


class Publish(Closed, kw_only=True, frozen=True):
    """What is said of a revision."""

    note: MaybeText | None = None


class TreesWanted(Page, kw_only=True, frozen=True):
    """Which trees."""

    state: Annotated[TemplateState | None, Meta(description="Without it: all but those that were archived.")] = None
    kind: TreeKind | None = None
    category_id: UUID | None = None
    q: Annotated[str | None, Meta(description=SOUGHT)] = None
    sort: Annotated[Sort, Meta(description="What comes first: the newest, or what has most stars.")] = Sort.NEWEST

    def filter(self) -> TreeFilter:
        """As the core knows it."""
        category_id = None if self.category_id is None else TreeCategoryId(self.category_id)
        return TreeFilter(state=self.state, kind=self.kind, category_id=category_id, query=Query.narrowing(self.q), sort=self.sort)


class DiffWanted(Closed, kw_only=True, frozen=True):
    """Between which two; each is a revision's number or `draft`."""

    from_: Annotated[str, Meta(min_length=1)] = msgspec.field(name="from")
    to: str = DRAFT

    def numbers(self) -> tuple[int | None, int | None]:
        """As the core knows them; None is the draft. Raises `InvalidValue`."""
        return _number("from", self.from_), _number("to", self.to)


class ExportWanted(Closed, kw_only=True, frozen=True):
    """As what."""

    format: Literal["yaml", "json", "mermaid"] = "yaml"


class ProblemOutOfTree(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Something that is wrong with a tree: what, where, and whether it keeps it from being published."""

    pointer: str
    code: ProblemCode
    detail: str
    severity: Severity
    node_id: str | None = None

    @classmethod
    def of(cls, problem: Problem) -> "ProblemOutOfTree":
        """As clients read it."""
        return cls(
            pointer=pointer(problem.field),
            code=problem.code,
            detail=problem.detail,
            severity=problem.severity,
            node_id=problem.node_id,
        )


class CategoryOut(msgspec.Struct, kw_only=True, frozen=True):
    """A category of trees and script templates."""

    id: UUID
    name: str
    parent_id: UUID | None
    owner: Owner

    @classmethod
    def of(cls, category: TreeCategory) -> "CategoryOut":
        """As clients read it."""
        return cls(id=category.id, name=category.name, parent_id=category.parent_id, owner=category.owner)


class CategoryListedOut(CategoryOut, kw_only=True, frozen=True):
    """A category in a list, with how many of the account's that the reader may read are in it."""

    trees: int
    scripts: int

    @classmethod
    def counted(cls, listed: CategoryListed) -> "CategoryListedOut":
        """As clients read it."""
        return cls(**msgspec.structs.asdict(CategoryOut.of(listed.category)), trees=listed.trees, scripts=listed.scripts)


class NewCategory(Closed, kw_only=True, frozen=True):
    """A category, or one within another."""

    name: Annotated[Line, Meta(examples=["Printing"])]
    parent_id: UUID | None = None


class ChangeCategory(Closed, kw_only=True, frozen=True):
    """What is to be different; what is left out stays."""

    name: Line | None = None
    parent_id: Annotated[UUID | UnsetType | None, Meta(description="Null: within none.")] = UNSET


class DropCategory(Closed, kw_only=True, frozen=True):
    """Where what is in it goes."""

    move_to: UUID | None = None


class CopiedFromOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a tree was copied from."""

    id: UUID
    revision: int
    newest_revision: Annotated[int | None, Meta(description="Null where the original cannot be read any more.")]


class TreeOut(msgspec.Struct, kw_only=True, frozen=True):
    """A tree in a list."""

    id: UUID
    version: int
    kind: TreeKind
    owner: Owner
    name: str
    description: str | None
    category: CategoryOut | None
    state: TemplateState
    revision: Annotated[int | None, Meta(description="Of the newest one; null until it is published.")]
    has_draft: Annotated[bool, Meta(description="Whether there is one that you may see.")]
    copied_from: CopiedFromOut | None
    from_session_id: UUID | None
    created_by: By
    created_at: Instant
    updated_at: Instant
    published_at: Instant | None
    uses: int
    rating: StarsOut

    @classmethod
    def of(cls, listed: TreeListed, names: Mapping[UserId, str], reader: Actor) -> "TreeOut":
        """As `reader` may know it."""
        return cls(**_tree(listed, names, has_draft=listed.tree.sees_draft(reader)))


class TreeDetailOut(TreeOut, kw_only=True, frozen=True):
    """One tree with its content: the draft's for who may see it, else the newest revision's."""

    draft_by: By | None
    content: ContentIO
    problems: list[ProblemOutOfTree]

    @classmethod
    def shown(cls, shown: TreeShown) -> "TreeDetailOut":
        """As clients read it."""
        listed, names = shown.detail.listed, shown.detail.names
        draft = listed.tree.draft
        return cls(
            **_tree(listed, names, has_draft=shown.draft),
            draft_by=_by(draft.by, names) if draft and shown.draft else None,
            content=ContentIO.of(shown.content),
            problems=[ProblemOutOfTree.of(one) for one in shown.problems],
        )


class RevisionOut(msgspec.Struct, kw_only=True, frozen=True):
    """A revision in a list."""

    number: int
    note: str | None
    published_by: By
    published_at: Instant

    @classmethod
    def of(cls, revision: TreeRevision, names: Mapping[UserId, str]) -> "RevisionOut":
        """As clients read it."""
        return cls(number=revision.number, note=revision.note, published_by=_by(revision.by, names), published_at=revision.at)


class RevisionDetailOut(RevisionOut, kw_only=True, frozen=True):
    """A revision with its content, and what is wrong with it by now."""

    content: ContentIO
    problems: list[ProblemOutOfTree]

    @classmethod
    def shown(cls, shown: RevisionShown) -> "RevisionDetailOut":
        """As clients read it."""
        return cls(
            **msgspec.structs.asdict(RevisionOut.of(shown.revision, shown.names)),
            content=ContentIO.of(shown.revision.content),
            problems=[ProblemOutOfTree.of(one) for one in shown.problems],
        )


class NodeOut(msgspec.Struct, kw_only=True, frozen=True):
    """A node, with what people of your account think of steps that were taken there."""

    id: str
    kind: NodeKind
    text: str
    thumbs: ThumbsOut

    @classmethod
    def of(cls, node: Node, thumbs: Thumbs) -> "NodeOut":
        """As clients read it."""
        return cls(id=node.id, kind=node.kind, text=node.text, thumbs=ThumbsOut.of(thumbs))


class ChangedNodeOut(msgspec.Struct, kw_only=True, frozen=True):
    """A node that is in both, with what each field was and is."""

    id: str
    fields: dict[str, list[Any]]


class NodesDiffOut(msgspec.Struct, kw_only=True, frozen=True):
    """What is different among the nodes."""

    added: list[str]
    removed: list[str]
    changed: list[ChangedNodeOut]


class EdgesDiffOut(msgspec.Struct, kw_only=True, frozen=True):
    """What is different among the ways: from which node, for which answer or result, to which."""

    added: list[list[str]]
    removed: list[list[str]]


class DiffOut(msgspec.Struct, kw_only=True, frozen=True):
    """What is different between two states of a tree."""

    nodes: NodesDiffOut
    edges: EdgesDiffOut

    @classmethod
    def of(cls, diff: TreeDiff) -> "DiffOut":
        """As clients read it."""
        changed = []
        for one in diff.changed:
            before, after = (msgspec.to_builtins(NodeIO.of(node)) for node in (one.before, one.after))
            fields = {name: [before.get(name), after.get(name)] for name in one.fields}
            changed.append(ChangedNodeOut(id=one.id, fields=fields))
        return cls(
            nodes=NodesDiffOut(added=list(diff.added), removed=list(diff.removed), changed=changed),
            edges=EdgesDiffOut(added=_links(diff.added_links), removed=_links(diff.removed_links)),
        )


def _tree(listed: TreeListed, names: Mapping[UserId, str], *, has_draft: bool) -> dict[str, Any]:
    tree, copied = listed.tree, listed.tree.copied_from
    return {
        "id": tree.id,
        "version": tree.version,
        "kind": tree.kind,
        "owner": tree.owner,
        "name": tree.name,
        "description": tree.description,
        "category": None if listed.category is None else CategoryOut.of(listed.category),
        "state": tree.state,
        "revision": tree.revision,
        "has_draft": has_draft,
        "copied_from": copied and CopiedFromOut(id=copied.template.id, revision=copied.revision, newest_revision=listed.use.newest_origin),
        "from_session_id": tree.from_session_id,
        "created_by": _by(tree.created_by, names),
        "created_at": tree.created_at,
        "updated_at": tree.updated_at,
        "published_at": tree.published_at,
        "uses": listed.use.uses,
        "rating": StarsOut.of(listed.use.stars),
    }


def _by(user_id: UserId | None, names: Mapping[UserId, str]) -> By:
    """Somebody of the account; whoever is of the platform is nobody here."""
    return PersonOut(user_id, names[user_id]) if user_id is not None and user_id in names else "system"


def _links(links: tuple[Link, ...]) -> list[list[str]]:
    return [list(one) for one in links]


def _number(field: str, given: str) -> int | None:
    if given == DRAFT:
        return None
    if not given.isdecimal() or not 0 < int(given[:10]) < 2**31:
        raise InvalidValue(field, "must be the number of a revision, or `draft`")
    return int(given)
