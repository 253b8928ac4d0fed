"""Counting how often something happens under each of many names."""

from collections.abc import Callable
from functools import partial

from flowpilot_core.domain.kernel.rate_limit import Rate
from flowpilot_core.ports.kernel import Tallies


class Limiter:
    """Holds each name to a rate."""

    def __init__(self, rate: Rate, tallies: Tallies, *, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._tallies = tallies
        self._monotonic = monotonic

    def wait(self, name: str) -> float:
        """Seconds until there is room for one more of this name; 0 where there is some now."""
        return self._rate.wait(self._tallies.get(name), at=self._monotonic())

    def count(self, name: str) -> None:
        """One more of this name."""
        self._tallies.change(name, partial(self._rate.counted, at=self._monotonic()))
