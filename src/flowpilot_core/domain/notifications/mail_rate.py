"""How many mails a person gets in a minute: the rest wait, and are joined into one."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from flowpilot_core.domain.access.account import MAILS_A_MINUTE


@frozen(kw_only=True)
class Pace:
    """No more than `most` mails to one person in any stretch of `within`. What is urgent does not wait, and counts."""

    most: int = MAILS_A_MINUTE
    within: timedelta = timedelta(minutes=1)

    def free_at(self, sent: Iterable[datetime], *, at: datetime) -> datetime | None:
        """When the next one may go, after those that were `sent`; None where that is now."""
        recent = sorted(when for when in sent if when > at - self.within)
        return recent[-self.most] + self.within if len(recent) >= self.most else None


MOST_IN_ONE = 20
"""Messages that are joined into one mail; what is more comes in the next."""
