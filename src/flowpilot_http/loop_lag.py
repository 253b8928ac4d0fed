"""How long the event loop keeps others waiting: whatever computes on it for long delays every request of the process."""

import asyncio
import time
from itertools import count
from typing import Final

from .metrics import Metrics

EVERY: Final = 0.02
"""Seconds between looks: what holds the loop for longer than this is seen each time."""
OPEN_EVERY: Final = 50
"""Looks after which it is noted what is open, for other processes that are asked."""


async def watch_loop(metrics: Metrics, stop: asyncio.Event) -> None:
    """Note how late the loop wakes us, until `stop` is set."""
    for number in count():
        if stop.is_set():
            return
        if number % OPEN_EVERY == 0:
            metrics.look()
        due = time.perf_counter() + EVERY
        await asyncio.sleep(EVERY)
        metrics.woken_late(max(0.0, time.perf_counter() - due))
