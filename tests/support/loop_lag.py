"""How long a served process kept its event loop from others, as its metrics say."""

import math
import re
from typing import Final

_BUCKET: Final = re.compile(r'^flowpilot_loop_lag_seconds_bucket{le="([^"]+)"} (\S+)$', re.MULTILINE)


def looks(metrics: str) -> dict[float, float]:
    """How often the loop was at most so many seconds late, in the text of `GET /metrics`."""
    return {float(bound): float(times) for bound, times in _BUCKET.findall(metrics)}


def longest(before: str, after: str) -> float:
    """The bucket of the longest lag between two texts of `GET /metrics`: it was at most so many seconds; infinite past the last bucket."""
    earlier = looks(before)
    times = {bound: count - earlier.get(bound, 0.0) for bound, count in looks(after).items()}
    return min(bound for bound, count in times.items() if count == times[math.inf])
