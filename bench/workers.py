"""The hot paths by several workers beside one: requests a second, and the processor time that each takes the server.

Processors that share a core take longer for the same while both are busy, and several workers keep more of them busy than one. So processor
time is measured while no processor is ever idle, for either number of workers: what nobody else wants of them is spent on nothing. Beside
them as many servers of one worker, which share nothing but the database, have as many requests together: what these take more is the
machine's.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from statistics import median

import uvloop
from attrs import evolve, field, frozen
from rich.console import Console
from rich.table import Table

from . import hot_paths, least
from .load import CONNECTIONS

LEAST_RATE = 1.0
"""Times as many requests a second as one worker answers."""
MOST_TIME = 1.1
"""Times the processor time that one takes for each."""

RUNS = ((0, False), (0, True), (1, False), (1, True), (2, True))
"""Of each path in a round: by one worker, by several, by as many servers; and whether no processor is idle meanwhile."""
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
    apart: Rates
    """By as many servers of one worker; of the times alone."""

    @property
    def rates(self) -> list[float]:
        """Those of several over those of one."""
        return [more / one for more, one in zip(self.several.rates, self.one.rates, strict=True)]

    @property
    def times(self) -> list[float]:
        """The same of processor time."""
        return [more / one for more, one in zip(self.several.times, self.one.times, strict=True)]

    @property
    def times_apart(self) -> list[float]:
        """The same of servers that share nothing."""
        return [more / one for more, one in zip(self.apart.times, self.one.times, strict=True)]

    @property
    def holds(self) -> bool:
        """Whether several answer as much, for little more."""
        return median(self.rates) >= LEAST_RATE and median(self.times) <= MOST_TIME


async def measure(*, workers: int, rounds: int, transactions: int, said: Callable[[str], None]) -> list[Figure]:
    """Every path by both in every round, in shuffled order."""
    transactions -= transactions % (2 * least.CLIENTS * workers)
    each = len(RUNS) * rounds * transactions
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, hot_paths.a_postgres(Path(folder) / "data") as postgres:
        said(f"making {each} sessions to escalate and {each // 2} escalations to claim")
        templates = await hot_paths.made_templates(postgres.address, each)
        with ExitStack() as stack:
            servers = []
            for place, of_workers in enumerate([1, workers, *[1] * workers]):
                (own := Path(folder) / str(place)).mkdir()
                url, pid = stack.enter_context(hot_paths.serving(postgres, str(own), workers=str(of_workers)))
                side = hot_paths.our_side(url, *templates)
                await side.find_cursors()
                await side.rate("get session", 0, least.CLIENTS * 40)
                servers.append((side, pid))
            sides = servers[:1], servers[1:2], servers[2:]
            found = {path: (Rates(), Rates(), Rates()) for path in hot_paths.FLOORS}
            for number in range(rounds):
                for path in random.sample(list(found), len(found)):
                    things = transactions // 2 if path == "claim" else transactions
                    for which, busy in random.sample(RUNS, len(RUNS)):
                        begin = (len(RUNS) * number + RUNS.index((which, busy))) * things
                        with never_idle() if busy else nullcontext():
                            rate, taken = await _asked(sides[which], path, begin, things, transactions)
                        if busy:
                            found[path][which].times.append(taken)
                        else:
                            found[path][which].rates.append(rate)
                    one, several, apart = found[path]
                    said(
                        f"round {number + 1} of {rounds}, {path}: one {one.rates[-1]:.0f} a second, {one.times[-1]:.2f} ms each; "
                        f"{workers} workers {several.rates[-1]:.0f} a second, {several.times[-1]:.2f} ms each; "
                        f"{workers} servers {apart.times[-1]:.2f} ms each"
                    )
    return [Figure(name=path, one=one, several=several, apart=apart) for path, (one, several, apart) in found.items()]


async def _asked(servers: list[tuple[hot_paths.Side, int]], path: str, begin: int, things: int, transactions: int) -> tuple[float, float]:
    """Requests a second, and milliseconds of processor time for each: of servers that have as much of the connections and things each."""
    sides = [evolve(side, connections=CONNECTIONS // len(servers)) for side, _ in servers]
    share, asked = things // len(servers), transactions // len(servers)
    before = sum(processor_time(pid) for _, pid in servers)
    rates = await asyncio.gather(*(side.rate(path, begin + place * share, asked) for place, side in enumerate(sides)))
    return sum(rates), (sum(processor_time(pid) for _, pid in servers) - before) * 1_000 / transactions


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
        "path",
        "one / s",
        f"{workers} workers / s",
        "times as many",
        "one, ms each",
        f"{workers} workers, ms each",
        "times as long",
        f"{workers} servers, times as long",
    )
    for figure in figures:
        drawn.add_row(
            figure.name,
            *(f"{median(side.rates):.0f}" for side in (figure.one, figure.several)),
            _spread(figure.rates),
            *(f"{median(side.times):.2f}" for side in (figure.one, figure.several)),
            _spread(figure.times),
            _spread(figure.times_apart),
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
