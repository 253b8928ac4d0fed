"""A tree: its draft, its revisions, and how it is published and put away."""

from datetime import datetime
from typing import ClassVar

from attrs import define, evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor, acts
from flowpilot_core.domain.kernel.errors import FlowPilotError
from flowpilot_core.domain.kernel.identifiers import SessionId, TreeCategoryId, TreeId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import counted, optional_text

from .content import EMPTY, Content, TreeKind
from .fitting import about
from .ownership import Owner, Ref
from .problems import KnownScripts, Problem, errors, problems
from .template import CopiedFrom, Draft, Revision, Template

TreeRevision = Revision[Content]
"""What was published of a tree."""


@define
class InvalidTree(FlowPilotError):
    """A draft with problems: nothing of it is published."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return f"the tree has {counted(len(self.problems), 'problem', 'problems')}"


@frozen(kw_only=True)
class Tree(Template[TreeId, Content]):
    """A tree of the account, or one of the platform's."""

    THING: ClassVar[str] = "tree"

    kind: TreeKind
    words: tuple[str, ...] = ()
    """What the newest revision is about; empty until it is published."""
    from_session_id: SessionId | None = None

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
        copied_from: CopiedFrom[TreeId] | None = None,
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

    def published(self, note: str | None, scripts: KnownScripts, *, by: Actor, at: datetime) -> "tuple[Tree, TreeRevision]":
        """With its draft as the next revision. Raises `RoleForbidden`, `InvalidTransition` without a draft, or `InvalidTree`."""
        published, revision = self.with_next_revision(note, by=by, at=at)
        if wrong := errors(problems(revision.content, self.kind, scripts)):
            raise InvalidTree(wrong)
        return evolve(published, words=about(self.name, self.description, revision.content)), revision
