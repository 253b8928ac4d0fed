"""What people looked at and what they think, kept beside sessions and handoffs without changing either."""

from typing import Protocol

from flowpilot_core.domain.identifiers import HandoffId, SessionId, StepId, UserId
from flowpilot_core.domain.opinion import Judgement, Rating, Seen


class Opinions(Protocol):
    """Who has seen what, and what they think of it, in one account, inside one unit of work.

    Keeping something raises `NotFound` (now or at the commit) where what it is about, or whose it is, is not of this account.
    """

    async def see(self, seen: Seen) -> None:
        """Keep that somebody looked at a handoff; whoever did before has done so since then."""

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """Who has looked at a handoff."""

    async def judge(self, judgement: Judgement) -> None:
        """Keep a verdict, in place of an earlier one of the same person on the same handoff."""

    async def rate(self, rating: Rating) -> None:
        """Keep a rating, in place of an earlier one of the same person of the same step."""

    async def judgements(self, handoff_id: HandoffId) -> tuple[Judgement, ...]:
        """The verdicts on a handoff, the oldest first."""

    async def ratings(self, session_id: SessionId, step_id: StepId) -> tuple[Rating, ...]:
        """The ratings of a step, the oldest first."""
