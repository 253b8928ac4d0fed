"""`python -m bench.start`: what a command costs before it does anything, and how soon a server answers.

Commands are measured in processor time, beside a program of two commands that Typer shows the help of, with the ratio taken inside each
round: what else the machine does moves both alike. A server is measured by the clock, from its start until `/health/live` answers.
"""

import argparse
import compileall
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from attrs import frozen

import flowpilot_http
from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import roles
from flowpilot_http.settings import PREFIX, variable

TWO_COMMANDS: Final = '''
import typer

program = typer.Typer()


@program.command()
def greet(name: str) -> None:
    """Greet somebody."""


@program.command()
def leave(name: str) -> None:
    """Say goodbye to somebody."""


program()
'''
"""What there is to compare with: the least that a program of several commands is."""
MOST: Final[Mapping[str, float]] = {"--help": 3.0, "config": 4.0, "token create": 8.0}
"""Times the processor time of that program's `--help`, at most."""
MOST_SECONDS: Final = 3.0
"""From the start of `serve`, on a database that is there, until it answers."""
BETWEEN_LOOKS: Final = 0.01
PATIENCE: Final = 60.0

FLOWPILOT: Final = str(Path(sys.executable).parent / "flowpilot")


@frozen(kw_only=True)
class StartFigure:
    """What came of it: ratios of the commands by round, and seconds until a server answers."""

    ratios: Mapping[str, Sequence[float]]
    live: Mapping[str, Sequence[float]]
    """On the embedded database, which is started with it, and on one that is running."""


def measure(*, rounds: int, said: Callable[[str], None]) -> StartFigure:
    """Start each of them so many times."""
    # As an installation does; not every environment lets a process keep what it compiled.
    compileall.compile_dir(Path(flowpilot_http.__file__).parents[1], quiet=2)
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder:
        data, two_commands = Path(folder) / "data", Path(folder) / "two_commands.py"
        two_commands.write_text(TWO_COMMANDS)
        embedded = {variable("data_dir"): str(data)}
        said("start: making a database")
        account = _told(embedded, "account", "create", "Bench")["id"]
        person = _told(embedded, "user", "create", "--account", account, "--email", "a@bench.test", "--name", "A", "--role", "owner")["id"]
        commands = {
            "--help": ("--help",),
            "config": ("config",),
            "token create": ("token", "create", "--account", account, "--user", person),
        }
        ratios: dict[str, list[float]] = {name: [] for name in commands}
        live: dict[str, list[float]] = {"embedded": [], "running": []}
        for number in range(rounds):
            said(f"start: round {number + 1} of {rounds}")
            live["embedded"].append(_until_live(embedded))
            with EmbeddedPostgres(data) as postgres:
                address = postgres.address
                running = {
                    **embedded,
                    variable("database_url"): address.url(user=roles.APP),
                    variable("relay_database_url"): address.url(user=roles.RELAY),
                    variable("secret_key"): "bench" * 8,
                }
                live["running"].append(_until_live(running))
                least = _processor_seconds([sys.executable, str(two_commands), "--help"], {})
                for name, arguments in commands.items():
                    ratios[name].append(_processor_seconds([FLOWPILOT, *arguments], running) / least)
    return StartFigure(ratios=ratios, live=live)


def lines(figure: StartFigure) -> list[str]:
    """The figures, for people."""
    told = [
        f"start: `flowpilot {name}` {median(ratios):.1f} times a Typer program's --help ({_spread(ratios)}), {MOST[name]:.0f} at most"
        for name, ratios in figure.ratios.items()
    ]
    for database, seconds in figure.live.items():
        spread = f"{_spread(seconds)}, {MOST_SECONDS:.0f} at most"
        told.append(f"start: `flowpilot serve` on the {database} database is live in {median(seconds):.2f} s ({spread})")
    return told


def plain(figure: StartFigure) -> dict[str, object]:
    """The figures, for programs."""
    return {
        "ratios": {name: [round(ratio, 2) for ratio in ratios] for name, ratios in figure.ratios.items()},
        "ratios_at_most": dict(MOST),
        "live_s": {database: [round(one, 2) for one in seconds] for database, seconds in figure.live.items()},
        "live_s_at_most": MOST_SECONDS,
    }


def _spread(figures: Sequence[float]) -> str:
    return f"{min(figures):.2f} to {max(figures):.2f}"


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | dict(settings)


def _told(settings: Mapping[str, str], *arguments: str) -> dict[str, str]:
    ended = subprocess.run([FLOWPILOT, *arguments, "--json"], env=_environment(settings), stdout=subprocess.PIPE, check=True)
    told: dict[str, str] = json.loads(ended.stdout)
    return told


def _processor_seconds(command: Sequence[str], settings: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=_environment(settings), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _until_live(settings: Mapping[str, str]) -> float:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()
    command = [FLOWPILOT, "serve", "--port", str(port)]
    with subprocess.Popen(command, env=_environment(settings), stderr=subprocess.DEVNULL) as server:
        try:
            while not _lives(port):
                if server.poll() is not None or time.monotonic() - began > PATIENCE:
                    raise RuntimeError("the server did not start")
                time.sleep(BETWEEN_LOOKS)
            return time.monotonic() - began
        finally:
            server.send_signal(signal.SIGTERM)


def _lives(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as caller:
            caller.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return caller.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main() -> None:
    """Measure, and print lines or one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description="What a command costs before it does anything.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    arguments = parser.parse_args()
    figure = measure(rounds=arguments.rounds, said=lambda line: print(line, file=sys.stderr))
    print(json.dumps(plain(figure)) if arguments.json else "\n".join(lines(figure)))


if __name__ == "__main__":
    main()
