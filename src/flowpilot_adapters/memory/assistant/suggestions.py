"""Suggestions, and the resolved sessions that some of them come from."""

import asyncio
from collections.abc import Mapping, Sequence

from attrs import frozen

from flowpilot_adapters.memory.reading import thumbs_of
from flowpilot_adapters.memory.tables import DueWork, Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.assistant.similar_sessions import ResolvedSession, misspelt
from flowpilot_core.domain.assistant.suggestion import Record, Suggestion, SuggestionState
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import SessionId, SuggestionId
from flowpilot_core.domain.kernel.words import telling_words
from flowpilot_core.domain.sessions.feedback import Thumbs
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.relay import WorkKind


@frozen
class MemorySuggestions:
    """The suggestions of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, suggestions: Sequence[Suggestion]) -> None:
        """As `Suggestions.add` says."""
        now = self._work.clock.now()
        for one in suggestions:
            self._work.rows.suggestions.put(one.id, one)
            if one.state is SuggestionState.PENDING:
                self._work.rows.due.put(one.id, DueWork(id=one.id, kind=WorkKind.SUGGESTION, due_at=now))

    async def get(self, suggestion_id: SuggestionId) -> Suggestion:
        """As `Suggestions.get` says."""
        await asyncio.sleep(0)
        found = self._work.rows.suggestions.get(suggestion_id)
        if found is None:
            raise NotFound("suggestion")
        return found

    async def save(self, suggestion: Suggestion) -> None:
        """As `Suggestions.save` says."""
        self._work.rows.suggestions.put(suggestion.id, suggestion)

    async def of(self, session_id: SessionId) -> tuple[Suggestion, ...]:
        """As `Suggestions.of` says."""
        await asyncio.sleep(0)
        return of_session(self._work.rows, session_id)

    async def record(self, contents: Sequence[str]) -> Mapping[str, Record]:
        """As `Suggestions.record` says."""
        await asyncio.sleep(0)
        rows, found = self._work.rows, dict[str, Record]()
        for one in rows.suggestions.values():
            if one.content in contents and one.state in (SuggestionState.ACCEPTED, SuggestionState.REJECTED):
                before = found.get(one.content, Record())
                thumbs = thumbs_of([rating.thumb for rating in rows.ratings.values() if rating.step_id == one.step_id])
                found[one.content] = Record(
                    accepted=before.accepted + (one.state is SuggestionState.ACCEPTED),
                    rejected=before.rejected + (one.state is SuggestionState.REJECTED),
                    thumbs=Thumbs(up=before.thumbs.up + thumbs.up, down=before.thumbs.down + thumbs.down),
                )
        return found


def of_session(rows: Working, session_id: SessionId) -> tuple[Suggestion, ...]:
    """All of a session, oldest first."""
    return tuple(sorted((one for one in rows.suggestions.values() if one.session_id == session_id), key=lambda one: one.id))


def similar(rows: Working, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
    """Resolved sessions that share words, or whose title does but for slips of the pen; those that share most first."""
    wanted = {*words, *telling_words(title)}
    found = []
    for session in rows.sessions.values():
        if session.status is Status.RESOLVED and session.resolution and session.id != without:
            resolution = session.resolution
            shared = wanted & set(telling_words(session.title, session.problem, resolution.summary, resolution.root_cause))
            shared |= misspelt(telling_words(title), telling_words(session.title))
            if shared:
                one = ResolvedSession(
                    session_id=session.id,
                    title=session.title,
                    problem=session.problem,
                    summary=resolution.summary,
                    root_cause=resolution.root_cause,
                )
                found.append((-len(shared), session.id, one))
    return [one for _, _, one in sorted(found, key=lambda entry: entry[:2])[:limit]]
