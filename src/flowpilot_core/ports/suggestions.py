"""Where suggestions come from, and where they are kept."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from flowpilot_core.domain.identifiers import SessionId, SuggestionId
from flowpilot_core.domain.suggestion import Proposal, Record, Suggestion

from .assistant import Question


class SuggestionSource(Protocol):
    """Something that knows what to do next: rules, similar sessions, a tree, a library of scripts."""

    def propose(self, question: Question) -> Sequence[Proposal]:
        """What to do next in the session that is asked about, best first; it reads nothing but the question, and never waits.

        One that raises proposes nothing, and costs the others nothing.
        """


class Suggestions(Protocol):
    """The suggestions of one account, inside one unit of work."""

    async def add(self, suggestions: Sequence[Suggestion]) -> None:
        """Keep new ones; a pending one with the work of making it due at once."""

    async def get(self, suggestion_id: SuggestionId) -> Suggestion:
        """Raises `NotFound`."""

    async def save(self, suggestion: Suggestion) -> None:
        """Keep a changed one."""

    async def of(self, session_id: SessionId) -> tuple[Suggestion, ...]:
        """All of a session, oldest first; empty where there is no such session."""

    async def record(self, contents: Sequence[str]) -> Mapping[str, Record]:
        """How often suggestions with these contents were accepted and rejected in the account."""
