"""How long a served process kept its event loop from others, as its metrics say."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

_BUCKET: Final = re.compile(r'^flowpilot_loop_lag_seconds_bucket{le="([^"]+)"} (\S+)$', re.MULTILINE)


def looks(metrics: str) -> dict[float, float]:
    """How often the loop was at most so many seconds late, in the text of `GET /metrics`."""
    return {float(bound): float(times) for bound, times in _BUCKET.findall(metrics)}


def longest(before: str, after: str) -> float:
    """The bucket of the longest lag between two texts of `GET /metrics`: it was at most so many seconds; infinite past the last bucket."""
    earlier = looks(before)
    times = {bound: count - earlier.get(bound, 0.0) for bound, count in looks(after).items()}
    return min(bound for bound, count in times.items() if count == times[math.inf])


@contextmanager
def breathing(attacked: httpx.Client, *, idle: httpx.Client) -> Iterator[None]:
    """Meanwhile the attacked process is late by a second at most, or four times as late as one with nothing to do on so busy a machine."""
    before = [_metrics(one) for one in (attacked, idle)]
    yield
    late, late_anyway = (longest(earlier, _metrics(one)) for earlier, one in zip(before, (attacked, idle), strict=True))
    assert late <= max(1, 4 * late_anyway)


def _metrics(who: httpx.Client) -> str:
    return who.get("/metrics").text
