"""What trees and script templates have in common: one draft, revisions that never change, and how they are published and put away."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Generic, Self, TypeVar
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor, acts
from flowpilot_core.domain.kernel.errors import DraftTaken, InvalidTransition, NotFound, VersionConflict
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, permits, require_role
from flowpilot_core.domain.kernel.text import optional_text
from flowpilot_core.domain.kernel.transitions import advance

from .ownership import Owner, Ref

ID = TypeVar("ID", bound=UUID)
C = TypeVar("C")


class TemplateState(StrEnum):
    """How far a tree or a script template is."""

    DRAFT = "draft"
    """Never published."""
    PUBLISHED = "published"
    ARCHIVED = "archived"
    """Offered to nobody; what uses it goes on."""


def states_listed(asked: TemplateState | None) -> tuple[TemplateState, ...]:
    """Those that a list shows: the one that is asked for, or else all but what was put away."""
    return (TemplateState.DRAFT, TemplateState.PUBLISHED) if asked is None else (asked,)


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


OFFERED: Mapping[TemplateMove, Permission] = MappingProxyType(
    {
        TemplateMove.EDIT: Permission.WRITE_TREES,
        TemplateMove.PUBLISH: Permission.PUBLISH_TREES,
        TemplateMove.ARCHIVE: Permission.PUBLISH_TREES,
        TemplateMove.RESTORE: Permission.PUBLISH_TREES,
        TemplateMove.DELETE: Permission.WRITE_TREES,
    }
)
"""What is offered on one's own, to whom."""


@frozen(kw_only=True)
class Draft(Generic[C]):
    """What the next revision may be; it changes until it is published."""

    content: C
    by: UserId | None
    """Who began it, and so whose it is; None: the system."""
    updated_at: datetime


@frozen(kw_only=True)
class Revision(Generic[C]):
    """What was published; never changes."""

    number: int
    content: C
    note: str | None = None
    by: UserId | None
    at: datetime


@frozen(kw_only=True)
class CopiedFrom(Generic[ID]):
    """What a tree or a script template was copied from."""

    template: Ref[ID]
    revision: int


@frozen(kw_only=True)
class Template(Generic[ID, C]):
    """A tree or a script template of the account, or one of the platform's; its revisions are apart. `version` is the repository's."""

    THING: ClassVar[str]
    """What people call it."""

    id: ID
    owner: Owner
    version: int = 1
    name: str
    description: str | None = None
    category: Ref[TreeCategoryId] | None = None
    state: TemplateState = TemplateState.DRAFT
    revision: int | None = None
    """The number of the newest one; None until it is published."""
    draft: Draft[C] | None = None
    copied_from: CopiedFrom[ID] | None = None
    created_by: UserId | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None

    def sees_draft(self, actor: Actor) -> bool:
        """Whether its draft, if there is one, exists for the actor."""
        return self.draft is not None and permits(actor, Permission.READ_TREE_DRAFTS, {self.draft.by} if self.draft.by else ())

    def offers(self, actor: Actor) -> frozenset[TemplateMove]:
        """The moves to show the actor: those that its state, its owner and the actor's role allow."""
        own = self.owner is Owner.of(actor.account_id)
        return frozenset(
            move
            for move, permission in OFFERED.items()
            if own
            and (self.state, move) in TEMPLATE
            and permits(actor, permission, ())
            and (move is not TemplateMove.PUBLISH or self.draft)
        )

    def readable_by(self, actor: Actor | None) -> bool:
        """Whether it exists for the actor: somebody else's draft that was never published does not, and for None no draft does."""
        return self.revision is not None or (actor is not None and self.sees_draft(actor))

    def require_readable(self, actor: Actor) -> None:
        """Raises `NotFound` for whom it does not exist."""
        if not self.readable_by(actor):
            raise NotFound(self.THING)

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` where the caller acted on another version than this one."""
        if expected is not None and expected != self.version:
            raise VersionConflict(self.THING, expected, self.version)

    def renamed(self, *, name: str, description: str | None, category: Ref[TreeCategoryId] | None, by: Actor, at: datetime) -> Self:
        """With another name, description or category. Raises `RoleForbidden`, `InvalidValue` or `InvalidTransition`."""
        name, description = checked_name(name), optional_text("description", description)
        self.owner.require_own(by, Permission.WRITE_TREES)
        return evolve(self._moved(TemplateMove.EDIT, at), name=name, description=description, category=category)

    def edited(self, content: C, *, take_over: bool = False, by: Actor, at: datetime) -> Self:
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
        raise DraftTaken(self.THING, held.by)

    def followed(self, origin: int, content: C, *, by: Actor, at: datetime) -> Self:
        """With what its original says by now, its revision `origin`, as its draft. Raises as `edited` does."""
        edited = self.edited(content, by=by, at=at)
        return evolve(edited, copied_from=evolve(self.copied_from, revision=origin) if self.copied_from else None)

    def with_next_revision(self, note: str | None, *, by: Actor, at: datetime) -> tuple[Self, Revision[C]]:
        """With its draft as the next revision, whatever is in it. Raises `RoleForbidden`, or `InvalidTransition` without a draft."""
        note = optional_text("note", note)
        self.owner.require_own(by, Permission.PUBLISH_TREES)
        moved = self._moved(TemplateMove.PUBLISH, at)
        if self.draft is None:
            raise InvalidTransition(f"{self.THING} without a draft", self.state, TemplateMove.PUBLISH)
        revision = Revision(number=(self.revision or 0) + 1, content=self.draft.content, note=note, by=acts(by), at=at)
        return evolve(moved, revision=revision.number, draft=None, published_at=at), revision

    def archived(self, *, by: Actor, at: datetime) -> Self:
        """Offered to nobody any more. Raises `RoleForbidden` or `InvalidTransition`."""
        self.owner.require_own(by, Permission.PUBLISH_TREES)
        return self._moved(TemplateMove.ARCHIVE, at)

    def restored(self, *, by: Actor, at: datetime) -> Self:
        """Offered again. Raises `RoleForbidden` or `InvalidTransition`."""
        self.owner.require_own(by, Permission.PUBLISH_TREES)
        return self._moved(TemplateMove.RESTORE, at)

    def require_deletable(self, by: Actor) -> None:
        """Raises `RoleForbidden`, or `InvalidTransition` once it was published."""
        self.owner.require_own(by, Permission.WRITE_TREES)
        advance(TEMPLATE, self.state, TemplateMove.DELETE, thing=self.THING)

    def require_usable(self) -> int:
        """The revision that is used from now on. Raises `InvalidTransition` unless it is published."""
        advance(TEMPLATE, self.state, TemplateMove.USE, thing=self.THING)
        if self.revision is None:
            raise ValueError("what is published has a revision")
        return self.revision

    def require_copyable(self, by: Actor) -> int:
        """The revision that is copied, put away or not. Raises `RoleForbidden`, or `InvalidTransition` before anything was published."""
        require_role(by, Permission.WRITE_TREES)
        if self.revision is None:
            raise InvalidTransition(self.THING, self.state, TemplateMove.USE)
        return self.revision

    def _moved(self, move: TemplateMove, at: datetime) -> Self:
        state = advance(TEMPLATE, self.state, move, thing=self.THING)
        return evolve(self, state=state, updated_at=max(at, self.updated_at))
