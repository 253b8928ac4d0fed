"""`flowpilot demo`: the main job as a story, on a server and a database of its own."""

from typing import Annotated

import typer

from flowpilot_http.cli.outcome import outcome

from .performance import perform


def demo(
    replay: Annotated[bool, typer.Option("--replay", help="Replay a small log of another system at the end, too.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Go on serving at the end, off a terminal too.")] = False,
) -> None:
    """Show the main job as a story, with a server, a database and a mail server of its own on this machine.

    On a terminal it keeps serving until Ctrl-C, with a link that signs you in as the senior, and shows every mail that is sent; elsewhere
    it ends, unless it is asked to serve. Nothing is left behind.
    """
    with outcome():
        perform(replay=replay, serve=serve)
