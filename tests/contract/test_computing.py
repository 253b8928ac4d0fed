"""Work in processes of its own keeps its contract, within bounds of time and memory, and holds up neither the loop nor another account."""

import asyncio
import os
import signal
import time
from asyncio import CancelledError, Event, create_task, gather, sleep, wait_for

import pytest

from flowpilot_adapters.computing import WorkerProcesses
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.ports.kernel import Compute
from flowpilot_core.testing.contracts import ComputeContract
from flowpilot_core.testing.contracts.kernel.compute import ACME, GLOBEX

pytestmark = pytest.mark.anyio
FOR_EVER = 3600.0


class TestComputeHere(ComputeContract):
    @pytest.fixture
    def compute(self) -> Compute:
        return compute_here


class TestWorkerProcesses(ComputeContract):
    @pytest.fixture
    def compute(self) -> Compute:
        return WorkerProcesses()


def test_what_is_worked_out_here_is_worked_out_at_once() -> None:
    assert 3 == asyncio.run(compute_here(ACME, max, 2, 3))


async def test_work_that_never_ends_is_ended_and_the_next_is_done() -> None:
    compute = WorkerProcesses(processes=1, seconds=2.0)

    with pytest.raises(Unavailable):
        await compute(ACME, time.sleep, FOR_EVER)

    assert "ab" == await compute(ACME, "".join, ["a", "b"])


async def test_work_that_takes_too_much_memory_is_refused_and_the_next_is_done() -> None:
    compute = WorkerProcesses(processes=1)

    with pytest.raises(Unavailable):
        await compute(ACME, bytearray, 4 * 1024**3)

    assert "ab" == await compute(ACME, "".join, ["a", "b"])


async def test_work_whose_process_dies_is_refused_and_the_next_is_done() -> None:
    compute = WorkerProcesses(processes=1)

    with pytest.raises(Unavailable):
        await compute(ACME, signal.raise_signal, signal.SIGKILL)

    assert "ab" == await compute(ACME, "".join, ["a", "b"])


async def test_work_that_nobody_waits_for_any_more_is_ended() -> None:
    compute = WorkerProcesses(processes=1)
    await compute(ACME, os.getpid)
    hanging = create_task(compute(ACME, time.sleep, FOR_EVER))
    await sleep(0)

    hanging.cancel()
    with pytest.raises(CancelledError):
        await hanging

    assert "ab" == await compute(ACME, "".join, ["a", "b"])


async def test_the_loop_goes_on_while_something_is_worked_out() -> None:
    compute, ended = WorkerProcesses(), Event()

    async def turns() -> int:
        count = 0
        while not ended.is_set():
            count += 1
            await sleep(0.001)
        return count

    counting = create_task(turns())
    await compute(ACME, sum, range(20_000_000))
    ended.set()

    assert 20 < await counting


async def test_an_account_whose_work_hangs_delays_no_other() -> None:
    compute = WorkerProcesses()
    hanging = [create_task(compute(ACME, time.sleep, FOR_EVER)) for _ in range(20)]
    await sleep(0)

    assert "ab" == await wait_for(compute(GLOBEX, "".join, ["a", "b"]), 60)

    for one in hanging:
        one.cancel()
    await gather(*hanging, return_exceptions=True)


async def test_an_account_of_which_too_much_waits_is_sent_away_and_no_other() -> None:
    compute = WorkerProcesses(most_waiting=3)
    hanging = [create_task(compute(ACME, time.sleep, FOR_EVER)) for _ in range(4)]
    await sleep(0)

    with pytest.raises(Unavailable):
        await compute(ACME, "".join, ["a", "b"])

    assert "ab" == await compute(GLOBEX, "".join, ["a", "b"])
    for one in hanging:
        one.cancel()
    await gather(*hanging, return_exceptions=True)
    assert "ab" == await compute(ACME, "".join, ["a", "b"])
