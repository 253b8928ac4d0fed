"""What an operator does about the key that secrets are sealed under."""

import typer

from flowpilot_core.domain.kernel.text import counted
from flowpilot_http import main as composition

from .environment import prepared
from .outcome import COULD_NOT, Json, outcome, run, say

secrets = typer.Typer(help="The key that stored secrets are encrypted with.", no_args_is_help=True)


@secrets.command()
def rotate(json: Json = False) -> None:
    """Encrypt all stored secrets with the current key while the service runs. It can be stopped and run again at any time."""
    with outcome():
        rotated = run(composition.rotate(prepared()))
        unreadable = f"; {rotated.unreadable} cannot be opened with any key that is set here" if rotated.unreadable else ""
        sentence = f"{counted(rotated.resealed, 'secret was', 'secrets were')} encrypted with the current key{unreadable}."
        say({"key_id": rotated.key_id, "resealed": rotated.resealed, "unreadable": rotated.unreadable}, sentence, json=json)
        if rotated.unreadable:
            raise typer.Exit(COULD_NOT)
