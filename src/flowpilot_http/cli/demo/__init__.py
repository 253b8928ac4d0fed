"""`flowpilot demo`: the main job as a story, on a server and a database of its own."""

from flowpilot_http.cli.outcome import outcome

from .performance import perform


def demo() -> None:
    """Tell the main job as a story, on a server, a database and a mail server of its own on this machine.

    On a terminal it goes on serving until Ctrl-C, for you to look around; else it ends. Nothing is left behind.
    """
    with outcome():
        perform()
