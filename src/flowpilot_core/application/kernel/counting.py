"""Counting where there is one process alone."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from attrs import define, field

from flowpilot_core.domain.kernel.rate_limit import Tally

MOST_NAMES: Final = 10_000


@define
class PlacesHere:
    """As `Places` says."""

    _taken: Counter[str] = field(factory=Counter, init=False)

    def take(self, name: str, most: int) -> bool:
        """As `Places.take` says."""
        if self._taken[name] >= most:
            return False
        self._taken[name] += 1
        return True

    def leave(self, name: str) -> None:
        """As `Places.leave` says."""
        self._taken[name] -= 1
        if self._taken[name] <= 0:
            del self._taken[name]


@define
class TalliesHere:
    """As `Tallies` says, of `names` at most."""

    names: int = MOST_NAMES
    _tallies: OrderedDict[str, Tally] = field(factory=OrderedDict, init=False)

    def get(self, name: str) -> Tally | None:
        """As `Tallies.get` says."""
        tally = self._tallies.get(name)
        if tally is not None:
            self._tallies.move_to_end(name)
        return tally

    def change(self, name: str, change: Callable[[Tally | None], Tally]) -> None:
        """As `Tallies.change` says."""
        self._tallies[name] = change(self._tallies.get(name))
        self._tallies.move_to_end(name)
        if len(self._tallies) > self.names:
            self._tallies.popitem(last=False)
