"""Replay an incident log of another system."""

from pathlib import Path
from typing import Annotated, Final

import typer
from attrs import asdict, evolve
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.replay import Figures
from flowpilot_http import main as composition

from .environment import prepared
from .mapping import BadRow, LogProblem, read_log, read_mapping
from .outcome import Json, complain, outcome, run, say

MOST_TOLD: Final = 20
"""Broken rows that are told one by one."""


def replay(
    log: Annotated[Path, typer.Argument(help="The log: CSV with a header row, gzipped or not.")],
    mapping: Annotated[Path, typer.Option(help="A TOML file that says what the columns and their values mean.")],
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="The account to replay into: its id or name. Without it, a new one is made.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="How many cases at once.")] = 8,
    skip_bad_rows: Annotated[bool, typer.Option("--skip-bad-rows", help="Leave out rows that cannot be read.")] = False,
    json: Json = False,
) -> None:
    """Replay the incident log of another system in FlowPilot, each row at its own time. Nobody is notified.

    Stop it and start it again with the same account, and it continues where it stopped.
    """

    async def work() -> tuple[AccountId, Figures]:
        # As many connections as cases at once, so that none waits for one.
        async with composition.flowpilot_of(evolve(settings, pool_size=max(settings.pool_size, concurrency))) as flowpilot:
            if account is None:
                account_id = (await flowpilot.accounts.create(f"Replay of {read_by.log}")).id
                complain(f"Replaying into the new account {account_id}: to go on after a stop, add --account {account_id}")
            else:
                account_id = composition.account_called(settings, account)
            with _progress() as progress:
                task = progress.add_task("rows", total=len(read.rows))
                figures = await flowpilot.replay.run(
                    account_id, read_by.log, read.rows, concurrency=concurrency, done=lambda more: progress.advance(task, more)
                )
            return account_id, figures

    with outcome():
        settings = prepared()
        read_by = read_mapping(mapping)
        read = read_log(log, read_by)
        _tell(read.bad)
        if read.bad and not skip_bad_rows:
            raise LogProblem(
                f"{log}: {len(read.bad)} of its rows cannot be read, and nothing was replayed; --skip-bad-rows leaves them out"
            )
        account_id, figures = run(work())
        if json:
            say({"account_id": account_id, **asdict(figures)}, "", json=True)
        else:
            console = Console(soft_wrap=True, highlight=False)
            console.print(f"Account {account_id}")
            console.print(_table(figures))


def _tell(bad: tuple[BadRow, ...]) -> None:
    for row in bad[:MOST_TOLD]:
        complain(str(row))
    if len(bad) > MOST_TOLD:
        complain(f"… and {len(bad) - MOST_TOLD} more")


def _progress() -> Progress:
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True)


def _table(figures: Figures) -> Table:
    table = Table("Figure", Column("Replayed", justify="right"))
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), "—" if value is None else f"{value:,}")
    return table
