"""Who has seen what, and what they think of it."""

from attrs import frozen

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId, StepId, UserId
from flowpilot_core.domain.sessions.feedback import Judgement, Rating, Seen


@frozen
class MemoryFeedback:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def see(self, seen: Seen) -> None:
        """As `Feedback.see` says."""
        reading.handoff(self._work.rows, seen.handoff_id)
        reading.require_user(self._work.rows, seen.user_id)
        key = seen.handoff_id, seen.user_id
        if self._work.rows.seen.get(key) is None:
            self._work.rows.seen.put(key, seen)

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """As `Feedback.seen_by` says."""
        return frozenset(seen.user_id for seen in self._work.rows.seen.values() if seen.handoff_id == handoff_id)

    async def judge(self, judgement: Judgement) -> None:
        """As `Feedback.judge` says."""
        reading.handoff(self._work.rows, judgement.handoff_id)
        self._work.rows.judgements.put((judgement.handoff_id, judgement.user_id), judgement)

    async def rate(self, rating: Rating) -> None:
        """As `Feedback.rate` says."""
        reading.session(self._work.rows, rating.session_id)
        self._work.rows.ratings.put((rating.step_id, rating.user_id), rating)

    async def judgements(self, handoff_id: HandoffId) -> tuple[Judgement, ...]:
        """As `Feedback.judgements` says."""
        found = (one for one in self._work.rows.judgements.values() if one.handoff_id == handoff_id)
        return tuple(sorted(found, key=lambda one: (one.given_at, one.user_id)))

    async def ratings(self, session_id: SessionId, step_id: StepId) -> tuple[Rating, ...]:
        """As `Feedback.ratings` says."""
        found = (one for one in self._work.rows.ratings.values() if (one.session_id, one.step_id) == (session_id, step_id))
        return tuple(sorted(found, key=lambda one: (one.given_at, one.user_id)))
