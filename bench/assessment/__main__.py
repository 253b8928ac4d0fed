"""`python -m bench.assessment`: how good an assistant is on cases whose cause is known."""

import argparse
import asyncio
import json
import os

import attrs
from rich.console import Console
from rich.table import Table

from flowpilot_adapters.llm import ModelAssistant
from flowpilot_adapters.system import jitter
from flowpilot_core.application.assistant.rules_assistant import RulesAssistant
from flowpilot_core.ports.assistant import Assistant
from flowpilot_http.library import library
from flowpilot_http.main import speakers
from flowpilot_http.settings import Settings

from .cases import HALVES, cases
from .score import Score, place_of, score
from .trees import LEAST_OFFERED, Offered, offered


def main() -> None:
    """Score, and print a table or one line of JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.assessment", description="How good assessments are on cases whose cause is known."
    )
    parser.add_argument("--assistant", default="rules", help="rules, anthropic:MODEL or openai:MODEL, with the key in the environment")
    parser.add_argument("--each", type=int, default=5, help="cases of each scenario")
    parser.add_argument("--half", choices=[*HALVES, "both"], default="both", help="look at the tuning half while changing something")
    parser.add_argument(
        "--misses", action="store_true", help="name the tuning cases whose cause was not found; the test half's are not shown"
    )
    parser.add_argument("--trees", action="store_true", help="how often the tree of the first library that leads to the cause is offered")
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    arguments = parser.parse_args()
    halves = list(HALVES) if arguments.half == "both" else [arguments.half]
    if arguments.trees:
        brought = library()
        shares = {half: offered(brought, cases(half, each=arguments.each)) for half in halves}
        _print({half: attrs.asdict(one) for half, one in shares.items()}, _trees_table(shares), json_only=arguments.json)
        if any(one.at_start < LEAST_OFFERED for one in shares.values()):
            parser.exit(1, f"less than {LEAST_OFFERED:.0%} at the start\n")
        return
    scores = asyncio.run(_scored(arguments.assistant, halves, arguments.each, misses=arguments.misses))
    _print({half: attrs.asdict(one) for half, one in scores.items()}, _table(arguments.assistant, scores), json_only=arguments.json)


def _print(plain: dict[str, object], table: Table, *, json_only: bool) -> None:
    if json_only:
        print(json.dumps(plain))
    else:
        Console().print(table)


async def _scored(name: str, halves: list[str], each: int, *, misses: bool) -> dict[str, Score]:
    assistant = _assistant(name)
    scores = {}
    for half in halves:
        scores[half], said = await score(assistant, cases(half, each=each))
        if misses and half == "tuning":
            for known, diagnosis in said:
                if diagnosis and place_of(known, diagnosis) not in (1, 2, 3):
                    print(known.case.session.title, [cause.cause for cause in diagnosis.likely_causes])
    return scores


def _assistant(name: str) -> Assistant:
    if name == "rules":
        return RulesAssistant()
    (speaker,) = speakers(Settings.of({**os.environ, "FLOWPILOT_ASSISTANT": name}))
    return ModelAssistant(speaker=speaker, jitter=jitter)


def _table(name: str, scores: dict[str, Score]) -> Table:
    table = Table("half", "cases", "cause in first three", "first", "misled", "precision of citations", "unsupported", "words", title=name)
    for half, one in scores.items():
        figures = (
            f"{one.found:.0%}",
            f"{one.first:.0%}",
            f"{one.misled:.0%}",
            f"{one.precision:.0%}",
            f"{one.unsupported:.2f}",
            f"{one.words:.0f}",
        )
        table.add_row(half, str(one.cases), *figures)
    return table


def _trees_table(shares: dict[str, Offered]) -> Table:
    table = Table("half", "cases", "at the start", "with its steps", title="the tree that leads to the cause is among the first three")
    for half, one in shares.items():
        table.add_row(half, str(one.cases), f"{one.at_start:.0%}", f"{one.with_steps:.0%}")
    return table


if __name__ == "__main__":
    main()
