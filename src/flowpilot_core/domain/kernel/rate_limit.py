"""How often something may happen before it is too often."""

from datetime import timedelta

from attrs import evolve, frozen


@frozen(kw_only=True)
class Tally:
    """How often something happened since it began to be counted, in seconds of a clock that only goes forward."""

    since: float
    count: int = 1


@frozen(kw_only=True)
class Rate:
    """So many in so long, from the first on; then it is counted anew."""

    most: int
    within: timedelta

    def counted(self, tally: Tally | None, *, at: float) -> Tally:
        """As `tally`, with one more."""
        if tally is None or self._ends(tally) <= at:
            return Tally(since=at)
        return evolve(tally, count=tally.count + 1)

    def wait(self, tally: Tally | None, *, at: float) -> float:
        """Seconds until there is room for one more; 0 where there is some now."""
        if tally is None or tally.count < self.most:
            return 0.0
        return max(self._ends(tally) - at, 0.0)

    def _ends(self, tally: Tally) -> float:
        return tally.since + self.within.total_seconds()


FAILED_FROM_ADDRESS = Rate(most=60, within=timedelta(minutes=5))
"""Sign-ins that may fail from one address: an office may stand behind it."""
FAILED_AT_ACCOUNT = Rate(most=300, within=timedelta(minutes=5))
"""Sign-ins that may fail at one account, from wherever."""
OPEN_FROM_ADDRESS = Rate(most=30, within=timedelta(minutes=1))
"""Looks at what nobody signs in for, from one address."""
