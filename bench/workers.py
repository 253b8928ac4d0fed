"""The hot paths by several workers beside one: requests a second, and the processor time that each takes the server.

Processors that share a core take longer for the same while both are busy, and several workers keep more of them busy than one. So processor
time is measured while no processor is ever idle, for either number of workers: what nobody else wants of them is spent on nothing.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median

import uvloop
from attrs import field, frozen
from rich.console import Console
from rich.table import Table

from . import hot_paths, least

LEAST_RATE = 1.0
"""Times as many requests a second as one worker answers."""
MOST_TIME = 1.1
"""Times the processor time that one takes for each."""

IDLING = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"


@frozen(kw_only=True)
class Rates:
    """Round by round, of one path and one number of workers: requests a second, and milliseconds of processor time for each."""

    rates: list[float] = field(factory=list)
    times: list[float] = field(factory=list)


@frozen(kw_only=True)
class Figure:
    """One path by one worker and by several."""

    name: str
    one: Rates
    several: Rates

    @property
    def rates(self) -> list[float]:
        """Those of several over those of one."""
        return [more / one for more, one in zip(self.several.rates, self.one.rates, strict=True)]

    @property
    def times(self) -> list[float]:
        """The same of processor time."""
        return [more / one for more, one in zip(self.several.times, self.one.times, strict=True)]

    @property
    def holds(self) -> bool:
        """Whether several answer as much, for little more."""
        return median(self.rates) >= LEAST_RATE and median(self.times) <= MOST_TIME


async def measure(*, workers: int, rounds: int, transactions: int, said: Callable[[str], None]) -> list[Figure]:
    """Every path by both in every round, in shuffled order."""
    transactions -= transactions % (2 * least.CLIENTS)
    each = 4 * rounds * transactions
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, hot_paths.a_postgres(Path(folder) / "data") as postgres:
        said(f"making {each} sessions to escalate and {each // 2} escalations to claim")
        templates = await hot_paths.made_templates(postgres.address, each)
        first, second = Path(folder) / "one", Path(folder) / "several"
        first.mkdir()
        second.mkdir()
        with (
            hot_paths.serving(postgres, str(first)) as (one_url, one_pid),
            hot_paths.serving(postgres, str(second), workers=str(workers)) as (several_url, several_pid),
        ):
            sides = [(hot_paths.our_side(one_url, *templates), one_pid), (hot_paths.our_side(several_url, *templates), several_pid)]
            for side, _ in sides:
                await side.find_cursors()
                await side.rate("get session", 0, least.CLIENTS * 40)
            found = {path: (Rates(), Rates()) for path in hot_paths.FLOORS}
            for number in range(rounds):
                for path in random.sample(list(found), len(found)):
                    for which, busy in random.sample([(which, busy) for which in (0, 1) for busy in (False, True)], 4):
                        side, pid = sides[which]
                        begin = (4 * number + 2 * which + busy) * (transactions // 2 if path == "claim" else transactions)
                        with never_idle() if busy else nullcontext():
                            before = processor_time(pid)
                            rate = await side.rate(path, begin, transactions)
                            taken = (processor_time(pid) - before) * 1_000 / transactions
                        if busy:
                            found[path][which].times.append(taken)
                        else:
                            found[path][which].rates.append(rate)
                    one, several = found[path]
                    said(
                        f"round {number + 1} of {rounds}, {path}: one {one.rates[-1]:.0f} a second, {one.times[-1]:.2f} ms each; "
                        f"{workers} workers {several.rates[-1]:.0f} a second, {several.times[-1]:.2f} ms each"
                    )
    return [Figure(name=path, one=one, several=several) for path, (one, several) in found.items()]


@contextmanager
def never_idle() -> Iterator[None]:
    """No processor is: each has something to do that gives way to anything else."""
    idling = [subprocess.Popen([sys.executable, "-c", IDLING]) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for process in idling:
            process.kill()
            process.wait()


def processor_time(pid: int) -> float:
    """Seconds of a processor that a process and those it has begun took."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    nanoseconds = (file.read_text().split()[0] for one in (pid, *children) for file in Path(f"/proc/{one}/task").glob("*/schedstat"))
    return sum(map(int, nanoseconds)) / 1e9


def table(figures: list[Figure], workers: int) -> Table:
    """Medians over the rounds, and each ratio with its spread."""
    drawn = Table(
        "path", "one / s", f"{workers} workers / s", "times as many", "one, ms each", f"{workers} workers, ms each", "times as long"
    )
    for figure in figures:
        drawn.add_row(
            figure.name,
            *(f"{median(side.rates):.0f}" for side in (figure.one, figure.several)),
            _spread(figure.rates),
            *(f"{median(side.times):.2f}" for side in (figure.one, figure.several)),
            _spread(figure.times),
        )
    return drawn


def _spread(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> int:
    """Ends with 0 only if several workers answer as much as one, and take little more time for it."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="a ratio counts from five")
    parser.add_argument("--transactions", type=int, default=2000, help="of each path in a round, by each side")
    arguments = parser.parse_args()
    console = Console()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(
            measure(workers=arguments.workers, rounds=arguments.rounds, transactions=arguments.transactions, said=console.log)
        )
    console.print(table(figures, arguments.workers))
    console.print(f"at least {LEAST_RATE} times as many a second, at most {MOST_TIME} times as long: the server's, with no processor idle.")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
