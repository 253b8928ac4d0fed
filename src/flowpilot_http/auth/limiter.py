"""Counting how often something happens under each of many names."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from flowpilot_core.domain.kernel.rate_limit import Rate, Tally

Name = TypeVar("Name")

MOST_NAMES = 10_000


class Limiter(Generic[Name]):
    """Counts in this process alone. Of more names than `names`, those are forgotten that were longest not heard of."""

    def __init__(self, rate: Rate, *, monotonic: Callable[[], float], names: int = MOST_NAMES) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._names = names
        self._tallies: OrderedDict[Name, Tally] = OrderedDict()

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._tallies)

    def wait(self, name: Name) -> float:
        """Seconds until there is room for one more of this name; 0 where there is some now."""
        tally = self._tallies.get(name)
        if tally is not None:
            self._tallies.move_to_end(name)
        return self._rate.wait(tally, at=self._monotonic())

    def count(self, name: Name) -> None:
        """One more of this name."""
        self._tallies[name] = self._rate.counted(self._tallies.get(name), at=self._monotonic())
        self._tallies.move_to_end(name)
        if len(self._tallies) > self._names:
            self._tallies.popitem(last=False)
