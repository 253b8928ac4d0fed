"""`python -m bench`: the hot paths, and a replay where there is a log, as ratios."""

import argparse
import asyncio
import json

from rich.console import Console
from rich.table import Table

from .hot_paths import Figure, measure

EXPLANATION = (
    "ours: requests a second over HTTP, with tokens and idempotency keys, answers checked, relay off; "
    "limit: transactions a second of pgbench with 8 clients and the same statements and commits."
)


def main() -> None:
    """Measure, and print a table or one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What FlowPilot does beside what the database can do.")
    parser.add_argument("--rounds", type=int, default=5, help="a ratio counts from five")
    parser.add_argument("--transactions", type=int, default=2000, help="of each path in a round, by each side")
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    figures = asyncio.run(measure(rounds=arguments.rounds, transactions=arguments.transactions, said=console.log))
    if arguments.json:
        print(json.dumps({figure.name: _plain(figure) for figure in figures}))
    else:
        console.print(_table(figures))
        console.print(EXPLANATION)


def _plain(figure: Figure) -> dict[str, object]:
    return {
        "ours_per_s": round(figure.ours),
        "limit_per_s": round(figure.limit),
        "ratio": round(figure.ratio, 3),
        "ratio_min": round(min(figure.ratios), 3),
        "ratio_max": round(max(figure.ratios), 3),
        "at_least": figure.least,
        "goal": figure.goal,
    }


def _table(figures: list[Figure]) -> Table:
    table = Table("path", "ours / s", "limit / s", "ratio", "spread", "at least", "goal")
    for figure in figures:
        spread = f"{min(figure.ratios):.2f} to {max(figure.ratios):.2f}"
        row = (f"{figure.ours:.0f}", f"{figure.limit:.0f}", f"{figure.ratio:.2f}", spread, f"{figure.least:.2f}", f"{figure.goal:.2f}")
        table.add_row(figure.name, *row)
    return table


if __name__ == "__main__":
    main()
