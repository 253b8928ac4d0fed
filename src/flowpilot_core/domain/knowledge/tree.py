"""A tree: its draft, its revisions, and how it is published and put away."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import define, evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor, acts
from flowpilot_core.domain.kernel.errors import DraftTaken, FlowPilotError, InvalidTransition, NotFound, VersionConflict
from flowpilot_core.domain.kernel.identifiers import SessionId, TreeCategoryId, TreeId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, permits, require_role
from flowpilot_core.domain.kernel.text import counted, optional_text
from flowpilot_core.domain.kernel.transitions import advance

from .content import EMPTY, Content, TreeKind
from .fitting import about
from .ownership import Owner, Ref
from .problems import KnownScripts, Problem, errors, problems


class TemplateState(StrEnum):
    """How far a tree or a script template is."""

    DRAFT = "draft"
    """Never published."""
    PUBLISHED = "published"
    ARCHIVED = "archived"
    """Offered to nobody; what uses it goes on."""


class TemplateMove(StrEnum):
    """What can be done to a tree or a script template."""

    EDIT = "edit"
    PUBLISH = "publish"
    ARCHIVE = "archive"
    RESTORE = "restore"
    DELETE = "delete"
    USE = "use"


TEMPLATE: Mapping[tuple[TemplateState, TemplateMove], TemplateState] = MappingProxyType(
    {
        (TemplateState.DRAFT, TemplateMove.EDIT): TemplateState.DRAFT,
        (TemplateState.DRAFT, TemplateMove.PUBLISH): TemplateState.PUBLISHED,
        (TemplateState.DRAFT, TemplateMove.DELETE): TemplateState.DRAFT,
        (TemplateState.PUBLISHED, TemplateMove.EDIT): TemplateState.PUBLISHED,
        (TemplateState.PUBLISHED, TemplateMove.PUBLISH): TemplateState.PUBLISHED,
        (TemplateState.PUBLISHED, TemplateMove.ARCHIVE): TemplateState.ARCHIVED,
        (TemplateState.PUBLISHED, TemplateMove.USE): TemplateState.PUBLISHED,
        (TemplateState.ARCHIVED, TemplateMove.RESTORE): TemplateState.PUBLISHED,
    }
)


@define
class InvalidTree(FlowPilotError):
    """A draft with problems: nothing of it is published."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return f"the tree has {counted(len(self.problems), 'problem', 'problems')}"


@frozen(kw_only=True)
class Draft:
    """What the next revision may be; it changes until it is published."""

    content: Content
    by: UserId | None
    """Who began it, and so whose it is; None: the system."""
    updated_at: datetime


@frozen(kw_only=True)
class TreeRevision:
    """What was published; never changes."""

    number: int
    content: Content
    note: str | None = None
    by: UserId | None
    at: datetime


@frozen(kw_only=True)
class CopiedFrom:
    """What a tree was copied from."""

    tree: Ref[TreeId]
    revision: int


