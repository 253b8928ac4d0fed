"""Whether the figures of an account are what its event log says."""

from typing import Any

import typer

from flowpilot_core.application.insights.analytics import Difference
from flowpilot_http import main as composition

from .environment import prepared
from .naming import OfAccount
from .outcome import COULD_NOT, Json, outcome, run, say

analytics = typer.Typer(help="Figures of what happened in an account.", no_args_is_help=True)


@analytics.callback()
def _group() -> None:
    """Figures of what happened in an account."""


@analytics.command()
def verify(account: OfAccount, json: Json = False) -> None:
    """Read an account's event log from end to end, count all figures anew, and say where they are not what is kept.

    Exits with 0 where all are alike, and with 1 where any differs.
    """

    async def work() -> tuple[Difference, ...]:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.analytics.verify(composition.account_called(settings, account))

    with outcome():
        settings = prepared()
        found = run(work())
        sentence = "\n".join(map(_line, found)) or "All figures are what the event log says."
        say({"ok": not found, "differences": [_facts(one) for one in found]}, sentence, json=json)
        if found:
            raise typer.Exit(COULD_NOT)


def _facts(one: Difference) -> dict[str, Any]:
    return {"of": one.subject, "group_by": one.group_by, "key": one.key, "figures": list(one.figures)}


def _line(one: Difference) -> str:
    where = f"{one.group_by} {one.key}" if one.group_by and one.key != "total" else "in all"
    return f"{one.subject}, {where}: {', '.join(one.figures)}"
