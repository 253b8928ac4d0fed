"""A script template: its draft, its revisions, and how it is published and used."""

from datetime import datetime
from typing import ClassVar

from attrs import define, frozen

from flowpilot_core.domain.kernel.actor import Actor, acts
from flowpilot_core.domain.kernel.errors import FlowPilotError
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId, TreeCategoryId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import counted, optional_text

from .ownership import Owner, Ref
from .script import ScriptContent, ScriptProblem
from .template import CopiedFrom, Draft, Revision, Template

ScriptRevision = Revision[ScriptContent]
"""What was published of a script template."""


@define
class InvalidScript(FlowPilotError):
    """A script with problems: it is neither published nor rendered."""

    problems: tuple[ScriptProblem, ...]

    def __str__(self) -> str:
        return f"the script has {counted(len(self.problems), 'problem', 'problems')}"


@frozen(kw_only=True)
class ScriptTemplate(Template[ScriptTemplateId, ScriptContent]):
    """A script template of the account, or one of the platform's."""

    THING: ClassVar[str] = "script template"

    @classmethod
    def drafted(
        cls,
        template_id: ScriptTemplateId,
        *,
        name: str,
        description: str | None = None,
        category: Ref[TreeCategoryId] | None = None,
        content: ScriptContent,
        copied_from: CopiedFrom[ScriptTemplateId] | None = None,
        by: Actor,
        at: datetime,
    ) -> "ScriptTemplate":
        """A new one, with a draft alone. Raises `RoleForbidden` or `InvalidValue`."""
        name, description = checked_name(name), optional_text("description", description)
        require_role(by, Permission.WRITE_TREES)
        return cls(
            id=template_id,
            owner=Owner.of(by.account_id),
            name=name,
            description=description,
            category=category,
            draft=Draft(content=content, by=acts(by), updated_at=at),
            copied_from=copied_from,
            created_by=acts(by),
            created_at=at,
            updated_at=at,
        )

    def published(
        self, note: str | None, problems: tuple[ScriptProblem, ...], *, by: Actor, at: datetime
    ) -> "tuple[ScriptTemplate, ScriptRevision]":
        """With its draft, which has these problems, as the next revision.

        Raises `RoleForbidden`, `InvalidTransition` without a draft, or `InvalidScript`.
        """
        published, revision = self.with_next_revision(note, by=by, at=at)
        if problems:
            raise InvalidScript(problems)
        return published, revision
