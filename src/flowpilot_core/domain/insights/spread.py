"""How waits are spread: nothing is estimated, and every figure is one that somebody waited, or a mean."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from attrs import frozen

CLASSES: Final[Mapping[str, timedelta]] = MappingProxyType(
    {
        "under_10_s": timedelta(seconds=10),
        "under_30_s": timedelta(seconds=30),
        "under_1_min": timedelta(minutes=1),
        "under_5_min": timedelta(minutes=5),
        "under_15_min": timedelta(minutes=15),
        "under_1_h": timedelta(hours=1),
        "under_4_h": timedelta(hours=4),
        "under_1_day": timedelta(days=1),
    }
)
"""What waits are sorted into: each into the first that it is shorter than."""
LONGER: Final = "longer"
"""The class of all others."""


@frozen(kw_only=True)
class Spread:
    """How long something took: how often it was measured, and what came out; None where it never was."""

    count: int = 0
    median: timedelta | None = None
    """In the middle; of an even number the mean of the two there."""
    p90: timedelta | None = None
    """By nearest rank: the smallest that nine in ten are no longer than."""
    mean: timedelta | None = None
    max: timedelta | None = None

    @classmethod
    def of(cls, waits: Sequence[timedelta]) -> "Spread":
        """Of waits in any order."""
        if not waits:
            return cls()
        ordered, count = sorted(waits), len(waits)
        low, high = middle(count)
        return cls.found(
            count, ordered[low - 1], ordered[high - 1], ordered[p90_rank(count) - 1], total=sum(waits, timedelta()), most=ordered[-1]
        )

    @classmethod
    def found(cls, count: int, low: timedelta, high: timedelta, p90: timedelta, *, total: timedelta, most: timedelta) -> "Spread":
        """Of what a store has found at the ranks that `middle` and `p90_rank` say."""
        return cls(count=count, median=(low + high) / 2, p90=p90, mean=total / count, max=most)


def middle(count: int) -> tuple[int, int]:
    """The ranks, from 1, of the two in the middle; of an odd number it is one."""
    return (count + 1) // 2, count // 2 + 1


def p90_rank(count: int) -> int:
    """The rank, from 1, that the nearest-rank rule names: in whole numbers, which nine tenths are not."""
    return (9 * count + 9) // 10


def classed(waits: Sequence[timedelta]) -> Mapping[str, int]:
    """How many waits, in any order, are in each class."""
    ordered = sorted(waits)
    return between([bisect_left(ordered, bound) for bound in CLASSES.values()], len(ordered))


def between(shorter: Sequence[int], count: int) -> Mapping[str, int]:
    """How many are in each class, where so many are shorter than the bound of each."""
    names = (*CLASSES, LONGER)
    return {name: upper - lower for name, lower, upper in zip(names, (0, *shorter), (*shorter, count), strict=True)}
