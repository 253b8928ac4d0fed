"""What keeps running: the server and the relay."""

from typing import Annotated

import typer

from flowpilot_http import main as composition
from flowpilot_http.settings import MOST_WORKERS

from .environment import prepared
from .outcome import Json, ended, outcome, run, say


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 is every address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Which port; 0 picks a free one.")] = 8000,
    relay: Annotated[bool, typer.Option(help="Send mails from here too.")] = True,
    workers: Annotated[
        int | None, typer.Option(min=1, max=MOST_WORKERS, help="How many processes share the port; FLOWPILOT_WORKERS, or 1, if not given.")
    ] = None,
) -> None:
    """Answer requests until SIGTERM or Ctrl-C; then finish what is running and exit with 0."""
    with outcome():
        settings = prepared(quiet=False)
        number = workers or settings.workers
        if number == 1:
            run(composition.serve(settings, host=host, port=port, relay=relay))
        elif status := composition.serve_together(settings, host=host, port=port, relay=relay, workers=number, run=ended):
            raise typer.Exit(status)


relay = typer.Typer(invoke_without_command=True, add_completion=False)


@relay.callback()
def _relay(
    context: typer.Context,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Answer GET /metrics on this port. Without it, only `serve` has the figures.")
    ] = None,
) -> None:
    """Send mails and do the other background work, until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is None:
        with outcome():
            run(composition.relay(prepared(quiet=False), metrics_port=metrics_port))


@relay.command("pause")
def pause_relays(
    reason: Annotated[str, typer.Argument(help="Why, for whoever asks.")] = "an operator asked for it",
    json: Json = False,
) -> None:
    """Pause all relays, wherever they run: before a restore, for example. They finish what they have begun."""
    with outcome():
        run(composition.pause_relays(prepared(), reason))
        say({"paused": True, "reason": reason}, "Relays are paused. Resume them with: flowpilot relay resume", json=json)


@relay.command("resume")
def resume_relays(json: Json = False) -> None:
    """Let relays work again after a restore or a pause: everything that is due is sent."""
    with outcome():
        reason = run(composition.resume_relays(prepared()))
        sentence = f"Relays are running again. They were paused: {reason}" if reason else "Relays were not paused."
        say({"paused": False, "reason": reason}, sentence, json=json)
