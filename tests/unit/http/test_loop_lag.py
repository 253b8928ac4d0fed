"""How long the event loop keeps others waiting, as `GET /metrics` says."""

import asyncio
import time

import pytest

from flowpilot_http.loop_lag import EVERY, watch_loop
from flowpilot_http.metrics import Metrics
from tests.support.loop_lag import longest, looks

pytestmark = pytest.mark.anyio
HELD = 0.12


def _hold_the_loop() -> None:
    until = time.perf_counter() + HELD
    while time.perf_counter() < until:
        pass


async def test_what_holds_the_loop_shows_in_its_lag() -> None:
    metrics, stop = Metrics(), asyncio.Event()
    watching = asyncio.create_task(watch_loop(metrics, stop))
    await asyncio.sleep(0)
    before = metrics.text().decode()

    _hold_the_loop()
    stop.set()
    await watching

    after = metrics.text().decode()
    assert HELD - EVERY < longest(before, after)
    assert 1 == looks(after)[float("inf")]
