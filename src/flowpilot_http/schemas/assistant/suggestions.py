"""Suggestions of next steps."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.assistant.suggestions import Doing
from flowpilot_core.domain.assistant.suggestion import Suggestion, SuggestionState
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_http.schemas.kernel import Closed, Line, MaybeText


class Choice(StrEnum):
    """What becomes of a suggestion."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Decide(Closed, kw_only=True, frozen=True):
    """What becomes of a suggestion."""

    decision: Choice
    reason: Annotated[MaybeText | None, Meta(description="Why it is rejected.", examples=["The line was measured this morning"])] = None
    answers: Annotated[list[Line], Meta(description="Of a question of the tree; several split the branch, up to 8.")] = []
    result: Annotated[StepResult | None, Meta(description="What came of it, where it is done already.")] = None
    evidence: MaybeText | None = None

    def doing(self) -> Doing:
        """As the core knows it."""
        return Doing(answers=tuple(self.answers), result=self.result, evidence=self.evidence)


class SuggestionOut(msgspec.Struct, kw_only=True, frozen=True):
    """A next step that somebody may take."""

    id: UUID
    branch_id: UUID
    state: SuggestionState
    kind: StepKind
    content: Annotated[str, Meta(description="Empty while it is pending.")]
    cites: list[UUID]
    reason: Annotated[str | None, Meta(description="Why it was rejected, or why it failed.")]
    step_id: Annotated[UUID | None, Meta(description="The step it became.")]
    node_id: Annotated[str | None, Meta(description="The node of the session's tree that it is: accepting it does the node.")]

    @classmethod
    def of(cls, suggestion: Suggestion) -> "SuggestionOut":
        """As clients read it."""
        return cls(**_common(suggestion))


class SuggestedOut(SuggestionOut, kw_only=True, frozen=True):
    """The best suggestion, and what else may help."""

    more: Annotated[list[SuggestionOut], Meta(description="The others, best first.")]

    @classmethod
    def all(cls, made: Sequence[Suggestion]) -> "SuggestedOut":
        """As clients read them; there is at least one."""
        return cls(**_common(made[0]), more=[SuggestionOut.of(one) for one in made[1:]])


class SuggestionsOut(msgspec.Struct, kw_only=True, frozen=True):
    """Suggestions for a session."""

    items: list[SuggestionOut]
    next_cursor: None = None


def _common(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "id": suggestion.id,
        "branch_id": suggestion.branch_id,
        "state": suggestion.state,
        "kind": suggestion.kind,
        "content": suggestion.content,
        "cites": list(suggestion.cites),
        "reason": suggestion.reason,
        "step_id": suggestion.step_id,
        "node_id": suggestion.node_id,
    }
