"""Commands that are imported once somebody names them, so that none waits for what another one uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from flowpilot_http import late

MANNER: Final[Mapping[str, Any]] = MappingProxyType({"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None})
"""How the program and each of its commands speak: plain text, which needs no library for colours."""

COMMANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "sign-in-link": (".accounts", "Print a link that signs one person in once, within a quarter of an hour."),
        "migrate": (".operating", "Bring the database's schema to what this version of the program wants."),
        "doctor": (
            ".operating",
            "Look for what is wrong with this installation, and say what to do: settings, database, roles, schema, tenancy.",
        ),
        "config": (".operating", "Show every setting, its value and what it is for; secrets are hidden."),
        "backup": (
            ".backups",
            "Write all of the database into one file, while the service runs; it is checked before it takes the file's place.",
        ),
        "restore": (".backups", "Have a backup in an empty database, and check that every account has its rows there."),
        "serve": (".serving", "Answer requests until SIGTERM or Ctrl-C; then end what is running, and end with 0."),
        "replay": (".replay", "Drive the incident log of another system through FlowPilot, each row at its own time."),
        "demo": (".demo", "Tell the main job as a story, on a server, a database and a mail server of its own on this machine."),
        "account": (".accounts", "The accounts: one for each MSP."),
        "user": (".accounts", "The people of an account."),
        "team": (".accounts", "The teams of an account."),
        "token": (".accounts", "API tokens, each of one person."),
        "provider": (".providers", "The identity providers that an account trusts."),
        "secrets": (".secrets", "The key that accounts' secrets are sealed under."),
        "deliveries": (".deliveries", "What was told to whom, and what to do where it was not."),
        "audit": (".audit", "The audit log of an account."),
        "relay": (".serving", "Send mails, and do whatever else follows from what happened, until SIGTERM or Ctrl-C."),
    }
)
"""Every command and group of commands, as they are listed: the module that has it by its name, and the first sentence of its help."""


class Deferred(TyperCommand):
    """Stands for a command in the list of all, and hands over to it once somebody calls it."""

    def whole(self) -> TyperCommand | TyperGroup:
        """The command itself, or the group."""
        name = str(self.name)
        found = late.part(COMMANDS[name][0], name.replace("-", "_"), of=str(__package__))
        program = typer.Typer(**MANNER)
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=name)
        else:
            program.command(name)(found)
        made: Any = typer.main.get_group(program)
        whole: TyperCommand | TyperGroup = made.commands[name]
        return whole

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """The call as the command itself reads it."""
        return self.whole().make_context(*arguments, **named)


def add_to(program: typer.Typer) -> None:
    """List every command in the program."""
    for name, (_, story) in COMMANDS.items():
        program.command(name, cls=Deferred, help=story)(_nothing)


def _nothing() -> None:
    """What is listed does nothing itself."""
