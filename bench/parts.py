"""What a request is made of: the processor time of the server by layers, and of the database by statements, path by path.

The server's stack is looked at by its processor time, so that waiting for other work on the machine does not count. The database's own
statistics say what running each statement takes by the clock, which is more on a busy machine; the kernel says its processor time.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from attrs import frozen
from rich.console import Console
from rich.table import Table

from . import hot_paths, least, sampled
from .workers import processor_time

LAYERS = (
    ("/flowpilot_adapters/sql/connection.py", "connection: sending, receiving, rows"),
    ("/flowpilot_adapters/sql/pool.py", "connection: sending, receiving, rows"),
    ("/flowpilot_adapters/sql/records/", "rows to values of the domain"),
    ("/flowpilot_adapters/sql/", "statements: their values, transaction"),
    ("/flowpilot_adapters/push", "waking streams"),
    ("/flowpilot_core/domain/", "use case and domain"),
    ("/flowpilot_core/", "use case and domain"),
    ("/flowpilot_adapters/system", "use case and domain"),
    ("/flowpilot_http/auth/", "who asks"),
    ("/flowpilot_http/logs.py", "logs and metrics"),
    ("/flowpilot_http/metrics.py", "logs and metrics"),
    ("/flowpilot_http/garbage.py", "the rest"),
    ("/flowpilot_http/server.py", "uvicorn and our bounds on it"),
    ("/flowpilot_http/connections.py", "uvicorn and our bounds on it"),
    ("/flowpilot_http/schemas/", "the answer: values to JSON"),
    ("/flowpilot_http/responses.py", "the answer: values to JSON"),
    ("/flowpilot_http/", "our edge: reading, keys, refusing"),
    ("/structlog/", "logs and metrics"),
    ("/prometheus_client/", "logs and metrics"),
    ("/uvicorn/", "uvicorn and our bounds on it"),
    ("/litestar/", "Litestar"),
)
"""Where a stack is counted: at the topmost of its frames that is in one of these places. The first that fits counts."""
REST = "the rest"
OF_STATEMENTS = """
SELECT query, calls, total_exec_time, total_plan_time FROM pg_stat_statements
WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = 'flowpilot_app') ORDER BY total_exec_time + total_plan_time DESC
"""


@frozen(kw_only=True)
class Parts:
    """Of one path, in milliseconds of a processor for each request."""

    server: float
    samples: int
    """Looks at its stack."""
    layers: dict[str, float]
    functions: dict[str, float]
    database: float
    statements: dict[str, tuple[float, float]]
    """How often each runs for a request, and how long it does for all of these, by the clock."""


async def measure(path: str, *, requests: int, said: Callable[[str], None]) -> Parts:
    """One path alone, after some that do not count."""
    requests -= requests % (2 * least.CLIENTS)
    warming = 20 * least.CLIENTS
    loaded = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "on"}
    with (
        tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder,
        hot_paths.a_postgres(Path(folder) / "data", **loaded) as postgres,
    ):
        templates = await hot_paths.made_templates(postgres.address, requests + warming)
        samples = Path(folder) / "samples"
        os.environ[sampled.FILE] = str(samples)
        program = (sys.executable, "-m", "bench.sampled")
        with (
            hot_paths.serving(postgres, folder, program=program) as (url, pid),
            psycopg.connect(postgres.address.url(), autocommit=True) as connection,
        ):
            connection.execute("CREATE EXTENSION pg_stat_statements")
            side = hot_paths.our_side(url, *templates)
            await side.find_cursors()
            await side.rate(path, 0, warming)
            _samples(pid, samples)
            connection.execute("SELECT pg_stat_statements_reset()")
            took, databases = processor_time(pid), _databases_time(connection)
            said(f"asking for {requests} times {path}")
            await side.rate(path, warming // 2 if path == "claim" else warming, requests)
            took, databases = processor_time(pid) - took, _databases_time(connection) - databases
            seen = _samples(pid, samples)
            statements: list[tuple[str, int, float, float]] = connection.execute(OF_STATEMENTS).fetchall()
    looks = sum(count for count, _ in seen)
    each = took * 1_000 / requests / looks
    layers, functions = Counter[str](), Counter[str]()
    for count, stack in seen:
        layers[_layer(stack)] += count
        functions[_short(stack[0])] += count
    return Parts(
        server=took * 1_000 / requests,
        samples=looks,
        layers={layer: count * each for layer, count in layers.most_common()},
        functions={function: count * each for function, count in functions.most_common(40)},
        database=databases * 1_000 / requests,
        statements={
            " ".join(query.split())[:90]: (calls / requests, (running + planning) / requests)
            for query, calls, running, planning in statements
            if calls >= requests / 10
        },
    )


def _samples(pid: int, file: Path) -> list[tuple[int, list[str]]]:
    """What was seen since the last time."""
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    while not file.exists():
        time.sleep(0.01)
    return [(count, stack) for count, *stack in json.loads(file.read_text())]


def _databases_time(connection: "psycopg.Connection[Any]") -> float:
    """Seconds of a processor that the processes of our connections took."""
    pids = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'flowpilot_app'").fetchall()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in pids) / 1e9


def _layer(stack: list[str]) -> str:
    for frame in stack:
        for place, layer in LAYERS:
            if place in frame:
                return layer
    return REST


def _short(frame: str) -> str:
    file, _, function = frame.rpartition(":")
    return f"{'/'.join(Path(file).parts[-2:])}:{function}"


def tables(path: str, parts: Parts, *, functions: bool) -> list[Table]:
    """One of the server and one of the database."""
    server = Table("the server's part", "ms", "%", title=f"{path}: {parts.server:.3f} ms of the server, {parts.samples} looks at its stack")
    for layer, ms in (parts.functions if functions else parts.layers).items():
        server.add_row(layer, f"{ms:.3f}", f"{100 * ms / parts.server:.0f}")
    database = Table(
        "statement", "times", "ms by the clock", title=f"{path}: {parts.database:.3f} ms of a processor for the database, in all"
    )
    for query, (times, ms) in parts.statements.items():
        database.add_row(query, f"{times:.2f}", f"{ms:.3f}")
    return [server, database]


def main() -> None:
    """Print both of each path that is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.parts", description=__doc__)
    parser.add_argument("paths", nargs="*", default=[*hot_paths.FLOORS], help="such as claim")
    parser.add_argument("--requests", type=int, default=8_000)
    parser.add_argument("--functions", action="store_true", help="the functions that took most, in place of layers")
    arguments = parser.parse_args()
    console = Console(width=150)
    for path in arguments.paths:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            parts = runner.run(measure(path, requests=arguments.requests, said=console.log))
        for table in tables(path, parts, functions=arguments.functions):
            console.print(table)


if __name__ == "__main__":
    main()