@frozen(kw_only=True)
class Tree:
    """A tree of the account, or one of the platform's; its revisions are apart. `version` is the repository's."""

    id: TreeId
    owner: Owner
    version: int = 1
    kind: TreeKind
    name: str
    description: str | None = None
    category: Ref[TreeCategoryId] | None = None
    state: TemplateState = TemplateState.DRAFT
    revision: int | None = None
    """The number of the newest one; None until it is published."""
    words: tuple[str, ...] = ()
    """What the newest one is about; empty until it is published."""
    draft: Draft | None = None
    copied_from: CopiedFrom | None = None
    from_session_id: SessionId | None = None
    created_by: UserId | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None

    @classmethod
    def drafted(
        cls,
        tree_id: TreeId,
        *,
        kind: TreeKind,
        name: str,
        description: str | None = None,
        category: Ref[TreeCategoryId] | None = None,
        content: Content = EMPTY,
        copied_from: CopiedFrom | None = None,
        from_session_id: SessionId | None = None,
        by: Actor,
        at: datetime,
    ) -> "Tree":
        """A new one, with a draft alone. Raises `RoleForbidden` or `InvalidValue`."""
        name, description = checked_name(name), optional_text("description", description)
        require_role(by, Permission.WRITE_TREES)
        return cls(
            id=tree_id,
            owner=Owner.of(by.account_id),
            kind=kind,
            name=name,
            description=description,
            category=category,
            draft=Draft(content=content, by=acts(by), updated_at=at),
            copied_from=copied_from,
            from_session_id=from_session_id,
            created_by=acts(by),
            created_at=at,
            updated_at=at,
        )

    def sees_draft(self, actor: Actor) -> bool:
        """Whether its draft, if there is one, exists for the actor."""
        return self.draft is not None and permits(actor, Permission.READ_TREE_DRAFTS, {self.draft.by} if self.draft.by else ())

    def require_readable(self, actor: Actor) -> None:
        """Raises `NotFound` for whom it does not exist: somebody else's draft that was never published."""
        if self.revision is None and not self.sees_draft(actor):
            raise NotFound("tree")

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` where the caller acted on another version than this one."""
        if expected is not None and expected != self.version:
            raise VersionConflict("tree", expected, self.version)

    def renamed(self, *, name: str, description: str | None, category: Ref[TreeCategoryId] | None, by: Actor, at: datetime) -> "Tree":
        """With another name, description or category. Raises `RoleForbidden`, `InvalidValue` or `InvalidTransition`."""
        name, description = checked_name(name), optional_text("description", description)
        self.owner.require_own(by, Permission.WRITE_TREES)
        return evolve(self._moved(TemplateMove.EDIT, at), name=name, description=description, category=category)

    def edited(self, content: Content, *, take_over: bool = False, by: Actor, at: datetime) -> "Tree":
        """With this as its draft, which is whose it was, or else the editor's.

        Raises `RoleForbidden`, `InvalidTransition`, and `DraftTaken` where somebody else began one; whoever may publish may take it over.
        """
        self.owner.require_own(by, Permission.WRITE_TREES)
        moved = self._moved(TemplateMove.EDIT, at)
        held = self.draft
        if held is None or held.by == acts(by):
            return evolve(moved, draft=Draft(content=content, by=acts(by), updated_at=at))
        if self.revision is None and permits(by, Permission.READ_TREE_DRAFTS, ()):
            return evolve(moved, draft=Draft(content=content, by=held.by, updated_at=at))
        if take_over and permits(by, Permission.PUBLISH_TREES, ()):
            return evolve(moved, draft=Draft(content=content, by=acts(by), updated_at=at))
        raise DraftTaken("tree", held.by)

    def published(self, note: str | None, scripts: KnownScripts, *, by: Actor, at: datetime) -> "tuple[Tree, TreeRevision]":
        """With its draft as the next revision. Raises `RoleForbidden`, `InvalidTransition` without a draft, or `InvalidTree`."""
        note = optional_text("note", note)
        self.owner.require_own(by, Permission.PUBLISH_TREES)
        moved = self._moved(TemplateMove.PUBLISH, at)
        if self.draft is None:
            raise InvalidTransition("tree without a draft", self.state, TemplateMove.PUBLISH)
        wrong = errors(problems(self.draft.content, self.kind, scripts))
        if wrong:
            raise InvalidTree(wrong)
        revision = TreeRevision(number=(self.revision or 0) + 1, content=self.draft.content, note=note, by=acts(by), at=at)
        words = about(self.name, self.description, self.draft.content)
        return evolve(moved, revision=revision.number, words=words, draft=None, published_at=at), revision

    def archived(self, *, by: Actor, at: datetime) -> "Tree":
        """Offered to nobody any more. Raises `RoleForbidden` or `InvalidTransition`."""
        self.owner.require_own(by, Permission.PUBLISH_TREES)
        return self._moved(TemplateMove.ARCHIVE, at)

    def restored(self, *, by: Actor, at: datetime) -> "Tree":
        """Offered again. Raises `RoleForbidden` or `InvalidTransition`."""
        self.owner.require_own(by, Permission.PUBLISH_TREES)
        return self._moved(TemplateMove.RESTORE, at)

    def require_deletable(self, by: Actor) -> None:
        """Raises `RoleForbidden`, or `InvalidTransition` once it was published."""
        self.owner.require_own(by, Permission.WRITE_TREES)
        advance(TEMPLATE, self.state, TemplateMove.DELETE, thing="tree")

    def require_usable(self) -> int:
        """The revision that is walked from now on. Raises `InvalidTransition` unless it is published."""
        advance(TEMPLATE, self.state, TemplateMove.USE, thing="tree")
        if self.revision is None:
            raise ValueError("a published tree has a revision")
        return self.revision

    def _moved(self, move: TemplateMove, at: datetime) -> "Tree":
        state = advance(TEMPLATE, self.state, move, thing="tree")
        return evolve(self, state=state, updated_at=max(at, self.updated_at))
