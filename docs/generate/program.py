"""Pages of what an operator sets and calls: configuration and the command line."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import attrs
import typer
from typer.core import TyperGroup, TyperOption

from flowpilot_http.cli.deferred import Deferred
from flowpilot_http.cli.program import program
from flowpilot_http.settings import Settings, variable

from .markdown import code, page, table


def configuration() -> str:
    """Every environment variable."""
    return page(
        "Configuration",
        "Everything is set by environment variables; an empty one counts as left out. `flowpilot config` prints what is set, with passwords"
        " and keys hidden, and names variables that look like ours and that nobody reads.",
        table(
            ["variable", "meaning", "left out"],
            [[code(variable(one.name)), _meaning(one), _default(one)] for one in attrs.fields(Settings)],
        ),
    )


def _meaning(setting: "attrs.Attribute[object]") -> str:
    return str(setting.metadata["explanation"]) + (" *Secret.*" if setting.metadata["secret"] else "")


def _default(setting: "attrs.Attribute[object]") -> str:
    # What is worked out on the machine is told in the explanation.
    return code(setting.default) if isinstance(setting.default, str | int) else ""


def command_line() -> str:
    """Every command with what it takes."""
    return page(
        "Command line",
        "Exit statuses: 0 done, 1 it could not, 2 the call was wrong. With `--json` a command prints one JSON object on one line on"
        " standard output, and nothing else there. Settings are environment variables: see [configuration](configuration.md).",
        *(_told(name, command) for name, command in _commands(typer.main.get_command(program), "flowpilot")),
    )


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(command, Deferred):
        command = command.whole()
    if isinstance(command, TyperGroup):
        if command.invoke_without_command and name != "flowpilot":
            yield name, command
        for part, inner in command.commands.items():
            yield from _commands(inner, f"{name} {part}")
    else:
        yield name, command


def _told(name: str, command: Any) -> str:
    usage = [name, *(_call(one) for one in command.params if one.required)]
    parts = [f"## {name}", code(" ".join(usage)), " ".join((command.help or "").split())]
    rows = [[code(_call(one)), one.help or "", _left_out(one)] for one in command.params]
    return "\n\n".join([*parts, *([table(["takes", "meaning", "left out"], rows)] if rows else [])])


def _call(parameter: Any) -> str:
    if not isinstance(parameter, TyperOption):
        return _value(parameter)
    names = " / ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {_value(parameter)}"


def _value(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "|".join(kind)
    return str(parameter.metavar or parameter.name).upper()


def _left_out(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    if isinstance(parameter, TyperOption) and parameter.is_flag:
        return code(parameter.opts[0]) if parameter.default and parameter.secondary_opts else ""
    return "" if parameter.default is None else code(parameter.default)
