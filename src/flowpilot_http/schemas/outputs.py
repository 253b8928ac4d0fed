"""Resolution outputs."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.outputs.outputs import Shown
from flowpilot_core.domain.outputs.document import ExportFormat
from flowpilot_core.domain.outputs.output import Author, OutputKind, OutputState

from .kernel import Closed, Instant, PersonOut, Text, person

BODY = "`## ` begins a heading, `- ` an item of a list, an empty line ends a paragraph; all else is read as it is written."


class NewOutput(Closed, kw_only=True, frozen=True):
    """What is to be made of a resolved session."""

    kind: OutputKind


class EditOutput(Closed, kw_only=True, frozen=True):
    """How an output is to read."""

    body: Annotated[Text, Meta(description=BODY)]


class ExportWanted(Closed, kw_only=True, frozen=True):
    """How an output is taken elsewhere."""

    format: Annotated[ExportFormat | None, Meta(description="Without it: Markdown.")] = None


class OutputVersionOut(msgspec.Struct, kw_only=True, frozen=True):
    """An output as it read once."""

    version: int
    body: str
    made_by: Author
    model: Annotated[str | None, Meta(description="Which one, where a model wrote it.")]
    by: Annotated[PersonOut | Literal["system"], Meta(description="Who asked for it, or wrote it.")]
    at: Instant


class MadeTreeOut(msgspec.Struct, kw_only=True, frozen=True):
    """The published tree that was made from the session."""

    id: UUID
    name: str
    url: Annotated[str, Meta(description="Where it is read.")]


class OutputOut(msgspec.Struct, kw_only=True, frozen=True):
    """A resolution output as it reads now."""

    id: UUID
    session_id: UUID
    kind: OutputKind
    version: int
    state: OutputState
    body: Annotated[str, Meta(description=BODY)]
    made_by: Author
    by: PersonOut | Literal["system"]
    pending: Annotated[bool, Meta(description="Whether a model is asked for a better one.")]
    problem: Annotated[str | None, Meta(description="Why no model's is there, where one was asked.")]
    approved_by: PersonOut | None
    created_at: Instant
    updated_at: Instant
    tree: Annotated[MadeTreeOut | None, Meta(description="What an article leads to; documents and notes made of it say so at their end.")]

    @classmethod
    def of(cls, shown: Shown) -> "OutputOut":
        """As clients read it."""
        return cls(**_common(shown))


class OutputDetailOut(OutputOut, kw_only=True, frozen=True):
    """A resolution output with all its versions, oldest first."""

    versions: list[OutputVersionOut]

    @classmethod
    def whole(cls, shown: Shown) -> "OutputDetailOut":
        """As clients read it."""
        versions = [
            OutputVersionOut(
                version=one.number,
                body=one.body,
                made_by=one.made_by,
                model=one.model,
                by="system" if one.by is None else person(one.by, shown.names),
                at=one.at,
            )
            for one in shown.output.versions
        ]
        return cls(**_common(shown), versions=versions)


class OutputsOut(msgspec.Struct, kw_only=True, frozen=True):
    """The outputs of a session, oldest first."""

    items: list[OutputOut]
    next_cursor: None = None


def _common(shown: Shown) -> dict[str, Any]:
    output, latest = shown.output, shown.output.versions[-1]
    return {
        "id": output.id,
        "session_id": output.session_id,
        "kind": output.kind,
        "version": output.version,
        "state": output.state,
        "body": output.body,
        "made_by": latest.made_by,
        "by": "system" if latest.by is None else person(latest.by, shown.names),
        "pending": output.pending,
        "problem": output.problem,
        "approved_by": None if output.approved_by is None else person(output.approved_by, shown.names),
        "created_at": output.created_at,
        "updated_at": output.updated_at,
        "tree": None if shown.tree is None else MadeTreeOut(id=shown.tree.id, name=shown.tree.name, url=shown.tree.page),
    }
