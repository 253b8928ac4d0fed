"""All commands under one name."""

from typing import Annotated

import typer

import flowpilot_core

from . import deferred

program = typer.Typer(
    help="A junior is stuck on a ticket; a senior takes over in 30 seconds with everything that was tried.",
    epilog="Settings are environment variables; `flowpilot config` shows them all.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **deferred.MANNER,
)
deferred.add_to(program)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flowpilot {flowpilot_core.__version__}")
        raise typer.Exit


@program.callback()
def flowpilot(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Whatever command comes next."""


def main() -> None:
    """Run the command that the arguments name."""
    program()
