"""All commands under one name."""

from typing import Annotated

import typer

import flowpilot_core

from . import accounts, audit, deliveries, operating, providers, secrets, serving
from .demo import demo
from .replay import replay

program = typer.Typer(
    help="A junior is stuck on a ticket; a senior takes over in 30 seconds with everything that was tried.",
    epilog="Settings are environment variables; `flowpilot config` shows them all.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for name, group in (
    ("account", accounts.account),
    ("user", accounts.user),
    ("token", accounts.token),
    ("provider", providers.provider),
    ("secrets", secrets.secrets),
    ("deliveries", deliveries.deliveries),
    ("audit", audit.audit),
    ("relay", serving.relay),
):
    program.add_typer(group, name=name)
program.command("sign-in-link")(accounts.sign_in_link)
for command in (operating.migrate, operating.doctor, operating.config, serving.serve, replay, demo):
    program.command()(command)


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
