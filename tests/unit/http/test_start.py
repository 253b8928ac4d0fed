"""A command imports what it uses: seen in what it has loaded when it ends, not on a clock."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from flowpilot_http import main
from flowpilot_http.cli.deferred import COMMANDS, Deferred
from flowpilot_http.cli.program import program
from tests.support.loading import DATABASE, NOT_FOR_A_COMMAND, loaded
from tests.support.serving import environment


@pytest.mark.parametrize("arguments", [["--help"], ["config"], ["token", "create", "--help"]], ids=" ".join)
def test_a_command_that_asks_no_database_loads_neither_one_nor_anything_that_serves(arguments: list[str]) -> None:
    found = loaded(*arguments, environment=environment())

    assert found.printed
    assert [] == found.of(*NOT_FOR_A_COMMAND, *DATABASE)


def test_the_list_of_commands_loads_no_command() -> None:
    found = loaded("--help", environment=environment())

    assert "sign-in-link" in found.printed
    assert [] == found.of("attrs", "msgspec", "rich", "structlog", "flowpilot_http.main", "flowpilot_http.settings")
    assert ["flowpilot_http.cli", "flowpilot_http.cli.deferred", "flowpilot_http.cli.program"] == found.of("flowpilot_http.cli")


def test_who_has_no_model_waits_for_no_vendors_client() -> None:
    """An SDK takes as long to import as all the rest."""
    ended = subprocess.run(
        [sys.executable, "-c", "import sys, flowpilot_http.main.serving; print(*{'anthropic', 'openai', 'alembic'} & sys.modules.keys())"],
        capture_output=True,
        check=True,
        text=True,
    )

    assert "" == ended.stdout.strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_sentence_of_its_own_help(name: str) -> None:
    whole = typer.main.get_group(program).commands
    listed = whole[name]
    assert isinstance(listed, Deferred)

    assert (name, COMMANDS[name][1]) == (listed.whole().name, listed.whole().get_short_help_str(limit=1000))


def test_the_composition_root_gives_what_it_says_it_has() -> None:
    """The type checker and the import contracts read the imports that are made for them; a program is given the same."""
    tree = ast.parse(Path(main.__file__).read_text())
    said = {
        (one.name, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
        for one in node.names
    }

    assert said
    for name, module in said:
        assert getattr(import_module(f"{main.__name__}.{module}"), name) is getattr(main, name)
    with pytest.raises(AttributeError, match="has no nonsense"):
        main.nonsense  # noqa: B018
