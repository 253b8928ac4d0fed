"""What an account can learn from what happened in it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Question, Tallies
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.kernel.actor import Person


class InsightsView(Protocol):
    """What there is to learn in one account."""

    async def tallies(self, question: Question, reader: Person | None, *, at: datetime, most: int) -> Tallies:
        """What a question comes to, all of it of one state; `at` is when waiting escalations may be overdue.

        Sessions that are parked and private to others than `reader` (None: to nobody) are left out. Raises `TooManyGroups` where more
        than `most` groups have anything in them.
        """

    async def labels(self, group_by: GroupBy, keys: Collection[GroupKey]) -> Mapping[str, str]:
        """What teams and people are called, by their ids as text."""

    async def untold(self) -> Untold:
        """What figures are grouped by and no event tells, of the whole account."""
