"""What an operator does about the key that secrets are sealed under."""

import typer

from flowpilot_http import main as composition

from .environment import prepared
from .outcome import COULD_NOT, Json, outcome, run, say

secrets = typer.Typer(help="The key that accounts' secrets are sealed under.", no_args_is_help=True)


@secrets.command()
def rotate(json: Json = False) -> None:
    """Seal everything under the secret key of now, while others go on working; stop it and run it again as you like."""
    with outcome():
        rotated = run(composition.rotate(prepared()))
        unreadable = f"; {rotated.unreadable} cannot be opened by any key that is known here" if rotated.unreadable else ""
        sentence = f"{rotated.resealed} secrets are sealed under the key of now{unreadable}."
        say({"key_id": rotated.key_id, "resealed": rotated.resealed, "unreadable": rotated.unreadable}, sentence, json=json)
        if rotated.unreadable:
            raise typer.Exit(COULD_NOT)
