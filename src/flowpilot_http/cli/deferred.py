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
        "sign-in-link": (".accounts", "Print a link that signs one person in, once, within 15 minutes."),
        "migrate": (".operating", "Bring the database's schema, and the library that all accounts read, up to this version."),
        "doctor": (
            ".operating",
            "Check the installation (settings, database, roles, schema, tenancy and more), and say how to fix what is wrong.",
        ),
        "config": (".operating", "Show every setting, its value and what it is for; secrets are hidden."),
        "backup": (".backups", "Write the whole database to one file, while the service runs."),
        "restore": (".backups", "Restore a backup into an empty database, and check that every account has its rows."),
        "serve": (".serving", "Answer requests until SIGTERM or Ctrl-C; then finish what is running and exit with 0."),
        "replay": (".replay", "Replay the incident log of another system in FlowPilot, each row at its own time."),
        "demo": (".demo", "Show the main job as a story, with a server, a database and a mail server of its own on this machine."),
        "account": (".accounts", "Accounts, one for each MSP."),
        "user": (".accounts", "The people of an account."),
        "team": (".accounts", "The teams of an account."),
        "token": (".accounts", "API tokens, each for one person."),
        "provider": (".providers", "The identity providers that an account trusts."),
        "secrets": (".secrets", "The key that stored secrets are encrypted with."),
        "deliveries": (".deliveries", "Who was told what, and what to do where a message failed."),
        "audit": (".audit", "The audit log of an account."),
        "analytics": (".analytics", "Figures of what happened in an account."),
        "relay": (".serving", "Send mails and do the other background work, until SIGTERM or Ctrl-C."),
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
