"""What keeps running: the server and the relay."""

from typing import Annotated

import typer

from flowpilot_http import main as composition

from .environment import prepared
from .outcome import outcome, run


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 is every address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Which port; 0 is a free one.")] = 8000,
    relay: Annotated[bool, typer.Option(help="Send mails from here too.")] = True,
) -> None:
    """Answer requests until SIGTERM or Ctrl-C; then end what is running, and end with 0."""
    with outcome():
        run(composition.serve(prepared(quiet=False), host=host, port=port, relay=relay))


def relay() -> None:
    """Send mails, and do whatever else follows from what happened, until SIGTERM or Ctrl-C."""
    with outcome():
        run(composition.relay(prepared(quiet=False)))
