"""`python -m bench`: the hot paths, push, what starting costs, and a replay where there is a log, as ratios."""

import argparse
import asyncio
import json
import os
from pathlib import Path

from rich.console import Console

from . import due_work, hot_paths, outage, push, replay, start


def main() -> None:
    """Measure, and print a table or one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What FlowPilot does beside what the database can do.")
    parser.add_argument("--rounds", type=int, default=5, help="a ratio counts from five")
    parser.add_argument("--transactions", type=int, default=2000, help="of each path in a round, by each side")
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    parser.add_argument("--log", type=Path, default=os.environ.get("FLOWPILOT_INCIDENT_LOG"), help="an incident log to replay as well")
    parser.add_argument("--mapping", type=Path, default=Path("examples/volvo-incidents-2013.toml"), help="what its columns mean")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    figures = asyncio.run(hot_paths.measure(rounds=arguments.rounds, transactions=arguments.transactions, said=console.log))
    pushed = asyncio.run(push.measure(rounds=arguments.rounds, said=console.log))
    down = asyncio.run(outage.measure(rounds=arguments.rounds, transactions=arguments.transactions // 4, said=console.log))
    found = asyncio.run(due_work.measure(rounds=arguments.rounds, said=console.log))
    started = start.measure(rounds=arguments.rounds, said=console.log)
    replayed = None
    if arguments.log:
        replayed = asyncio.run(replay.measure(arguments.log, arguments.mapping, said=console.log))
    if arguments.json:
        plain = {figure.name: hot_paths.plain(figure) for figure in figures} | {"push": _plain_push(pushed)}
        plain["outage"] = {trouble: [round(ratio, 3) for ratio in ratios] for trouble, ratios in down.items()}
        plain["due_work"] = _plain_due_work(found)
        plain["start"] = start.plain(started)
        print(json.dumps(plain | ({"replay": _plain_replay(replayed)} if replayed else {})))
        return
    console.print(hot_paths.table(figures))
    console.print(hot_paths.EXPLANATION)
    console.print(_push_line(pushed))
    for trouble, ratios in down.items():
        console.print(outage.line(trouble, ratios))
    looks = f"{found.busy:.1f} ms, with none {found.idle:.1f} ms: {found.ratio:.2f} times as long, {due_work.MOST:.1f} at most"
    console.print(f"a look for due work while {due_work.ACCOUNTS:,} accounts have some for later: {looks}")
    for line in start.lines(started):
        console.print(line)
    if replayed:
        times = f"{replayed.ours:.1f} s, a bare driver {replayed.bare:.1f} s: {replayed.ratio:.2f} times as long, {replay.MOST:.1f} at most"
        console.print(f"replay of {replayed.rows} rows: {times}")
    else:
        console.print("replay: left out, since no log is named (--log, or FLOWPILOT_INCIDENT_LOG)")


def _push_line(figure: push.PushFigure) -> str:
    rates = f"{figure.ours:,.0f} events x streams a second, bare ASGI {figure.bare:,.0f}: {figure.ratio:.2f}"
    spread = f"{min(figure.ratios):.2f} to {max(figure.ratios):.2f}, at least {push.LEAST:.2f}, goal {push.GOAL:.2f}"
    memory = f"{figure.kib:.1f} KiB a stream, bare {figure.bare_kib:.1f}, {push.MOST_KIB:.0f} at most"
    arrival = f"commit to arrival p50 {figure.p50:.1f} ms, p99 {figure.p99:.1f} ms, goal {push.GOAL_P99:.0f}"
    two = f"on two processes over NATS {figure.two:,.0f}: {figure.two_ratio:.2f}"
    there = f"p50 {figure.two_p50:.1f} ms, p99 {figure.two_p99:.1f} ms"
    return f"push to {push.STREAMS} streams: {rates} ({spread}); {memory}; {arrival}; {two}, {there}"


def _plain_push(figure: push.PushFigure) -> dict[str, object]:
    return {
        "ours_per_s": round(figure.ours),
        "bare_per_s": round(figure.bare),
        "ratio": round(figure.ratio, 3),
        "ratio_min": round(min(figure.ratios), 3),
        "ratio_max": round(max(figure.ratios), 3),
        "at_least": push.LEAST,
        "goal": push.GOAL,
        "kib_a_stream": round(figure.kib, 1),
        "bare_kib_a_stream": round(figure.bare_kib, 1),
        "kib_at_most": push.MOST_KIB,
        "arrival_p50_ms": round(figure.p50, 2),
        "arrival_p99_ms": round(figure.p99, 2),
        "arrival_p99_goal_ms": push.GOAL_P99,
        "two_per_s": round(figure.two),
        "two_ratio": round(figure.two_ratio, 3),
        "two_ratio_min": round(min(figure.two_ratios), 3),
        "two_ratio_max": round(max(figure.two_ratios), 3),
        "two_arrival_p50_ms": round(figure.two_p50, 2),
        "two_arrival_p99_ms": round(figure.two_p99, 2),
    }


def _plain_replay(figure: replay.ReplayFigure) -> dict[str, object]:
    return {
        "rows": figure.rows,
        "ours_s": round(figure.ours, 1),
        "bare_s": round(figure.bare, 1),
        "ratio": round(figure.ratio, 2),
        "at_most": replay.MOST,
    }


def _plain_due_work(figure: due_work.DueWorkFigure) -> dict[str, object]:
    return {
        "idle_ms": round(figure.idle, 2),
        "busy_ms": round(figure.busy, 2),
        "ratio": round(figure.ratio, 2),
        "at_most": due_work.MOST,
    }


if __name__ == "__main__":
    main()
